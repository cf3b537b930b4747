"""Images in every format, drawn here, and damage done to them."""

import io
import random
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

pillow_heif.register_heif_opener()
_ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
"""First row and column, and steps, of the passes of an interlaced PNG (PNG specification, section 8.2)."""


def photo(width: int = 96, height: int = 80, seed: int = 0) -> Image.Image:
    """A smooth colourful picture with a soft grain, in mode RGB."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return Image.fromarray((pixels + rng.integers(-6, 7, pixels.shape)).clip(0, 255).astype(np.uint8))


def save(image: Image.Image, kind: str, **how) -> bytes:
    """The image as a file's content."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    """EXIF data that says how the camera was held."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def swapped_profile() -> bytes:
    """An ICC profile whose red primary is sRGB's blue and the other way round: who applies it, swaps the channels.

    A matrix profile after ICC.1:2001-04: header, tag table, XYZ colorants of sRGB adapted to D50, and a gamma of 2.2.
    """
    red, green, blue = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139)

    def xyz(*values):
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    text = b"swapped\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78 + 3),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(*blue),
        b"gXYZ": xyz(*green),
        b"bXYZ": xyz(*red),
        **{name: b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(2.2 * 256)) for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    table, body, offset = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header + bytes(128 - len(header)) + table + body


def png(pixels: np.ndarray, interlaced: bool = False) -> bytes:
    """A PNG of RGB pixels, uint8 or uint16 [H, W, 3], as Pillow does not write it: interlaced, or 16 bits deep."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    passes = [pixels[y::down, x::right] for y, x, down, right in _ADAM7] if interlaced else [pixels]
    rows = b"".join(b"\0" + row.astype(pixels.dtype.newbyteorder(">")).tobytes() for each in passes for row in each)
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, 2, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def ycck(image: Image.Image) -> bytes:
    """A JPEG as Photoshop writes CMYK: cyan, magenta and yellow as luma and chroma, which Adobe's mark says."""
    *inks, black = image.convert("CMYK").split()
    luma_and_chroma = Image.merge("RGB", inks).convert("YCbCr")
    stored = [Image.fromarray(255 - np.asarray(band)) for band in luma_and_chroma.split()]  # Pillow inverts CMYK
    data = bytearray(save(Image.merge("CMYK", [*stored, black]), "JPEG", quality=95))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def with_thumbnail(image: Image.Image) -> bytes:
    """A TIFF whose second directory is a reduced copy of the first, as cameras and editors write it."""
    small = image.resize((24, 20))
    small.encoderinfo = {"tiffinfo": {254: 1}}  # NewSubfileType: reduced
    return save(image, "TIFF", save_all=True, append_images=[small])


def twelve_bits() -> bytes:
    """A grey TIFF of 12 bits a pixel, uncompressed, as scanners of X-rays write it."""
    side, data = 32, bytes(32 * 32 * 3 // 2)
    entries = [(256, 4, side), (257, 4, side), (258, 3, 12), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 4, side), (279, 4, len(data))]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(entries)) + table + bytes(4)


def variants(seed: int = 0) -> dict[str, bytes]:
    """One file of every kind that ingest accepts, by a name that tells what is special about it."""
    image = photo(seed=seed)
    rgba = image.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(image.size))
    deep = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "jpeg": save(image, "JPEG"),
        "jpeg_progressive": save(image, "JPEG", progressive=True),
        "jpeg_grey": save(image.convert("L"), "JPEG"),
        "jpeg_cmyk": save(image.convert("CMYK"), "JPEG"),
        "jpeg_ycck": ycck(image),
        "jpeg_srgb_profile": save(image, "JPEG", icc_profile=srgb),
        "jpeg_rotated": save(image, "JPEG", exif=exif(6)),
        "jpeg_444": save(image, "JPEG", subsampling=0, quality=97),
        "jpeg_restart": save(image, "JPEG", restart_marker_rows=1),
        "png": save(image, "PNG"),
        "png_grey": save(image.convert("L"), "PNG"),
        "png_palette": save(image.quantize(16), "PNG"),
        "png_palette_transparent": save(image.quantize(16), "PNG", transparency=3),
        "png_two_colours": save(image.convert("1"), "PNG"),
        "png_alpha": save(rgba, "PNG"),
        "png_grey_alpha": save(rgba.convert("LA"), "PNG"),
        "png_16": save(deep, "PNG"),
        "png_48": png(np.asarray(image).astype(np.uint16) * 257),
        "png_interlaced": png(np.asarray(image), interlaced=True),
        "gif": save(image.quantize(32), "GIF"),
        "gif_animated": save(image.quantize(32), "GIF", save_all=True, append_images=[photo(seed=9).quantize(32)]),
        "bmp": save(image, "BMP"),
        "webp": save(image, "WEBP"),
        "webp_alpha": save(rgba, "WEBP", lossless=True),
        "tiff": save(image, "TIFF"),
        "tiff_lzw": save(image, "TIFF", compression="tiff_lzw"),
        "tiff_16": save(deep, "TIFF"),
        "tiff_cmyk": save(image.convert("CMYK"), "TIFF"),
        "tiff_jpeg": save(image, "TIFF", compression="jpeg"),
        "avif": save(image, "AVIF"),
        "heic": save(image, "HEIF"),
        "heic_alpha": save(rgba, "HEIF"),
    }


def damage(data: bytes, chance: random.Random) -> bytes:
    """The data with one or two things broken: bytes changed, cut off, left out, doubled, or zeroed."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 2)):
        if len(broken) < 8:
            break
        at = chance.randrange(len(broken)) if chance.random() < 0.6 else chance.randrange(min(len(broken), 200))
        length = chance.choice((1, 1, 2, 16, len(broken) // 4))
        kind = chance.randrange(6)
        if kind == 0:
            broken[at : at + length] = chance.randbytes(len(broken[at : at + length]))
        elif kind == 1:
            del broken[at:]
        elif kind == 2:
            del broken[at : at + length]
        elif kind == 3:
            broken[at:at] = broken[at : at + length]
        elif kind == 4:
            broken[at : at + length] = bytes(len(broken[at : at + length]))
        else:
            broken[at] ^= 1 << chance.randrange(8)
    return bytes(broken)
