import numpy as np
from easel_serving import shipped
from easel_serving.images import arrays

from data.pretraining import gallery


class Painter:
    """Paints every picture in the colour of its style, and remembers the photos' sizes."""

    def __init__(self):
        self.asked = []

    def stylize(self, content, style, model):
        self.asked.append((style, model))
        return arrays.encode(np.full((40, 60, 3), 200 if style == "light" else 20, np.uint8), "png")


def test_the_sheet_has_a_row_for_each_photo_and_a_column_for_each_style():
    painter, photos = Painter(), [np.full((512, 768, 3), value, np.uint8) for value in (90, 140)]
    made = gallery.sheet(photos, ["light", "dark"], painter)
    height, width = gallery.WIDTH * 2 // 3, gallery.WIDTH
    assert made.shape == (2 * height + gallery.GAP, 3 * width + 2 * gallery.GAP, 3)
    middles = [[int(made[y, x, 0]) for x in (width // 2, width * 3 // 2, width * 5 // 2)] for y in (9, height + 20)]
    assert middles == [[90, 200, 20], [140, 200, 20]]
    assert painter.asked == [("light", shipped.NAME), ("dark", shipped.NAME)] * 2


def test_what_it_paints_like_is_known():
    assert set(gallery.STYLES) <= set(shipped.version().styles)
