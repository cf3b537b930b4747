"""Draws README's picture: what the network that ships paints, on Kodak's photos.

    python -m data.pretraining.gallery PHOTOS docs

`PHOTOS` is a folder of Kodak's photos (`kodim04.png`, ...), which no training of ours has seen.
"""

import argparse
from pathlib import Path

import numpy as np
from easel_serving import shipped
from easel_serving.images import arrays, prepare
from easel_serving.local import LocalModels
from PIL import Image

PHOTOS = ("kodim21.png", "kodim23.png", "kodim04.png")
STYLES = (
    "hokusai-great-wave",
    "van-gogh-starry-night",
    "munch-scream",
    "monet-parliament",
    "kandinsky-composition-vii",
)
WIDTH, GAP = 270, 6
_PAINTED, _FRAME = 400, 10
"""Width at which photos are painted, so that strokes can be seen in the small picture; the border that Kodak's have."""
_QUALITY = 78


def sheet(photos: list[np.ndarray], styles: list[str], models: LocalModels) -> np.ndarray:
    """Photos down the left side, beside each the photo in the manner of each painting; uint8 [H, W, 3]."""
    rows = []
    for whole in photos:
        inside = whole[_FRAME:-_FRAME, _FRAME:-_FRAME]
        photo = arrays.resize(inside, _PAINTED * 2 // 3, _PAINTED, "crop", Image.Resampling.LANCZOS)
        encoded = arrays.encode(photo, "png")
        row = [photo, *(prepare.pixels(models.stylize(encoded, style, model=shipped.NAME)) for style in styles)]
        small = [arrays.resize(each, WIDTH * 2 // 3, WIDTH, method=Image.Resampling.LANCZOS) for each in row]
        rows.append(
            np.concatenate([np.pad(each, [(0, GAP), (0, GAP), (0, 0)], constant_values=255) for each in small], 1)
        )
    return np.concatenate(rows)[:-GAP, :-GAP]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path, help="the folder of painted.jpg")
    given = parser.parse_args()
    photos = [prepare.pixels(prepare.read(given.photos / name), name) for name in PHOTOS]
    models = LocalModels(given.output / "no-serving-directory", warn=lambda line: None)
    made = sheet(photos, list(STYLES), models)
    path = given.output / "painted.jpg"
    Image.fromarray(made).save(path, quality=_QUALITY, optimize=True)
    print(f"{path}: {made.shape[1]} x {made.shape[0]}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
