"""The feed-forward network's objective over the optimiser's, on a fixed sample of pairs.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.style_optimiser SERVING [--photos 3] [--paintings 3] [--sheet FILE]

Both minimise the same: content distance + `style.train.style_weight` x style distance + total variation, as training
does by default; VGG19 of the assets, photos at 256 pixels. The optimiser is L-BFGS from the photo. Prints JSON;
the sheet has a row for each pair: photo, painting, the network's picture, the optimiser's.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from easel_serving.images import prepare
from easel_serving.local import LocalModels
from easel_serving.painting import files
from PIL import Image, ImageOps

from trainer.style.options import StyleTrainOptions
from trainer.style.painting import descent
from trainer.style.painting.pixel_painting import Objective, Weights
from trainer.style.perceptual.network import Perceptual

SIDE = 256


def spread(paths: list[Path], count: int) -> list[Path]:
    """As many of the paths, evenly by name."""
    return [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, count).round().astype(int))]


def cell(image: np.ndarray) -> np.ndarray:
    """An image of at most SIDE pixels in the middle of a white square of that side."""
    return np.asarray(ImageOps.pad(Image.fromarray(image), (SIDE, SIDE), color="white"))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serving", type=Path)
    parser.add_argument("--photos", type=int, default=3)
    parser.add_argument("--paintings", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    train = StyleTrainOptions()
    weights = Weights(train.content_weight, train.style_weight, train.gram_weight, train.tv_weight)
    perceptual = Perceptual(str(assets / "weights/vgg19_imagenet_notop_hybrid.h5"), "reflect")
    objective, models, rows, sheet = Objective(perceptual, weights), LocalModels(given.serving), [], []
    for painting_path in spread(sorted((assets / "paintings").glob("*.jpg")), given.paintings):
        painting = files.read(painting_path, SIDE).pixels
        target = objective.target([(painting.astype(np.float32), 1.0)])
        for photo_path in spread(sorted((assets / "photos/kodak").glob("*.png")), given.photos):
            photo = files.read(photo_path, SIDE).pixels
            function = objective.bound(photo.astype(np.float32), target)
            painted = prepare.pixels(models.stylize(prepare.encode(photo), prepare.encode(painting)))
            started = time.monotonic()
            best = descent.lbfgs(function, photo.astype(np.float32), given.steps, lambda *_: None)
            row = {
                "photo": photo_path.stem,
                "painting": painting_path.stem,
                "photo_itself": function(photo.astype(np.float32))[0],
                "network": function(painted.astype(np.float32))[0],
                "optimiser": function(best)[0],
                "seconds": time.monotonic() - started,
            }
            rows.append({**row, "ratio": row["network"] / row["optimiser"]})
            print(json.dumps(rows[-1]), flush=True)
            pictures = (photo, painting, painted, np.rint(np.clip(best, 0, 255)).astype(np.uint8))
            sheet.append(np.concatenate([cell(picture) for picture in pictures], axis=1))
    if given.sheet:
        Image.fromarray(np.concatenate(sheet)).save(given.sheet)
    print(json.dumps({"mean_ratio": float(np.mean([row["ratio"] for row in rows])), "pairs": len(rows)}))


if __name__ == "__main__":
    main()
