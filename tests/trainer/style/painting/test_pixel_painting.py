"""The optimiser against SciPy, NumPy and closed forms."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize

from tests.trainer.style.conftest import noise
from trainer.style.options import PaintOptions
from trainer.style.painting import descent, pixel_painting
from trainer.style.painting.pixel_painting import Objective, Weights
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import STYLE_LAYERS, Perceptual

RNG = np.random.default_rng(11)
CENTRE = RNG.uniform(60, 200, (4, 5, 3)).astype(np.float32)
SCALES = RNG.uniform(0.5, 3, (4, 5, 3)).astype(np.float32)
STRETCH = np.float32(0.01)


@pytest.fixture(scope="module")
def perceptual():
    return Perceptual("none", "replicate")


def bowl(pixels):
    """A quartic whose lowest point is CENTRE, coupled along rows."""
    away = pixels - CENTRE
    slope = np.diff(away, axis=1)
    gradient = 2 * SCALES * away + STRETCH * away**3
    gradient[:, 1:] += 2 * slope
    gradient[:, :-1] -= 2 * slope
    return float((SCALES * away**2).sum() + STRETCH / 4 * (away**4).sum() + (slope**2).sum()), gradient


def nothing(*_):
    pass


def test_lbfgs_ends_where_scipys_does():
    start = np.full_like(CENTRE, 128)
    expected, _, _ = optimize.fmin_l_bfgs_b(
        lambda x: tuple(np.ravel(part).astype(np.float64) for part in bowl(x.reshape(start.shape).astype(np.float32))),
        start.ravel().astype(np.float64),
        bounds=[(0, 255)] * start.size,
    )
    seen = []
    found = descent.lbfgs(bowl, start, 100, lambda step, value, pixels: seen.append((step, value)))
    np.testing.assert_allclose(found.ravel(), expected, atol=0.05)
    np.testing.assert_allclose(found, CENTRE, atol=0.05)
    assert [step for step, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1][1] < seen[0][1]


def test_pixels_stay_within_their_levels():
    def outwards(pixels):
        return float(((pixels - 300) ** 2).sum()), 2 * (pixels - 300)

    start = np.full((2, 2, 3), 100, np.float32)
    assert (descent.lbfgs(outwards, start, 10, nothing) == 255).all()
    found, _ = descent.adam(outwards, start, 300, nothing, rate=5.0, decay=1.0, average=0.0)
    assert (found == 255).all()


def test_adams_steps_are_the_published_ones_and_its_state_goes_on():
    start = np.full_like(CENTRE, 128)
    pixels, mean, square, averaged = start.astype(np.float64), 0, 0, 0
    for step in range(1, 7):
        gradient = bowl(pixels.astype(np.float32))[1].astype(np.float64)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        rate = 2.0 * 0.9 ** ((step - 1) % 3)
        pixels = pixels - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        averaged = 0.5 * averaged * (step != 4) + 0.5 * pixels
    state, here = None, start
    options = {"rate": 2.0, "decay": 0.9, "average": 0.0}
    here, state = descent.adam(bowl, here, 3, nothing, **options)
    found, state = descent.adam(bowl, here, 3, nothing, rate=2.0, decay=0.9, average=0.5, moments=state)
    assert state.steps == 6
    np.testing.assert_allclose(found, averaged / (1 - 0.5**3), atol=1e-2)


def test_the_objective_is_the_sum_of_its_terms_and_has_their_gradient(perceptual):
    photo, painting = (noise(24, 32, seed).astype(np.float32) for seed in (1, 2))
    weights = Weights(content=0.7, style=0.4, gram=2.0, tv=0.3)
    objective = Objective(perceptual, weights)
    function = objective.bound(photo, objective.target([(painting, 3.0)]))
    pixels = noise(24, 32, 3).astype(np.float32)
    value, gradient = function(pixels)

    def features(image):
        return {name: found.numpy()[0].astype(np.float64) for name, found in perceptual(image[None]).items()}

    made, of_photo, of_painting = (features(image) for image in (pixels, photo, painting))

    def gram(array):
        flat = array.reshape(-1, array.shape[-1])
        return flat.T @ flat / len(flat)

    def relative(difference, reference):
        return np.mean(difference**2) / np.mean(reference**2)

    expected = 0.7 * relative(made["block4_conv1"] - of_photo["block4_conv1"], of_photo["block4_conv1"])
    for name in STYLE_LAYERS:
        own, wanted = gram(made[name]), gram(of_painting[name])
        expected += 2.0 / 4 * relative(own - wanted, wanted)
        deviation = of_painting[name].std((0, 1))
        for statistic in (np.mean, np.std):
            change = statistic(made[name], axis=(0, 1)) - statistic(of_painting[name], axis=(0, 1))
            expected += 0.4 / 4 * relative(change, deviation)
    for axis in (0, 1):
        expected += 0.3 * np.mean((np.diff(pixels, axis=axis) / 255) ** 2)
    assert value == pytest.approx(expected, rel=2e-3)

    slope = float(np.linalg.norm(gradient))
    above, below = (function(pixels + sign * gradient / slope)[0] for sign in (1, -1))
    assert above - below == pytest.approx(2 * slope, rel=0.05)


def test_outside_the_mask_nothing_counts_and_nothing_changes(perceptual):
    photo, painting = noise(32, 32, 1), noise(40, 30, 2)
    mask = np.zeros((32, 32), np.uint8)
    mask[:, 16:] = 255
    options = PaintOptions(side=32, smallest_side=32, steps_per_scale=4, learning_rate=20.0)
    picture = pixel_painting.paint(photo, [(painting, 1.0)], perceptual, options, mask)
    np.testing.assert_array_equal(picture[:, :16], photo[:, :16])
    assert np.abs(picture[:, 16:].astype(int) - photo[:, 16:]).mean() > 5

    features = tf.constant(RNG.normal(size=(1, 6, 4, 3)), tf.float32)
    right = tf.constant(np.repeat([[0.0, 0.0, 1.0, 1.0]], 6, 0)[None, ..., None], tf.float32)
    np.testing.assert_allclose(
        losses.guided_gram(features, right), losses.gram(features[:, :, 2:]), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_painting_gets_nearer_from_scale_to_scale(perceptual, method):
    photo, first, second = noise(20, 30, 1), np.full((25, 25, 3), [200, 30, 30], np.uint8), noise(40, 40, 5)
    options = PaintOptions(method=method, side=48, smallest_side=24, steps_per_scale=5, content_weight=0.1)
    seen = []
    picture = pixel_painting.paint(photo, [(first, 2.0), (second, 1.0)], perceptual, options, watch=seen.append)
    shares = [iterate.share for iterate in seen]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1
    assert picture.shape == (32, 48, 3)
    assert {(seen[i].scale, seen[i].scales) for i in range(len(seen))} == {(1, 3), (2, 3), (3, 3)}
    for scale in (1, 2, 3):
        values = [iterate.loss for iterate in seen if iterate.scale == scale]
        assert values[-1] < values[0]


@pytest.mark.parametrize(
    ("photo", "painting"),
    [
        (noise(8, 8), noise(8, 8)),  # identical, and smaller than what VGG19 can look at
        (np.zeros((3, 90, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)),
        (np.full((30, 30, 3), 128, np.uint8), np.full((30, 30, 3), 128, np.uint8)),
    ],
)
def test_small_uniform_and_identical_images_give_pictures(perceptual, photo, painting):
    losses_seen = []
    picture = pixel_painting.paint(
        photo,
        [(painting, 1.0)],
        perceptual,
        PaintOptions(side=32, steps_per_scale=2),
        watch=lambda iterate: losses_seen.append(iterate.loss),
    )
    assert max(picture.shape) == 32
    assert np.isfinite(losses_seen).all()


def test_scales_rise_by_the_square_root_of_2():
    assert pixel_painting.scales(128, 512) == [128, 181, 256, 362, 512]
    assert pixel_painting.scales(128, 500) == [177, 250, 354, 500]
    assert pixel_painting.scales(128, 64) == [64]
