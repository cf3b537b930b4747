import numpy as np

from trainer.style.training.disturbance import FURTHEST, disturb


def test_what_is_compared_shows_the_same_place_of_the_photo(monkeypatch):
    monkeypatch.setattr("trainer.style.training.disturbance._NOISE", 0.0)
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (2, 40, 44, 3), dtype=np.uint8)
    moves = set()
    for _ in range(60):
        disturbed = disturb(crops, rng)
        before, after = disturbed.pairs(crops.astype(np.float32), disturbed.photos)
        assert before.shape == (2, 29, 33, 3)
        np.testing.assert_array_equal(before, after)
        moves.add(tuple(disturbed.move.numpy()))
    assert (0, 0) not in moves
    assert {0, FURTHEST} <= {move[0] for move in moves} & {move[1] for move in moves}


def test_noise_stays_within_what_a_photo_can_be():
    crops = np.stack([np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)])
    photos = disturb(crops, np.random.default_rng(0)).photos.numpy()
    assert photos.min() >= 0
    assert photos.max() <= 255
    assert photos.std((1, 2, 3)).min() > 0
