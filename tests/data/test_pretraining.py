"""The recipe of the network that ships, on tiny networks and drawn images."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from easel_serving import shipped
from easel_serving.protocol.errors import ServingError
from PIL import Image

from data.pretraining import arrange, bank, card, ship
from trainer.base.errors import UserError
from trainer.style.networks import networks
from trainer.style.options import NetworkOptions
from trainer.tflite.export import export as export_variants
from trainer.tflite.options import StyleTFLiteOptions

SIZE = NetworkOptions(channels=8, blocks=1, code_size=8)
PAINTINGS = [
    bank.Painting("wood", "wood.png", "Nobody", "A Wood", 1900),
    bank.Painting("sea", "sea.png", "É. M", "Sea", 1),
]
ABOUT = {
    "training": {
        "steps": 3,
        "before": [{"version": 1, "steps": 3150}],
        "hours": 0.5,
        "processor": "a test",
        "commit": "abc",
    },
    "data": {"learned": ["two drawings"], "unseen_artists": ["nobody"], "unseen_paintings": ["none"]},
}


def png(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path.read_bytes()


def written(folder, version, tmp_path, variants=("float16",)):
    keras.utils.set_random_seed(version)
    trained = ship.Trained(*networks.build(SIZE, "none"), SIZE, 3, None)
    options = StyleTFLiteOptions(variants=list(variants), held_out_examples=None)
    files = [(each, png(tmp_path / each.file, i)) for i, each in enumerate(PAINTINGS)]
    photos = [png(tmp_path / "photo.png", 9)]
    return ship.write(trained, files, photos, options, folder, version, ABOUT, lambda made: card.render(made, "- all"))


@pytest.fixture(scope="module")
def made():
    """The variants that were converted and measured for `folder`: that takes a quarter of a minute."""
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory, made):
    place = tmp_path_factory.mktemp("shipped")

    def kept(*given):
        for each in export_variants(*given):
            made.append(each)
            yield each

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ship, "export_variants", kept)
        written(place / "style", 1, place)
    return place / "style"


def test_what_ships_is_read_back_as_a_version(folder):
    version = shipped.version(folder)
    assert (version.model, version.number) == ("shipped", 1)
    assert version.styles == ["wood", "sea"]
    assert all(len(code) == 8 and np.isfinite(code).all() for code in version.codes.values())
    assert [(row["artist"], row["year"]) for row in shipped.bank(folder)] == [("Nobody", 1900), ("É. M", 1)]
    assert not version.present
    assert {row["verdict"] for row in version.manifest["tflite"]} == {"ok"}
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert "MobileNetV2 (Google, Apache-2.0)" in text
    assert "| transformer | float16 |" in text
    assert (
        "3 steps of `data/configs/pretrained.yaml` (`make pretrained`) after the 3,150 of version 1, on a test" in text
    )


def test_its_variants_paint_what_its_codes_say(folder):
    network = pytest.importorskip("easel_serving.models.tflite.network")
    from easel_serving.models.tflite import variants

    version = shipped.version(folder)
    transformer = network.Network(variants.find(version, "transformer", variants.FLOATS))
    photo = np.random.default_rng(3).uniform(0, 255, (1, 384, 384, 3)).astype(np.float32)
    pictures = [
        transformer(content=photo, style_code=np.array([code], np.float32))["stylized"]
        for code in version.codes.values()
    ]
    assert pictures[0].std() > 0
    assert np.abs(pictures[0] - pictures[1]).max() > 0


def test_figures_go_into_the_card_and_all_stays_whole(folder, tmp_path):
    copy(folder, tmp_path / "style")
    row = {"what": "faces: SSIM", "easel": "0.6", "magenta": "0.5"}
    ship.measured(tmp_path / "style", {"what": "Measured so:", "rows": [row]}, "- too smooth")
    assert shipped.version(tmp_path / "style").manifest["figures"]["rows"] == [row]
    text = (tmp_path / "style/card.md").read_text(encoding="utf-8")
    assert "| faces: SSIM | 0.6 | 0.5 |" in text
    assert "- too smooth" in text


@pytest.mark.parametrize("name", ["weights.safetensors", "styles.json", "tflite/transformer.float16.tflite", "card.md"])
def test_a_damaged_or_missing_file_is_named(name, folder, tmp_path):
    place = tmp_path / "style"
    copy(folder, place)
    content = bytearray((place / name).read_bytes())
    content[len(content) // 2] ^= 1
    (place / name).write_bytes(content)
    with pytest.raises(ServingError, match="damaged or exchanged") as error:
        shipped.version(place)
    assert name in str(error.value)
    (place / name).unlink()
    with pytest.raises(ServingError, match="missing"):
        shipped.weights(place)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99}, "format 99 is newer"), ({"files": None}, "not a manifest"), ({"format": "x"}, "not a manifest")],
)
def test_a_newer_format_and_a_broken_manifest_are_told(change, message, folder, tmp_path):
    place = tmp_path / "style"
    copy(folder, place)
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    (place / "manifest.json").write_text(json.dumps(manifest | change), encoding="utf-8")
    with pytest.raises(ServingError, match=message):
        shipped.version(place)


def test_without_a_network_it_says_what_to_do(tmp_path):
    with pytest.raises(ServingError, match="install easel-serving again"):
        shipped.version(tmp_path / "nothing")


def test_what_does_not_keep_its_tolerance_replaces_nothing(folder, made, tmp_path, monkeypatch):
    place = tmp_path / "style"
    copy(folder, place)
    first, *others = made
    withheld = [dataclasses.replace(first, reason="too little"), *others]
    monkeypatch.setattr(ship, "export_variants", lambda *_: withheld)
    with pytest.raises(UserError, match="not every variant keeps its tolerance: too little"):
        written(place, 2, tmp_path)
    assert shipped.version(place).number == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["style"]


def copy(source, target):
    for path in source.rglob("*"):
        if path.is_file():
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(source)).write_bytes(path.read_bytes())


def test_the_recipe_holds_out_whole_artists_and_five_paintings(tmp_path):
    assets, folder = tmp_path / "assets", tmp_path / "folder"
    for name in (
        "pretraining/photos/a.jpg", "photos/unsplash_1280/b.jpg", "paintings/munch_scream.jpg", "paintings/wave.jpg",
        "pretraining/paintings/giotto__one.jpg", "pretraining/paintings/raphael__two.jpg",
    ):  # fmt: skip
        (assets / name).parent.mkdir(parents=True, exist_ok=True)
        (assets / name).write_bytes(b"")
    for _ in range(2):  # once more over what is there
        assert arrange.arrange(assets, folder) == {"photos": 2, "paintings/span-1": 2, "paintings/span-2": 2}
    assert {path.name for path in (folder / "paintings/span-2").iterdir()} == {"giotto__one.jpg", "munch_scream.jpg"}
    with pytest.raises(FileNotFoundError, match="EASEL_ASSETS"):
        arrange.arrange(tmp_path / "nowhere", folder)


def test_the_bank_has_names_that_can_be_typed():
    paintings = bank.paintings()
    assert len({painting.name for painting in paintings}) == len(paintings) >= 60
    for painting in paintings:
        assert set(painting.name) <= set("abcdefghijklmnopqrstuvwxyz-")
        assert 1200 < painting.year < 1956
        assert all(painting)
