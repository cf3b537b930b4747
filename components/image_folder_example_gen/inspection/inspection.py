"""Is this file a usable image, and what is in it? Everything is decided by content; names do not matter.

The whole compressed stream is read (that is how truncation shows), but a JPEG is decoded at up to 1/8 scale in the DCT
domain, which is faster than in full and enough for the scalars and for finding near-duplicates.
"""

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from easel_serving.images import formats, srgb
from PIL import Image, UnidentifiedImageError

from components.image_folder_example_gen.inspection import jpeg, measures, similarity
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import storage
from components.image_folder_example_gen.vocabulary.files import Ignored, Picture, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable


def examine(source: Source, options: IngestOptions) -> Picture | Refusal:
    """Reads and checks one file. Never raises on account of the file: what is wrong with it becomes a Refusal.

    The fingerprint is left to `complete`.
    """
    try:
        data = storage.read(source.path, options.max_bytes)
        return inspect(data, source, options)
    except Unusable as problem:
        return refuse(source, problem)


def complete(outcomes: Sequence[Picture | Refusal | Ignored]) -> list[Picture | Refusal | Ignored]:
    """The outcomes of `examine`, in their order, with the fingerprints of the pictures: some dozens at once."""
    squares = [outcome.square for outcome in outcomes if isinstance(outcome, Picture)]
    made = iter(similarity.fingerprints(squares) if squares else ())
    return [
        each._replace(square=b"", fingerprint=next(made)) if isinstance(each, Picture) else each for each in outcomes
    ]


def too_slow(source: Source) -> Refusal:
    """The Refusal of a file that nobody waits for any longer."""
    return refuse(source, Unusable(Reason.TIMEOUT, "decoding did not end"))


def refuse(source: Source, problem: Unusable) -> Refusal:
    """The Refusal of a listed file."""
    return Refusal(source.name, source.label, problem.reason, problem.detail, source.size)


def inspect(data: bytes, source: Source, options: IngestOptions) -> Picture:
    """Facts about the image in `data`.

    Raises:
        Unusable: it is no image, damaged, or outside the limits of the options.
    """
    if not data:
        raise Unusable(Reason.EMPTY, "0 bytes")
    return _inspect_plain_jpeg(data, source, options) or _inspect_any(data, source, options)


def _inspect_plain_jpeg(data: bytes, source: Source, options: IngestOptions) -> Picture | None:
    """The short way for most photos; None for what has to go the long way, damaged ones among them."""
    header = jpeg.header(data) if data.startswith(b"\xff\xd8") else None
    if header is None or not jpeg.is_plain(data, header):
        return None
    _check_size(header.width, header.height, options)
    if max(header.width, header.height) > options.max_side:
        return None
    pixels = jpeg.decode_reduced(data, measures.reduction(header.width, header.height))
    if pixels is None:
        return None
    return _picture(source, data, "jpeg", True, (header.width, header.height), pixels)


def _inspect_any(data: bytes, source: Source, options: IngestOptions) -> Picture:
    image = open_image(data)
    _check_size(image.width, image.height, options)
    with decoding_errors():
        left_out = formats.left_out(image)
        untouched = _keeps_bytes(image, data, options)
        size = final_size(image, options.max_side)
        small = _small_copy(image, options.background)
        kind = image.format.lower() if untouched and image.format == "PNG" else "jpeg"
        return _picture(source, data, kind, untouched, size, np.asarray(small))._replace(left_out=left_out)


def _picture(
    source: Source, data: bytes, kind: str, untouched: bool, size: tuple[int, int], pixels: np.ndarray
) -> Picture:
    width, height = size
    opponents = measures.axes(pixels)
    numbers = measures.measure(opponents)
    square = similarity.square(measures.luma(opponents))
    return Picture(source, hashlib.sha256(data).hexdigest(), kind, untouched, height, width, *numbers, square)


def open_image(data: bytes) -> Image.Image:
    """Opens an image lazily: only the header is read.

    Raises:
        Unusable: the content is none of `formats.FORMATS`, or its header is damaged.
    """
    with decoding_errors():
        return formats.open_image(data)


def final_size(image: Image.Image, max_side: int) -> tuple[int, int]:
    """Width and height in pixels of the upright image with its longest side reduced to `max_side`."""
    width, height = formats.upright_size(image)
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _check_size(width: int, height: int, options: IngestOptions) -> None:
    size = f"{width} x {height} pixels"
    if width * height > options.max_pixels:
        raise Unusable(Reason.BOMB, size)
    if min(width, height) < options.min_side:
        raise Unusable(Reason.TOO_SMALL, size)
    if max(width, height) > options.max_aspect * min(width, height):
        raise Unusable(Reason.ASPECT, size)


def _keeps_bytes(image: Image.Image, data: bytes, options: IngestOptions) -> bool:
    """Whether TensorFlow decodes these very bytes to the right picture."""
    if formats.orientation(image) > 1 or max(image.size) > options.max_side or not srgb.is_srgb(image):
        return False
    if image.format in ("JPEG", "MPO"):
        header = jpeg.header(data)
        usual = header is not None and header.frame in jpeg.BASELINE_OR_PROGRESSIVE
        return usual and image.mode in ("L", "RGB") and jpeg.ends_properly(data, header)
    if image.format == "PNG":
        _check_png(data)
        return image.mode in ("L", "RGB", "P", "1") and "transparency" not in image.info and _png_depth(data) <= 8
    return False


def _png_depth(data: bytes) -> int:
    return data[24]


def _check_png(data: bytes) -> None:
    """Verifies the check sums of all chunks: TensorFlow's decoder does, Pillow's passes over those of the pixels."""
    position = 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise Unusable(Reason.TRUNCATED, f"chunk at byte {position} is cut off")
        if zlib.crc32(memoryview(data)[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise Unusable(Reason.CORRUPT, f"check sum of the chunk at byte {position} is wrong")
        if data[position + 4 : position + 8] == b"IEND":
            return
        position = end + 4
    raise Unusable(Reason.TRUNCATED, "no end of the image")


def _small_copy(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """The upright image in RGB, decoded from its complete data and reduced for measuring."""
    width, height = image.size
    factor = measures.reduction(width, height)
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (width // factor, height // factor))
        factor //= round(width / image.width)
    rgb = srgb.to_rgb(formats.upright(image), background)
    return rgb.reduce(factor) if factor > 1 else rgb


@contextlib.contextmanager
def decoding_errors():
    """Turns the many exceptions that decoders raise on damaged files into reasons."""
    try:
        yield
    except Unusable:
        raise
    except srgb.UnsupportedPixels as error:
        raise Unusable(Reason.UNSUPPORTED, str(error)) from None
    except UnidentifiedImageError:
        raise Unusable(Reason.NOT_AN_IMAGE, "no known image format") from None
    except Image.DecompressionBombError as error:
        raise Unusable(Reason.BOMB, str(error)) from None
    except MemoryError:
        raise Unusable(Reason.BOMB, "decoding needs more memory than there is") from None
    except (
        Exception
    ) as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, IndexError, KeyError, ...
        reason = Reason.TRUNCATED if "truncated" in str(error).lower() else Reason.CORRUPT
        raise Unusable(reason, f"{type(error).__name__}: {error}") from None
