import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.style.conftest import noise, pixels, png

PHOTOS = [noise(8, 8), noise(50, 75), np.full((33, 64, 3), 90, np.uint8)]
PAINTINGS = [noise(90, 60, 1), np.full((20, 30, 3), 200, np.uint8), noise(64, 64, 2)]
FILES, STYLES = [png(photo) for photo in PHOTOS], [png(painting) for painting in PAINTINGS]


def serve(served, strengths):
    found = served.serve(tf.constant(FILES), tf.constant(STYLES), tf.constant(strengths, tf.float32))
    return [pixels(data) for data in found["stylized_bytes"].numpy()]


def test_strength_0_is_the_photo_itself(served):
    for painted, photo in zip(serve(served, [0, 0, 0]), PHOTOS, strict=True):
        np.testing.assert_array_equal(painted, photo)


def test_pictures_have_the_photos_sizes(served):
    assert [painted.shape for painted in serve(served, [1, 0.5, 0.1])] == [photo.shape for photo in PHOTOS]


def test_strength_leads_from_the_photo_without_a_jump(served):
    def distance(strength):
        return np.abs(serve(served, [strength] * 3)[1].astype(float) - PHOTOS[1]).mean()

    distances = [distance(strength) for strength in (0.005, 0.1, 0.25)]
    assert distances[0] < 3
    assert distances == sorted(distances)


def test_large_photos_are_reduced(served):
    found = served.stylize(tf.constant([png(noise(120, 240))]), tf.zeros([1, 8]))
    assert pixels(found["stylized_bytes"].numpy()[0]).shape == (48, 96, 3)


def test_the_code_of_a_painting_paints_like_the_painting(served):
    codes = served.encode_style(tf.constant(STYLES))["style_code"]
    assert codes.shape == (3, 8)
    by_code = served.stylize(tf.constant(FILES), codes)["stylized_bytes"].numpy()
    for first, second in zip(map(pixels, by_code), serve(served, [1, 1, 1]), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_name_stands_for_its_code(served):
    code = tf.constant([np.linspace(-2, 2, 8)], tf.float32)
    by_name = served.stylize_named(tf.constant(FILES[1:2]), tf.constant(["sea"]), tf.constant([1.0]))
    by_code = served.stylize(tf.constant(FILES[1:2]), code)
    assert by_name["stylized_bytes"].numpy() == by_code["stylized_bytes"].numpy()


def test_what_is_not_a_code_is_refused(served):
    with pytest.raises(tf.errors.InvalidArgumentError, match="8 numbers are expected"):
        served.stylize(tf.constant(FILES[:1]), tf.zeros([1, 5]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not finite"):
        served.stylize(tf.constant(FILES[:1]), tf.fill([1, 8], float("nan")))


def test_an_unknown_name_is_answered_with_those_there_are(served):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"no painting is called.*nobody.*sea, field"):
        served.stylize_named(tf.constant(FILES[:1]), tf.constant(["nobody"]), tf.constant([1.0]))


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_out_of_range_is_refused(served, strength):
    with pytest.raises(tf.errors.InvalidArgumentError, match="strength"):
        served.serve(tf.constant(FILES[:1]), tf.constant(STYLES[:1]), tf.constant([strength]))


def test_parts_fit_together_as_if_the_whole_had_been_painted(served, tiny):
    photo, code = noise(160, 224, 5), tf.constant(np.linspace(-2, 2, 8), tf.float32)
    measured = served.measure(photo, code)
    reach, whole = int(measured["reach"]), measured["statistics"]
    assert reach % 16 == 0
    expected = served.paint_part(photo, code, whole).numpy()
    direct = tiny.transformer([tf.constant(photo[None], tf.float32), code[None]], training=False)[0]
    np.testing.assert_array_equal(expected, np.rint(direct).astype(np.uint8))

    corner = served.paint_part(photo[: 64 + reach, 128 - reach :], code, whole).numpy()[:64, reach:]
    np.testing.assert_allclose(corner, expected[:64, 128:], atol=1)
    # With its own statistics, the corner would be another picture.
    own = served.measure(photo[: 64 + reach, 128 - reach :], code)["statistics"]
    other = served.paint_part(photo[: 64 + reach, 128 - reach :], code, own).numpy()[:64, reach:]
    assert np.abs(other.astype(int) - expected[:64, 128:]).max() > 1
