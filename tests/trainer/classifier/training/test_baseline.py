import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from trainer.classifier.training import baseline


def test_statistics_are_those_of_numpy():
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3)).astype("float32")
    found = baseline.colour_statistics(images).numpy()
    assert found.shape == (3, 70)
    for image, row in zip(images, found, strict=True):
        pixels = image.reshape(-1, 3)
        np.testing.assert_allclose(row[:3], pixels.mean(axis=0) / 255, atol=1e-5)
        np.testing.assert_allclose(row[3:6], pixels.std(axis=0) / 255, atol=1e-5)
        histogram, _ = np.histogramdd(pixels, bins=4, range=[(0, 256)] * 3)
        np.testing.assert_allclose(row[6:], histogram.ravel() / len(pixels), atol=1e-6)


def test_the_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], [60, 25, 15])
    features = rng.normal(5, 2, (100, 6)) + labels[:, np.newaxis] * rng.normal(size=6)
    kernel, bias = baseline.fit_softmax_regression(features, labels, 3)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    weights = compute_sample_weight("balanced", labels) / len(labels)
    reference = LogisticRegression(C=1 / 1e-3, tol=1e-8, max_iter=5000).fit(scaled, labels, weights)
    scores = features @ kernel + bias
    ours = np.exp(scores - scores.max(axis=1, keepdims=True))
    ours /= ours.sum(axis=1, keepdims=True)
    assert ours == pytest.approx(reference.predict_proba(scaled), abs=2e-3)


def test_a_statistic_that_never_changes_does_no_harm():
    features = np.column_stack([np.ones(20), np.repeat([0.0, 1.0], 10)])
    kernel, bias = baseline.fit_softmax_regression(features, np.repeat([0, 1], 10), 2)
    np.testing.assert_array_equal((features @ kernel + bias).argmax(axis=1), np.repeat([0, 1], 10))
