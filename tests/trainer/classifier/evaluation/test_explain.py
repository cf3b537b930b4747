import numpy as np

from trainer.classifier.evaluation.explain import occlusion


def test_the_map_points_at_what_the_score_depends_on():
    image = np.zeros((32, 32, 3), np.float32)
    image[4:8, 20:24] = 255  # row 1, column 5 of 8 cells

    def score(images):
        lit = images[:, 4:8, 20:24].mean() / 255
        return np.array([[1 - lit, lit]])

    found = occlusion(score, image, label=1)
    assert np.unravel_index(found.argmax(), found.shape) == (1, 5)
    assert found.max() > 0.9
    assert np.abs(found[4:]).max() == 0
    np.testing.assert_allclose(occlusion(score, image, label=0), -found, atol=1e-12)
