"""A picture as a page of a PDF, with its colour profile and where it is to be cut."""

import io

from PIL import Image, PdfParser

_POINTS = 72.0
"""To the inch."""
_CODECS = {"quality": 95, "subsampling": 0}


def write(image: Image.Image, target: io.BytesIO, dpi: tuple[float, float], profile: bytes, bleed: int = 0) -> None:
    """Writes one page as large as the picture.

    Pillow's own PDFs leave out profiles, and the boxes that a print shop cuts by.

    Args:
        image: of mode RGB, in the colours of `profile`.
        target: an empty file.
        dpi: its resolution.
        profile: an ICC profile for RGB.
        bleed: how many pixels of the picture are to be cut away on each side.
    """
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", **_CODECS)
    width, height = (size * _POINTS / side for size, side in zip(image.size, dpi, strict=True))
    cut = [bleed * _POINTS / side for side in dpi]
    pdf = PdfParser.PdfParser(f=target, filename="picture.pdf", mode="w+b")
    pdf.start_writing()
    pdf.write_header()
    page, contents, picture, colours = (pdf.next_object_id(0) for _ in range(4))
    pdf.pages.append(page)
    pdf.write_catalog()
    name = PdfParser.PdfName
    pdf.write_obj(colours, stream=profile, N=3, Alternate=name("DeviceRGB"))
    pdf.write_obj(
        picture,
        stream=encoded.getvalue(),
        Type=name("XObject"),
        Subtype=name("Image"),
        Width=image.width,
        Height=image.height,
        BitsPerComponent=8,
        ColorSpace=[name("ICCBased"), colours],
        Filter=name("DCTDecode"),
    )
    pdf.write_page(
        page,
        Resources=PdfParser.PdfDict(XObject=PdfParser.PdfDict(picture=picture)),
        MediaBox=[0, 0, width, height],
        BleedBox=[0, 0, width, height],
        TrimBox=[cut[0], cut[1], width - cut[0], height - cut[1]],
        Contents=contents,
    )
    pdf.write_obj(contents, stream=b"q %f 0 0 %f 0 0 cm /picture Do Q\n" % (width, height))
    pdf.write_xref_and_trailer()
