from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import data.draw
from data.draw import draw
from data.paintings import PAINTINGS, draw_painting
from data.photos import PATTERNS, draw_photo


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def quick_paintings(monkeypatch):
    """Two paintings stand for all where it is about files: each takes half a second."""
    monkeypatch.setattr(data.draw, "PAINTINGS", {name: PAINTINGS[name] for name in ("ink_mountains", "woodcut_sea")})


@pytest.fixture
def drawn(tmp_path):
    draw(tmp_path / "drawn", photos_per_class=2)
    return tmp_path / "drawn"


def test_layout_formats_and_sizes(drawn):
    photos, paintings = sorted((drawn / "photos").rglob("*.*")), sorted((drawn / "paintings").iterdir())
    assert {path.parent.name for path in photos} == set(PATTERNS)
    assert len(photos) == 2 * len(PATTERNS)
    assert {path.stem for path in paintings} == {"ink_mountains", "woodcut_sea"}
    assert {(Image.open(path).format, Image.open(path).size) for path in photos} == {("JPEG", (160, 120))}
    assert {(Image.open(path).format, Image.open(path).size) for path in paintings} == {("PNG", (256, 256))}


def test_the_same_seed_draws_the_same_and_more_photos_extend_the_set(drawn, tmp_path):
    draw(tmp_path / "more", photos_per_class=3)
    assert contents(drawn).items() < contents(tmp_path / "more").items()


def test_another_seed_draws_other_images(drawn, tmp_path):
    draw(tmp_path / "other", photos_per_class=2, seed=1)
    other = contents(tmp_path / "other")
    assert all(other[name] != content for name, content in contents(drawn).items())


def test_right_files_are_left_alone_and_wrong_ones_are_drawn_again(drawn):
    first, *rest = sorted((drawn / "photos").rglob("*.jpg"))
    before, right = {path: path.stat().st_mtime_ns for path in rest}, first.read_bytes()
    first.write_bytes(b"half a photo")
    draw(drawn, photos_per_class=2)
    assert {path: path.stat().st_mtime_ns for path in rest} == before
    assert first.read_bytes() == right


def test_colours_do_not_tell_the_class():
    labels = [label for label in PATTERNS for _ in range(30)]
    photos = [draw_photo(label, np.random.default_rng(number)) for number, label in enumerate(labels)]

    def statistics(photo):
        pixels = photo.reshape(-1, 3) / 255.0
        quantiles = np.percentile(pixels, (5, 25, 50, 75, 95), axis=0)
        return np.concatenate([pixels.mean(0), np.cov(pixels.T).ravel(), quantiles.ravel()])

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    accuracy = cross_val_score(model, np.stack([statistics(photo) for photo in photos]), labels, cv=5).mean()
    assert accuracy < 0.4  # chance is 0.2


def test_paintings_differ_in_palette():
    def palette(name):
        pixels = draw_painting(name, np.random.default_rng(0)).reshape(-1, 3)
        return np.histogramdd(pixels, bins=6, range=[(0, 256)] * 3)[0].ravel() / len(pixels)

    palettes = {name: palette(name) for name in PAINTINGS}
    overlaps = {pair: np.minimum(*(palettes[name] for name in pair)).sum() for pair in combinations(palettes, 2)}
    assert max(overlaps.values()) < 0.5, overlaps


def test_command_line(tmp_path, capsys):
    data.draw.main([str(tmp_path), "--photos-per-class", "1", "--seed", "3"])
    assert f"Drew 5 photos of 5 classes and 2 paintings into {tmp_path}" in capsys.readouterr().out
    assert len(contents(tmp_path)) == 7
