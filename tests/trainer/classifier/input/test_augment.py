import colorsys

import numpy as np
import tensorflow as tf

from trainer.classifier.input.augment import augment
from trainer.classifier.options import AugmentOptions

OFF = {"flip": False, "rotation": 0, "shift": 0, "shear": 0, "zoom": 0, "brightness": 0, "contrast": 0}


def picture(side=33):
    rows, columns = np.mgrid[:side, :side].astype("float32")
    return np.stack([columns * 7, rows * 7, np.full_like(rows, 100)], axis=-1)[np.newaxis]


def changed(count=8, seed=(1, 2), **options):
    return augment(tf.constant(np.repeat(picture(), count, 0)), seed, AugmentOptions(**{**OFF, **options})).numpy()


def test_everything_off_changes_nothing():
    np.testing.assert_allclose(changed(), np.repeat(picture(), 8, 0), atol=1e-3)


def test_the_same_seed_gives_the_same_changes_and_each_photo_its_own():
    one, same, other = (
        augment(tf.constant(np.repeat(picture(), 4, 0)), seed, AugmentOptions()).numpy()
        for seed in [(1, 2), (1, 2), (3, 4)]
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1
    assert np.abs(one[0] - one[1]).max() > 1
    assert one.min() >= 0
    assert one.max() <= 255


def test_flipping_mirrors_some():
    flipped = changed(flip=True, count=16)
    mirrored = [np.allclose(image, picture()[0, :, ::-1], atol=1e-2) for image in flipped]
    straight = [np.allclose(image, picture()[0], atol=1e-2) for image in flipped]
    assert any(mirrored)
    assert any(straight)
    assert np.all(np.logical_xor(mirrored, straight))


def test_rotation_keeps_the_centre_and_turns_by_at_most_what_was_asked():
    turned = changed(rotation=0.25)
    np.testing.assert_allclose(turned[:, 16, 16], np.repeat(picture()[:, 16, 16], 8, 0), atol=1e-2)
    # Channel 0 rises with the column: after a rotation by `a` its slope along the columns is 7 cos(a).
    angles = np.degrees(
        np.arctan2(turned[:, 17, 16, 0] - turned[:, 15, 16, 0], turned[:, 16, 17, 0] - turned[:, 16, 15, 0])
    )
    assert np.abs(angles).max() <= 90
    assert len(np.unique(angles.round())) > 4


def test_zoom_changes_the_scale_and_shift_the_position():
    slopes = (changed(zoom=0.3)[:, 16, 20, 0] - changed(zoom=0.3)[:, 16, 12, 0]) / (8 * 7)
    assert slopes.min() >= 0.7 - 1e-3
    assert slopes.max() <= 1.3 + 1e-3
    assert slopes.std() > 0.05
    moves = (changed(shift=0.1)[:, 16, 16, :2] - 16 * 7) / 7
    assert np.abs(moves).max() <= 3.3 + 1e-3
    assert moves.std(axis=0).min() > 0.3


def test_brightness_and_contrast_change_levels_only():
    brighter = changed(brightness=0.1) - picture()
    inside = (picture() > 30) & (picture() < 220)
    for difference in brighter:
        assert np.ptp(difference[inside[0]]) < 1e-2
    assert np.abs(brighter[:, inside[0]]).max() <= 25.5 + 1e-3
    contrast = changed(contrast=0.2).std(axis=(1, 2, 3)) / picture().std()
    assert contrast.min() >= 0.75
    assert contrast.max() <= 1.2 + 1e-3


def test_shear_slants_each_axis_along_the_other():
    slanted = changed(shear=0.2)[..., :2] / 7  # where each pixel came from: column, row
    across, down = slanted[:, 16, 20] - slanted[:, 16, 12], slanted[:, 20, 16] - slanted[:, 12, 16]
    np.testing.assert_allclose(across[:, 0], 8, atol=1e-3)  # neither scaled
    np.testing.assert_allclose(down[:, 1], 8, atol=1e-3)
    slopes = np.stack([across[:, 1], down[:, 0]]) / 8
    assert np.abs(slopes).max() <= 0.2 + 1e-4
    assert slopes.std(axis=1).min() > 0.03


def test_the_border_is_filled_as_asked():
    black = changed(shift=0.4, fill="constant")
    assert (black == 0).all(axis=-1).any()
    assert not (changed(shift=0.4, fill="nearest")[..., 2] == 0).any()  # the third channel is 100 everywhere


def test_colours_change_as_in_yiq_and_grey_stays_grey():
    rng = np.random.default_rng(0)
    image = np.repeat(rng.uniform(60, 190, (1, 9, 9, 3)).astype("float32"), 6, 0)
    options = AugmentOptions(**OFF, saturation=0.3, hue=0.1)
    got = augment(tf.constant(image), (5, 6), options).numpy()
    for before, after in zip(image, got, strict=True):
        before, after = (
            np.array([colorsys.rgb_to_yiq(*pixel) for pixel in each.reshape(-1, 3) / 255]) for each in (before, after)
        )
        np.testing.assert_allclose(after[:, 0], before[:, 0], atol=3e-3)  # brightness stays
        ratio = (after[:, 1] + 1j * after[:, 2]) / (before[:, 1] + 1j * before[:, 2])
        np.testing.assert_allclose(ratio, np.median(ratio.real) + 1j * np.median(ratio.imag), atol=0.05)
        assert 0.69 <= np.abs(np.median(ratio.real) + 1j * np.median(ratio.imag)) <= 1.31
        assert abs(np.degrees(np.angle(np.median(ratio.real) + 1j * np.median(ratio.imag)))) <= 37
    grey = np.full((3, 5, 5, 3), 120, np.float32)
    np.testing.assert_allclose(augment(tf.constant(grey), (5, 6), options), grey, atol=0.5)
