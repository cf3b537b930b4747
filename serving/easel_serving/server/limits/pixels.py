"""What the images in a request unpack to, told from their headers before anything is decoded."""

from collections.abc import Iterator

import numpy as np

from easel_serving.images import prepare
from easel_serving.protocol import example_protos
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import invalid
from easel_serving.server.limits.batching import Tensors

EXAMPLES = "inputs"
"""TensorFlow Serving's name of the input that takes serialized Examples."""

_BEGINNINGS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"BM": "BMP"}
"""How files of `formats.SERVED` begin, by TensorFlow's own rule (`ClassifyFileFormat` in decode_image_op.cc)."""
_REFUSED = {b"GIF8": "GIF", b"RIFF": "WebP", b"\xff\x0a": "JPEG XL", b"\0\0\0\x0cJXL ": "JPEG XL"}
"""How files begin that one TensorFlow or the other decodes as well: of a GIF it unpacks every frame, wanted or not."""


def measured(inputs: Tensors, limit: int) -> tuple[dict[str, np.ndarray], int]:
    """A request's inputs as they are to be run, and how many pixels the images in its string tensors have.

    Strings of the input `inputs` must be Examples: they are looked into, and are run as they were understood here, for
    TensorFlow's own parser would read some of them in another way.

    Raises:
        StatusError: INVALID_ARGUMENT, for more pixels than `limit`, for an image whose size cannot be told or whose
            format is not served, and for what is no Example.
    """
    total, understood = 0, dict(inputs)
    for name, tensor in inputs.items():
        if tensor.dtype != object:
            continue
        examples = [example_protos.parse(value) for value in tensor.flat] if name == EXAMPLES else None
        if examples is not None:
            understood[name] = _column([example.SerializeToString() for example in examples], tensor.shape)
        for value in tensor.flat if examples is None else _values(examples):
            total += _pixels(value)
            bound(total, limit)
    return understood, total


def of_file(data: bytes, name: str) -> int:
    """The pixels of an image in any format that is read; INVALID_ARGUMENT for what is none."""
    try:
        width, height = prepare.size(data, name)
    except ServingError as error:
        raise invalid(str(error)) from None
    return width * height


def bound(total: int, limit: int) -> None:
    """Raises INVALID_ARGUMENT for images that have more pixels together than `limit`."""
    if total > limit:
        raise invalid(f"The images have {total} pixels or more; at most {limit} are decoded a request")


def _pixels(value: bytes) -> int:
    format = _begins(value, _BEGINNINGS)
    if format is None:
        if refused := _begins(value, _REFUSED):
            raise invalid(f"Invalid image: {refused} is not served; send JPEG or PNG")
        return 0
    if format == "BMP":
        # Its pixels are in the file one by one, or TensorFlow does not decode it. And many a word begins with BM.
        return len(value)
    try:
        width, height = prepare.size(value, "its header", (format,))
    except ServingError as error:
        # What is not understood here might be decoded there, at any size.
        raise invalid(f"Invalid image: {error}") from None
    return width * height


def _begins(value: bytes, formats: dict[bytes, str]) -> str | None:
    return next((format for magic, format in formats.items() if value.startswith(magic)), None)


def _values(examples: list) -> Iterator[bytes]:
    for example in examples:
        for feature in example.features.feature.values():
            yield from feature.bytes_list.value


def _column(values: list[bytes], shape: tuple[int, ...]) -> np.ndarray:
    column = np.empty(len(values), object)
    column[:] = values
    return column.reshape(shape)
