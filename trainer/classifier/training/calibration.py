"""Temperature scaling: confidence that means what it says (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

import numpy as np
from scipy import optimize, special

_LOWEST, _HIGHEST = 0.05, 20.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T > 0 for which softmax(logits / T) gives the labels the highest likelihood.

    The target is (N + 1) / (N + 2) for the true class instead of 1 (Platt 1999, "Probabilistic outputs for support
    vector machines", section 2.2): N right answers do not justify certainty, and without it T would go to 0. The
    logits, float [N, K], are of examples that the network was not trained on; the labels are int [N].

    Returns:
        T within 0.05..20; 1 when there is no example.
    """
    if not len(labels):
        return 1.0

    count, classes = logits.shape
    targets = np.full((count, classes), 1 / (count + 2) / (classes - 1))
    targets[np.arange(count), labels] = (count + 1) / (count + 2)

    def loss(log_temperature: float) -> float:
        return -float(np.mean(targets * special.log_softmax(logits / np.exp(log_temperature), axis=1)))

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    return float(np.exp(optimize.minimize_scalar(loss, bounds=bounds, method="bounded").x))


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean negative log-likelihood at the fitted temperature: how good logits are, however sure they seem."""
    scores = special.log_softmax(logits / fit_temperature(logits, labels), axis=1)
    return -float(np.mean(scores[np.arange(len(labels)), labels]))
