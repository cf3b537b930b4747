"""What a person reads first of a version: not the defaults."""

from easel_serving.registry.directory import Version

from pipeline.configuration.config import Config
from pipeline.history import brief, configuration


def recorded(**changes):
    lanes = {
        "classifier": {"photos": "/p", "train": {"dropout": 0.5}},
        "style": {"photos": "/q", "paintings": "/r"},
        "workspace": "/w",
        **changes,
    }
    return Config.model_validate(lanes).described()


def test_what_has_no_default_or_another_value_is_chosen():
    kept, rest = configuration.chosen(recorded(seed=5))
    assert kept == {
        "workspace": "/w",
        "seed": 5,
        "classifier.photos": "/p",
        "classifier.train.dropout": 0.5,
        "style.photos": "/q",
        "style.paintings": "/r",
    }
    assert rest > 100
    assert configuration.chosen({"workspace": "/w", "of_old": {"key": 1}}) == ({"workspace": "/w", "of_old.key": 1}, 0)
    assert configuration.chosen({}) == ({}, 0)


def test_the_brief_card_has_the_figures_and_no_long_lists(tmp_path):
    manifest = {
        "model": "cats", "version": 3, "digest": "d", "kind": "classifier",
        "metrics": {"candidate": {"accuracy": 0.9}},
        "data": {"photos": {
            "report": {"seen": 40, "examples": 40, "rejected": 0, "classes": {f"c{i}": 2 for i in range(20)},
                       "splits": {"eval": {"c0": 1}}},
            "digest": "e",
        }},
        "training": {"steps": 9, "history": {"loss": [0.5] * 9}},
        "lineage": {"configuration": recorded(), "commit": "abc"},
    }  # fmt: skip
    (tmp_path / "styles.json").write_text('[{"name": "wave"}, {"name": "night"}]')
    text = brief.card(Version("cats", 3, tmp_path, tmp_path, manifest, ()))
    assert "Knows the paintings wave, night." in text
    assert "| accuracy | 0.9 |" in text
    assert "files: 40 seen, 40 examples\n" in text
    assert "c11 2, ... (20)" in text
    assert "classifier.train.dropout: 0.5" in text
    assert "more keys of the configuration have their defaults; --all shows them" in text
    for absent in ("splits", "history", "patience", "style.photos", "c12"):
        assert absent not in text
    assert len(text.splitlines()) < 50
    bare = Version("cats", 3, tmp_path, tmp_path / "none", {"model": "cats", "version": 3, "digest": "d"}, ())
    assert brief.card(bare).startswith("# cats, version 3")
