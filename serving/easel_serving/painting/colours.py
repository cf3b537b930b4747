"""A photo's own colours under a painting's strokes. Images: uint8 [H, W, 3], RGB.

After Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer".
"""

import cv2
import numpy as np

_LEAST_VARIANCE = 1e-2


def with_luminance(photo: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """The photo's colours with the painted picture's luminance (section 3.2, in Y'CbCr), both of one size."""
    mixed = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    mixed[..., 0] = cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb)[..., 0]
    return cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB)


def matched(painting: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The painting in the photo's colours: a linear map gives its pixels the photo's mean and covariance (section 3.1).

    The map is the symmetric one, S_photo^(1/2) S_painting^(-1/2): of those that fit, it moves colours least.
    """
    (mean, root), (wanted_mean, wanted_root) = (_statistics(image) for image in (painting, photo))
    change = wanted_root @ np.linalg.inv(root)
    moved = (painting.reshape(-1, 3) - mean) @ change.T + wanted_mean
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8).reshape(painting.shape)


def _statistics(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [3] and square root [3, 3] of the covariance; colours that do not vary at all get a little variance."""
    pixels = image.reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(pixels, rowvar=False, bias=True))
    return pixels.mean(0), vectors @ np.diag(np.sqrt(np.maximum(values, _LEAST_VARIANCE))) @ vectors.T
