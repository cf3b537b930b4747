"""The example configurations are read by the same code as a person's own."""

from pathlib import Path

import pytest

from pipeline.configuration.config import load

CONFIGS = Path(__file__).resolve().parents[2] / "data" / "configs"


def test_the_minimal_one_needs_nothing_but_two_folders_beside_it(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "paintings").mkdir()
    (tmp_path / "minimal.yaml").write_text((CONFIGS / "minimal.yaml").read_text())
    assert load(tmp_path / "minimal.yaml").inputs() == {
        "classifier.photos": str(tmp_path / "photos"),
        "style.photos": str(tmp_path / "photos"),
        "style.paintings": str(tmp_path / "paintings"),
    }


def test_the_demo_reads_and_writes_only_the_folder_that_make_demo_draws_into(tmp_path):
    checkout = tmp_path / "checkout"
    for folder in ("data/configs", "demo/photos", "demo/paintings"):
        (checkout / folder).mkdir(parents=True)
    (checkout / "data/configs/demo.yaml").write_text((CONFIGS / "demo.yaml").read_text())
    config = load(checkout / "data/configs/demo.yaml")
    paths = [*map(Path, config.inputs().values()), config.workspace, config.serving]
    assert all(path.is_relative_to(checkout / "demo") for path in paths)
    assert (config.classifier.backbone.weights, config.style.encoder.weights) == ("none", "none")
    assert config.style.perceptual.weights == "light"


@pytest.mark.assets
@pytest.mark.parametrize("name", ["recycling", "flowers"])
def test_the_real_sets_find_their_folders_and_weights(name, assets, monkeypatch):
    monkeypatch.setenv("EASEL_ASSETS", str(assets))
    assert load(CONFIGS / f"{name}.yaml").name == name
