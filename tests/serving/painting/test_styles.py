"""Names, weights, brush sizes and colours of styles; what a server is asked."""

import numpy as np
import pytest
from easel_serving.images import prepare
from easel_serving.painting import colours, engines, styles
from easel_serving.protocol.errors import ServingError
from PIL import Image

RNG = np.random.default_rng(1)


class Means:
    """A painting's code is its mean colour; knows `sea`."""

    def known(self, name):
        return np.array([0.0, 0.0, 100.0])

    def encode(self, painting):
        return painting.mean((0, 1))


@pytest.fixture
def red(tmp_path):
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "red.png")
    return str(tmp_path / "red.png")


def test_weights_are_shares(red):
    mix = [styles.parse(f"{red}=3"), styles.parse("sea")]
    assert mix == [styles.Style(red, 3.0), styles.Style("sea", 1.0)]
    np.testing.assert_allclose(styles.code(Means(), mix), [150, 0, 25])


def test_a_file_may_have_an_equals_sign_in_its_name(tmp_path):
    (tmp_path / "a=2").write_bytes(b"")
    assert styles.parse(str(tmp_path / "a=2")).weight == 1


@pytest.mark.parametrize("weight", ["", "much", "0", "-1", "nan", "inf"])
def test_what_is_no_weight_is_refused(weight):
    with pytest.raises(ServingError, match="is not a positive number"):
        styles.parse(f"sea={weight}")


def test_a_name_has_no_pixels(red):
    with pytest.raises(ServingError, match="sea: giving a painting the photo's colours needs its file"):
        styles.code(Means(), [styles.Style("sea")], colours_of=np.zeros((4, 4, 3), np.uint8))


def test_a_matched_painting_has_the_photos_mean_and_covariance():
    # Far from black and white, where nothing is clipped.
    painting = RNG.normal([120, 110, 100], [9, 14, 5], (200, 200, 3)).astype(np.uint8)
    photo = (RNG.normal(0, 8, (90, 110, 3)) @ [[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1.5]] + [140, 120, 90]).astype(np.uint8)
    moved = colours.matched(painting, photo)
    np.testing.assert_allclose(moved.mean((0, 1)), photo.mean((0, 1)), atol=0.1)
    np.testing.assert_allclose(np.cov(moved.reshape(-1, 3).T), np.cov(photo.reshape(-1, 3).T), rtol=0.02, atol=1)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_uniform_images_have_colours_to_match(grey):
    flat, noise = np.full((9, 9, 3), grey, np.uint8), RNG.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    assert (colours.matched(noise, flat) == grey).mean() > 0.9
    assert np.isfinite(colours.matched(flat, noise)).all()


class Client:
    """A server that returns pictures of half the size."""

    def __init__(self):
        self.asked = []

    def stylize(self, photo, style, strength):
        self.asked.append((style, strength))
        return [prepare.encode(np.full((8, 12, 3), 60, np.uint8))]

    def stylize_code(self, photo, code):
        self.asked.append(code.tolist())
        return [prepare.encode(np.full((8, 12, 3), 80, np.uint8))]

    def encode_style(self, painting):
        return [np.array([float(painting.mean())])]


def test_a_server_is_told_a_name_or_a_code_and_its_picture_gets_the_photos_size():
    client = Client()
    engine, photo = engines.ServerEngine(client), np.full((16, 24, 3), 10, np.uint8)
    everything = slice(0, 16), slice(0, 24)
    painted = engine.part_painter(photo, styles.code(engine, [styles.Style("sea")]), 0.1)(everything)
    assert painted.shape == photo.shape
    assert (painted == 60).all()  # the server has faded the photo in
    painted = engine.part_painter(photo, np.array([30.0]), 0.5)(everything)
    assert (painted == 80).all()
    assert client.asked == [("sea", 0.1), [20.0]]  # half way from the photo's own code, its mean


def test_a_server_mixes_files_only(red):
    with pytest.raises(ServingError, match="sea: a server mixes paintings' files only"):
        styles.code(engines.ServerEngine(Client()), [styles.Style("sea"), styles.Style(red)])
