"""Re-encoding of what TensorFlow would decode wrongly, or not at all."""

import io

from easel_serving.images import formats, srgb
from PIL import Image

from components.image_folder_example_gen.inspection import inspection
from components.image_folder_example_gen.options import IngestOptions


def reencode(data: bytes, options: IngestOptions) -> bytes:
    """The image as a JPEG that every decoder shows alike: upright, 8-bit sRGB, within `max_side`, without metadata.

    Raises:
        Unusable: as `inspection.inspect`, which has seen these bytes before.
    """
    image = inspection.open_image(data)
    with inspection.decoding_errors():
        size = inspection.final_size(image, options.max_side)
        rgb = srgb.to_rgb(formats.upright(image), options.background)
        if rgb.size != size:
            rgb = rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        buffer = io.BytesIO()
        rgb.save(buffer, "JPEG", quality=options.quality, subsampling=0)
    return buffer.getvalue()
