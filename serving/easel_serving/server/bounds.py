"""What one request, and all of them together, may cost: the server's memory stays bounded whatever it is sent."""

import contextlib
import dataclasses
import io
import threading
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image

from easel_serving.server.example_protos import bytes_values
from easel_serving.server.status import StatusError, invalid

Image.init()  # every format's reader now, and not in the first request


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The limits; what exceeds one is refused at once, with INVALID_ARGUMENT or RESOURCE_EXHAUSTED."""

    request_bytes: int = 64 << 20
    """Of a request's body or message."""
    pending_bytes: int = 512 << 20
    """Of all bodies that are being read or answered."""
    pixels: int = 50_000_000
    """Of all images in a request: a small file can unpack to gigabytes."""
    seconds: float = 60.0
    """Until a request is answered."""
    body_seconds: float = 30.0
    """Until a request's body has arrived."""
    header_seconds: float = 10.0
    """Until a request's first line and headers have arrived."""
    connections: int = 512


LARGE_PIXELS = 16_000_000
"""A request with more is run alone, so that a batch of them does not multiply the memory that one takes."""

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
"""The beginnings of what TensorFlow decodes."""


class Budget:
    """Bytes that may be held at once."""

    def __init__(self, limit: int):
        self._limit = limit
        self._held = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def hold(self) -> Iterator["Hold"]:
        """A share of the budget that is given back at the end."""
        share = Hold(self)
        try:
            yield share
        finally:
            self.add(-share.size)

    def add(self, size: int) -> None:
        """Takes or, when negative, gives back; RESOURCE_EXHAUSTED when there is not as much left."""
        with self._lock:
            if size > 0 and self._held + size > self._limit:
                raise StatusError("RESOURCE_EXHAUSTED", "The server holds as many bytes as it may; try again later")
            self._held += size


class Hold:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget):
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Takes more; RESOURCE_EXHAUSTED when there is not as much left."""
        self._budget.add(size)
        self.size += size


def pixels(inputs: dict[str, np.ndarray], limit: int) -> int:
    """How many pixels the images in a request's string tensors have; INVALID_ARGUMENT for more than `limit`.

    Only headers are read. Serialized Examples (input `inputs`, TensorFlow Serving's name) are looked into.
    """
    total = 0
    for name, tensor in inputs.items():
        if tensor.dtype != object:
            continue
        for value in tensor.flat:
            if isinstance(value, bytes):
                for image in _images(name, value):
                    total += _size(image)
                    if total > limit:
                        raise invalid(f"The images have {total} pixels or more; at most {limit} are decoded a request")
    return total


def require_size(data: bytes, name: str, limit: int) -> None:
    """Raises INVALID_ARGUMENT for an image of any format with more pixels; what else is wrong shows in decoding."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                size = image.width * image.height
    except Image.DecompressionBombError:
        size = limit + 1
    except Exception:  # Pillow's readers raise whatever they stumble over
        return
    if size > limit:
        raise invalid(f"{name}: the image has more than {limit} pixels")


def _images(name: str, value: bytes) -> Iterator[bytes]:
    if value.startswith(_MAGIC):
        yield value
    elif name == "inputs":
        with contextlib.suppress(StatusError):  # no Example: nothing that would be decoded
            yield from (content for _, content in bytes_values(value) if content.startswith(_MAGIC))


def _size(data: bytes) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                return image.width * image.height
    except Image.DecompressionBombError:
        return 1 << 62
    except Exception as error:  # Pillow's readers raise whatever they stumble over
        # What is not understood here might be decoded there, at any size.
        raise invalid(f"Invalid image: the header cannot be read ({error})") from None
