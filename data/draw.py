"""Draws the demo's images: `python -m data.draw DIR` makes DIR/photos/CLASS/*.jpg and DIR/paintings/*.png.

No image comes from elsewhere. The same seed draws the same images, and a file that is already right is left alone, so
that the pipeline's caches stay valid.
"""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from data.paintings import PAINTINGS, draw_painting
from data.photos import PATTERNS, draw_photo


def _write(path: Path, image: np.ndarray) -> None:
    settings = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == ".jpg" else []
    encoded, code = cv2.imencode(path.suffix, image[..., ::-1], settings)
    assert encoded, path
    content = code.tobytes()
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def draw(directory: Path, photos_per_class: int = 120, seed: int = 0) -> None:
    """Draws photos (JPEG, 160 x 120) and paintings (PNG, 256 x 256) into photos/CLASS and paintings of `directory`.

    Image number i of a class depends on the seed, the class and i alone: more photos extend a set.
    """

    def one_photo(label: str, number: int) -> None:
        rng = np.random.default_rng([seed, number, *label.encode()])
        _write(directory / "photos" / label / f"{label}-{number:03d}.jpg", draw_photo(label, rng))

    def one_painting(name: str) -> None:
        rng = np.random.default_rng([seed, *name.encode()])
        _write(directory / "paintings" / f"{name}.png", draw_painting(name, rng))

    # NumPy and OpenCV release the interpreter while they work on an image.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [pool.submit(one_painting, name) for name in PAINTINGS]
        work += [pool.submit(one_photo, label, number) for label in PATTERNS for number in range(photos_per_class)]
        for done in work:
            done.result()


def main(arguments: list[str] | None = None) -> None:
    """The command line; its arguments are those of the process unless given."""
    parser = argparse.ArgumentParser(prog="python -m data.draw", description="Draw the demo's photos and paintings.")
    parser.add_argument("directory", type=Path, help="gets photos/CLASS/*.jpg and paintings/*.png")
    parser.add_argument("--photos-per-class", type=int, default=120, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, other images; default: %(default)s"
    )
    options = parser.parse_args(arguments)
    draw(options.directory, options.photos_per_class, options.seed)
    photos = len(PATTERNS) * options.photos_per_class
    print(f"Drew {photos} photos of {len(PATTERNS)} classes and {len(PAINTINGS)} paintings into {options.directory}")


if __name__ == "__main__":
    main()
