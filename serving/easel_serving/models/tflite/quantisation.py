"""Real numbers to and from the integers of a quantised TFLite file.

`details` are the interpreter's, of one input or output: `dtype` and `quantization` (scale, zero point).
"""

import numpy as np


def quantise(values: np.ndarray, details: dict) -> np.ndarray:
    """Real values as a tensor of the file's type: round(value / scale) + zero point, clipped to the type's range."""
    dtype = np.dtype(details["dtype"])
    if dtype.kind == "f":
        return values.astype(dtype)
    scale, zero_point = details["quantization"]
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(dtype)


def dequantise(values: np.ndarray, details: dict) -> np.ndarray:
    """The inverse of `quantise`, up to its rounding; float32."""
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    scale, zero_point = details["quantization"]
    return ((values.astype(np.float32) - zero_point) * scale).astype(np.float32)
