"""How like the SavedModel's pictures a variant's are."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from trainer.tflite.contract import Judgement, Measurement

_BEST_PSNR = 100.0


def squared_error(expected: np.ndarray, got: np.ndarray) -> float:
    """Mean squared difference of pixels 0..255; infinite where something is not finite."""
    difference = np.clip(got, 0, 255).astype(np.float64) - expected
    return float(np.mean(difference**2)) if np.isfinite(got).all() else float("inf")


def judge_psnr(measurements: Sequence[Measurement], least: float) -> Judgement:
    """Withholds a variant whose pictures of any group, such as a painting, differ too much from the SavedModel's.

    `least` is the PSNR in dB that every group must reach, the error averaged over its samples.
    """
    errors = defaultdict(list)
    for measurement in measurements:
        errors[measurement.group].append(measurement.values["squared_error"])
    by_group = {name: _psnr(float(np.mean(values))) for name, values in errors.items()}
    worst = min(by_group, key=by_group.get)
    metrics = {"psnr": float(np.mean(list(by_group.values()))), "psnr_worst": by_group[worst]}
    reason = ""
    if not by_group[worst] >= least:
        reason = f"PSNR {by_group[worst]:.1f} dB against the SavedModel on {worst} (at least {least:.3g} is required)"
    return Judgement(metrics, reason)


def _psnr(error: float) -> float:
    if not np.isfinite(error):
        return float("-inf")
    return min(_BEST_PSNR, float(10 * np.log10(255**2 / max(error, 1e-12))))
