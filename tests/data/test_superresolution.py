"""The recipe of the super-resolution networks, on drawn crops."""

import numpy as np
import pytest
from easel_serving import shipped
from easel_serving.protocol.errors import ServingError

from data.pretraining import superresolution as recipe
from trainer.base.errors import UserError
from trainer.superresolution import network
from trainer.tflite.export import Made

ABOUT = {
    "version": 3,
    "created": "2026-12-01T00:00:00+00:00",
    "training": {"steps": [20, 10], "processor": "a test", "commit": "abc"},
    "data": {"learned": ["two drawings"]},
}
NETWORKS = {factor: network.initial(factor, 0) for factor in network.FACTORS}


def variants(reason=""):
    return lambda parts, *_: [
        Made(part.name, variant, b"a file", {"psnr": 60.0, "psnr_worst": 55.0}, reason)
        for part in parts
        for variant in ("float16", "int8")
    ]


def test_crops_of_an_image_show_the_same_place_in_all_sizes():
    ramp = np.add.outer(np.arange(1000), np.arange(1400)) % 2048 / 8
    image = np.repeat(ramp.astype(np.uint8)[..., np.newaxis], 3, 2)
    found = list(recipe._cut(image))
    assert len(found) == 6
    for crop in found:
        assert {factor: plane.shape for factor, plane in crop.items()} == {1: (224, 224), 2: (112, 112), 4: (56, 56)}
        for factor in network.FACTORS:
            blocks = crop[1].astype(float).reshape(224 // factor, factor, 224 // factor, factor).mean((1, 3))
            assert np.median(np.abs(blocks - crop[factor])) < 1
    assert not list(recipe._cut(image[:430]))


def test_pairs_of_a_batch_fit_together():
    large = np.random.default_rng(0).integers(0, 256, (3, 112, 112)).astype(np.float16)
    of = {1: np.kron(large, np.ones((2, 2), np.float16)), 2: large}
    small, wanted = recipe.batch(of, 2, np.random.default_rng(1))
    assert (small.shape, wanted.shape) == ((16, 64, 64), (16, 128, 128))
    np.testing.assert_array_equal(np.kron(small, np.ones((2, 2))), wanted)


def test_what_ships_is_whole_and_its_card_has_the_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "export", variants())
    recipe.ship(NETWORKS, [], ABOUT, tmp_path)
    assert set(shipped.enlargers(tmp_path)) == {2, 4}
    measured = {"psnr": 31.0, "ssim": 0.9}
    manifest = shipped.verified(tmp_path)
    line = {"factor": 2, "bicubic": measured, "network": {"psnr": 33.5, "ssim": 0.95}, "gain_db": 2.5}
    recipe.describe({**manifest, "figures": [line, {"said": "A print: 1 s."}]}, tmp_path)
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| x2 | 31.00 / 0.9000 | 33.50 / 0.9500 | +2.50 |" in card
    assert "A print: 1 s." in card
    assert "20 and 10 steps" in card
    shipped.enlargers(tmp_path)
    (tmp_path / "tflite/x2.float16.tflite").write_bytes(b"another")
    with pytest.raises(ServingError, match=r"x2\.float16\.tflite: damaged"):
        shipped.enlargers(tmp_path)


def test_what_does_not_keep_its_tolerance_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "export", variants("too little"))
    with pytest.raises(UserError, match="x2 float16: too little"):
        recipe.ship(NETWORKS, [], ABOUT, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
