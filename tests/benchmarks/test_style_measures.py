import numpy as np

from tests.benchmarks import style_measures

RNG = np.random.default_rng(0)


def flat(noise=2.0):
    return np.clip(128 + RNG.normal(0, noise, (96, 96, 1)) * np.ones(3), 0, 255).astype(np.uint8)


def with_waves(photo, period, amplitude):
    wave = amplitude * np.sin(2 * np.pi * np.arange(96) / period)
    return np.clip(photo + wave[None, :, None], 0, 255).astype(np.uint8)


def ratio(picture, photo):
    found, own = style_measures.weave(picture, photo)
    return found / own


def test_a_photo_has_no_more_weave_than_itself():
    photo = flat()
    assert ratio(photo, photo) == 1


def test_a_weave_of_four_pixels_shows_with_the_square_of_its_amplitude():
    photo = flat()
    once, twice = ratio(with_waves(photo, 4, 8), photo), ratio(with_waves(photo, 4, 16), photo)
    assert once > 8
    assert 3.2 < (twice - 1) / (once - 1) < 4.5


def test_broad_strokes_are_no_weave():
    photo = flat()
    assert ratio(with_waves(photo, 24, 16), photo) < 0.1 * ratio(with_waves(photo, 4, 16), photo)


def test_where_the_photo_is_busy_nothing_is_counted():
    busy = RNG.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    assert style_measures.weave(with_waves(busy, 4, 16), busy) == (0, 0)


def test_steadiness_is_none_for_what_follows_its_photo_and_seen_for_what_has_a_grid():
    photo = RNG.integers(60, 200, (65, 65, 3), dtype=np.uint8)
    grid = (np.indices((64, 64)).sum(0) % 4 * 10).astype(np.uint8)[..., None]
    assert style_measures.steadiness(lambda image: image, photo, noise=0) == (0, 0)
    shift, noise = style_measures.steadiness(lambda image: image // 2 + grid, photo, noise=4)
    assert shift > 5
    assert 0 < noise < shift
