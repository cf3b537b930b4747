"""What may be done to a picture when it is painted. Images: uint8 [H, W, 3], RGB."""

import cv2
import numpy as np

_SHARPEN_RADIUS = 1.2


def denoised(picture: np.ndarray, strength: float) -> np.ndarray:
    """Non-local means (Buades et al. 2005): `strength` is its h, in levels of 255; 3 is mild, 10 strong, 0 nothing."""
    if strength == 0 or min(picture.shape[:2]) < 8:
        return picture
    return cv2.fastNlMeansDenoisingColored(picture, None, strength, strength, 5, 15)


def sharpened(picture: np.ndarray, amount: float) -> np.ndarray:
    """Unsharp mask: adds `amount` times what a blur of 1.2 pixels takes away; 0.5 is mild, 0 nothing."""
    if amount == 0:
        return picture
    blurred = cv2.GaussianBlur(picture, (0, 0), _SHARPEN_RADIUS)
    return cv2.addWeighted(picture, 1 + amount, blurred, -amount, 0)
