"""Small copies of images, as addresses that hold the picture itself."""

import os
from pathlib import Path

from easel_serving.images import formats
from PIL import Image

from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import storage
from pipeline.pages.html import address

SIDE = 128
"""Longest side in pixels."""
_END_OF_JPEG = b"\xff\xd9"


def thumbnail(folder: str, name: str, options: IngestOptions) -> str | None:
    """A `data:` address of a file's image, or of what can be decoded of it; None when nothing can be shown.

    `name` is as in the reports, relative to the folder. The limits on size hold here, too: rejected files are shown.
    """
    try:
        data = storage.read(os.fsencode(Path(folder, name)), options.max_bytes)
        image = _decode(data, options.max_pixels)
    except Exception:  # whatever a damaged file makes a decoder raise: there is no picture, and that is all
        return None
    if image is None:
        return None
    return address(image, SIDE)


def _decode(data: bytes, max_pixels: int) -> Image.Image | None:
    image = formats.open_image(data)
    if image.width * image.height > max_pixels:
        return None
    try:
        image = _load(image)
    except OSError:  # a truncated JPEG: told that it ends here, the decoder shows as much of it as there is
        image = _load(formats.open_image(data + _END_OF_JPEG))
    upright = formats.upright(image)
    if upright.has_transparency_data:
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
    return upright.convert("RGB")


def _load(image: Image.Image) -> Image.Image:
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    image.load()
    return image
