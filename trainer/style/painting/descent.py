"""Two ways to minimise a function of a picture's pixels: L-BFGS and Adam, both within 0..255."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

LEVELS = 255.0

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Pixels float32 [H, W, 3] -> the value and its gradient, like the pixels."""
Watch = Callable[[int, float, np.ndarray], None]
"""Told after each step: steps done, the value, and the pixels so far."""

_FIRST_DECAY, _SECOND_DECAY, _EPSILON = 0.9, 0.99, 1e-8
_REMEMBERED = 10


@dataclass(frozen=True)
class Moments:
    """Adam's running means of the gradient and of its square, like the pixels, and how many steps are in them."""

    mean: np.ndarray
    square: np.ndarray
    steps: int

    @classmethod
    def none(cls, pixels: np.ndarray) -> "Moments":
        """What there is before the first step."""
        return cls(np.zeros_like(pixels), np.zeros_like(pixels), 0)


def lbfgs(function: Function, start: np.ndarray, steps: int, watch: Watch) -> np.ndarray:
    """SciPy's L-BFGS-B (Byrd et al. 1995), at most `steps` iterations; pixels float32 [H, W, 3]."""
    seen: list[float] = [0.0]
    done = 0

    def flat(values: np.ndarray) -> tuple[float, np.ndarray]:
        seen[0], gradient = function(values.reshape(start.shape).astype(np.float32))
        return seen[0], gradient.ravel().astype(np.float64)

    def callback(values: np.ndarray) -> None:
        nonlocal done
        done += 1
        watch(done, seen[0], values.reshape(start.shape).astype(np.float32))

    found = optimize.minimize(
        flat,
        start.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        bounds=optimize.Bounds(0, LEVELS),
        callback=callback,
        options={"maxiter": steps, "maxfun": 2 * steps, "maxcor": _REMEMBERED, "ftol": 0, "gtol": 0},
    )
    return found.x.reshape(start.shape).astype(np.float32)


def adam(
    function: Function,
    start: np.ndarray,
    steps: int,
    watch: Watch,
    *,
    rate: float,
    decay: float,
    average: float,
    moments: Moments | None = None,
) -> tuple[np.ndarray, Moments]:
    """Adam (Kingma & Ba 2015, algorithm 1), each step clipped to 0..255.

    Args:
        function: what to minimise.
        start: pixels float32 [H, W, 3].
        steps: how many.
        watch: is shown the averaged pixels.
        rate: of the first step, in levels; each later step's is `decay` times the one before.
        decay: see `rate`.
        average: decay of the moving average over the iterates (as their section 7.2), which is what is returned.
        moments: to go on with.

    Returns:
        The averaged pixels, and the moments to go on with.
    """
    pixels, averaged = start.astype(np.float32), np.zeros_like(start, np.float32)
    found = moments or Moments.none(pixels)
    mean, square, before = found.mean.copy(), found.square.copy(), found.steps
    for step in range(1, steps + 1):
        value, gradient = function(pixels)
        total = before + step
        mean += (1 - _FIRST_DECAY) * (gradient - mean)
        square += (1 - _SECOND_DECAY) * (np.square(gradient) - square)
        scale = np.sqrt(square / (1 - _SECOND_DECAY**total)) + _EPSILON
        pixels = pixels - rate * decay ** (step - 1) * mean / (1 - _FIRST_DECAY**total) / scale
        pixels = np.clip(pixels, 0, LEVELS)
        averaged += (1 - average) * (pixels - averaged)
        watch(step, value, averaged / (1 - average**step))
    return averaged / (1 - average**steps), Moments(mean, square, before + steps)
