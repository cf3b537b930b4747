"""Pictures stored under every orientation, wherever a file can say it: one table for ingest, the client and the graphs.

Each is of 48 x 32 pixels in four colours, so that every way to turn or mirror it looks different.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin

_To = Image.Transpose
STORED = {
    2: _To.FLIP_LEFT_RIGHT,
    3: _To.ROTATE_180,
    4: _To.FLIP_TOP_BOTTOM,
    5: _To.TRANSPOSE,
    6: _To.ROTATE_90,
    7: _To.TRANSVERSE,
    8: _To.ROTATE_270,
}
"""How the upright picture is turned to be stored under each orientation (EXIF 2.32, tag 0x0112)."""


def upright() -> Image.Image:
    """What all of `turned()` should become."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24] = [200, 40, 40]
    pixels[:16, 24:] = [40, 200, 40]
    pixels[16:, :24] = [40, 40, 200]
    pixels[16:, 24:] = [220, 220, 40]
    return Image.fromarray(pixels)


def stored(orientation: int) -> Image.Image:
    """The picture as its pixels lie in a file of that orientation."""
    return upright().transpose(STORED[orientation]) if orientation in STORED else upright()


def turned() -> dict[str, bytes]:
    """Files that say how they are to be turned, by what is special about them: each should be seen as `upright()`."""
    files = {}
    for number in range(1, 9):
        image, exif = stored(number), _exif(number)
        files |= {
            f"jpeg_{number}": _save(image, "JPEG", exif=exif, quality=95, subsampling=0),
            f"jpeg_little_endian_{number}": _save(image, "JPEG", exif=_exif(number, "<"), quality=95, subsampling=0),
            f"png_{number}": _save(image, "PNG", exif=exif),
            f"webp_{number}": _save(image, "WEBP", exif=exif, lossless=True),
            f"tiff_{number}": _tiff(image, number),
            f"tiff_lzw_{number}": _tiff(image, number, compression="tiff_lzw"),
            f"tiff_jpeg_{number}": _tiff(image, number, compression="jpeg", quality=95),
            f"avif_{number}": _save(image, "AVIF", exif=exif, quality=95, subsampling="4:4:4"),
        }
    files["jpeg_both_say"] = _save(stored(6), "JPEG", exif=_exif(6), xmp=_xmp(3), quality=95, subsampling=0)
    files["jpeg_without_any"] = _save(upright(), "JPEG", quality=95, subsampling=0)
    files["jpeg_invalid"] = _save(upright(), "JPEG", exif=_exif(9), quality=95, subsampling=0)
    files["png_invalid"] = _save(upright(), "PNG", exif=_exif(0))
    files["mpo"] = _save(
        stored(6), "MPO", save_all=True, append_images=[upright()], exif=_exif(6), quality=95, subsampling=0
    )
    # Nobody else looks there: what only XMP says, or a chunk of a PNG where none may be.
    files["jpeg_only_in_xmp"] = _save(upright(), "JPEG", xmp=_xmp(6), quality=95, subsampling=0)
    files["png_only_in_xmp"] = _with_chunk(
        _save(upright(), "PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _xmp(6), b"IDAT"
    )
    files["png_behind_the_pixels"] = _with_chunk(_save(upright(), "PNG"), b"eXIf", _exif(6)[6:], b"IEND")
    files["webp_only_in_xmp"] = _save(upright(), "WEBP", xmp=_xmp(6), lossless=True)
    files["tiff_only_in_xmp"] = _save(upright(), "TIFF", tiffinfo=_tags(xmp=_xmp(6)))
    return files


def decoded_by_the_graphs() -> dict[str, bytes]:
    """Those of `turned()` that TensorFlow decodes."""
    return {name: data for name, data in turned().items() if name.startswith(("jpeg", "png", "mpo"))}


def assert_upright(pixels: np.ndarray) -> None:
    """Fails unless uint8 [H, W, 3] is the upright picture, as far as its encoding let it be."""
    expected = np.asarray(upright()).astype(int)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).mean() < 6


def _exif(orientation: int, order: str = ">") -> bytes:
    header = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, 8)
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + header + struct.pack(f"{order}H", 1) + entry + bytes(4)


def _xmp(orientation: int) -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
    ) % orientation


def _save(image: Image.Image, kind: str, **how) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def _tiff(image: Image.Image, orientation: int, **how) -> bytes:
    return _save(image, "TIFF", tiffinfo=_tags(orientation), **how)


def _tags(orientation: int | None = None, xmp: bytes | None = None) -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if orientation:
        tags[0x0112] = orientation
    if xmp:
        tags.tagtype[700] = 1  # bytes
        tags[700] = xmp
    return tags


def _with_chunk(png: bytes, kind: bytes, content: bytes, before: bytes) -> bytes:
    at = png.index(before) - 4
    checked = kind + content
    return png[:at] + struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked)) + png[at:]
