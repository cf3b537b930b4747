"""The figures of the style network that ships, beside Magenta's arbitrary stylisation in the same run; and sheets.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.style_table [--checkpoint FOLDER] [--figures FILE] [--sheets FOLDER]

Photos and paintings are central squares of 384 pixels. Content and style distance and SSIM as the evaluation has them:
six Kodak photos x every third well-known painting; the five paintings that are held out; two Kodak photos x the
paintings of artists that training never saw (data/pretraining/unseen_artists.txt). Over six bank paintings x six Kodak
photos: `style_measures.weave` and `.steadiness`; SSIM within the boxes of five faces. `--checkpoint` takes a training
that is not done. `--alone` leaves Magenta out, `--quick` most paintings.
"""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf
from easel_serving import shipped
from easel_serving.images import arrays
from PIL import Image, ImageOps

from data.pretraining import arrange, bank, ship
from pipeline.configuration import config as configuration
from tests.benchmarks import style_measures
from tests.benchmarks.style_peers import CODE_SIDE, SIDE, Paint, Scorer, magenta, square

CONFIG = Path(__file__).resolve().parents[2] / "data/configs/pretrained.yaml"
PROBES = (
    "hokusai-great-wave", "van-gogh-starry-night", "monet-water-lilies", "munch-scream", "kandinsky-composition-vii",
    "turner-norham-castle",
)  # fmt: skip
SHEET = (
    *PROBES, "picabia-udnie", "signac-golden-horn", "vermeer-milkmaid", "mondrian-gray-tree", "derain-turning-road",
    "hiroshige-kameyama",
)  # fmt: skip


class Face(NamedTuple):
    """A portrait that training never saw, and where in its central square the face is."""

    file: str
    box: style_measures.Box


FACES = (
    Face("photos/kodak/kodim04.png", (0.30, 0.20, 0.83, 0.80)),
    Face("photos/kodak/kodim15.png", (0.43, 0.08, 1.00, 0.83)),
    Face("photos/kodak/kodim18.png", (0.48, 0.05, 0.64, 0.23)),
    Face("pretraining/photos/thumb-full-transition__1.jpg", (0.38, 0.18, 0.84, 0.70)),
    Face("film/carphone_pristine.mp4", (0.33, 0.28, 0.68, 0.70)),
)

Row = tuple[str, str]
"""What is measured, and the figure."""


def of_checkpoint(folder: Path) -> Paint:
    """A training that is not done, in float32."""
    trained = ship.unfinished(configuration.load(CONFIG), folder)
    print(f"{trained.steps} steps")
    call = tf.function(lambda photo, code: trained.transformer([photo, code], training=False))

    def paint(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        features = trained.features(_reduced(painting)[None].astype(np.float32), training=False)
        picture = call(photo[None].astype(np.float32), trained.head(features, training=False))
        return np.rint(np.clip(picture[0], 0, 255)).astype(np.uint8)

    return paint


def of_variant(variant: str) -> Paint:
    """The network that ships, in one of its TFLite variants."""
    from easel_serving.models.tflite.network import Network

    folder = shipped.version().manifest_dir / "tflite"
    predictor, transformer = (Network(folder / f"{part}.{variant}.tflite") for part in ("predictor", "transformer"))

    def paint(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        code = predictor(style=_reduced(painting)[None].astype(np.float32))["style_code"]
        picture = transformer(content=photo[None].astype(np.float32), style_code=code)["stylized"]
        return np.rint(np.clip(picture[0], 0, 255)).astype(np.uint8)

    return paint


def distances(
    paint: Paint, scorer: Scorer, photos: Sequence[np.ndarray], paintings: Sequence[np.ndarray]
) -> tuple[float, float, float]:
    """Means of content, style and SSIM over all pairs."""
    found = [scorer(photo, painting, paint(photo, painting)) for painting in paintings for photo in photos]
    content, style, ssim = np.mean(found, axis=0)
    return float(content), float(style), float(ssim)


def rows(paint: Paint, scorer: Scorer, assets: Path, quick: bool) -> list[Row]:
    """All figures of one painter."""
    photos = [square(path) for path in sorted((assets / "photos/kodak").glob("*.png"))[:6]]
    known = sorted((assets / "paintings").glob("*.jpg"))
    held_out = [path for path in known if path.stem in arrange.listed("unseen_paintings.txt")]
    unseen = [
        path
        for path in sorted((assets / "pretraining/paintings").glob("*.jpg"))
        if arrange.artist(path) in arrange.listed("unseen_artists.txt")
    ]
    probes = [square(assets / each.file) for each in bank.paintings() if each.name in PROBES]
    found: list[Row] = []

    def add(what: str, *values: float) -> None:
        found.append((what, " / ".join(f"{value:.4g}" for value in values)))
        print(f"  {what}: {found[-1][1]}", flush=True)

    for what, some, paintings in (
        ("Kodak x every third known painting: content / style / SSIM", photos, known[::3]),
        ("the five held-out paintings", photos[: 2 if quick else 6], held_out),
        ("unseen artists", photos[4:6], unseen[:: 4 if quick else 1]),
    ):
        add(what, *distances(paint, scorer, some, [square(path) for path in paintings]))
    energies = [style_measures.weave(paint(photo, each), photo) for photo in photos for each in probes]
    picture, own = np.sum(energies, axis=0)
    add("flat areas: energy over the photo's", picture / own)
    steady = []
    for path in sorted((assets / "photos/kodak").glob("*.png"))[:6:2]:
        photo = square(path, SIDE + 1)
        steady += [style_measures.steadiness(lambda image, each=each: paint(image, each), photo) for each in probes]
    add("flicker: moved by a pixel / noise of deviation 4", *np.mean(steady, axis=0))
    kept = []
    for face in FACES:
        photo = _portrait(assets / face.file)
        for each in probes:
            one, other = (style_measures.within(face.box, image) for image in (photo, paint(photo, each)))
            grey = [tf.image.rgb_to_grayscale(tf.constant(np.ascontiguousarray(image)[None])) for image in (one, other)]
            kept.append(float(tf.image.ssim(*grey, 255)[0]))
    add("faces: SSIM", np.mean(kept))
    return found


def sheets(paint: Paint, assets: Path, folder: Path, name: str) -> None:
    """Writes a PNG of twelve paintings of the bank, and one of twelve unseen ones, each x six photos."""
    kodak = [assets / f"photos/kodak/kodim{number:02}.png" for number in (1, 4, 5, 8, 15, 23)]
    photos = [square(path) for path in kodak]
    unseen = sorted(
        path
        for path in (assets / "pretraining/paintings").glob("*.jpg")
        if arrange.artist(path) in arrange.listed("unseen_artists.txt")
    )[::3][:12]
    by_name = {each.name: assets / each.file for each in bank.paintings()}
    folder.mkdir(parents=True, exist_ok=True)
    for what, files in (("bank", [by_name[each] for each in SHEET]), ("unseen", unseen)):
        lines = [np.concatenate([np.zeros_like(photos[0]), *photos], axis=1)]
        for painting in map(square, files):
            lines.append(np.concatenate([painting, *(paint(photo, painting) for photo in photos)], axis=1))
        Image.fromarray(np.concatenate(lines)).save(folder / f"{name}-{what}.png")


def _reduced(painting: np.ndarray) -> np.ndarray:
    # As the served graph and LiteRT's painter do: what a sharper one is painted like is something else.
    return arrays.resize(painting, CODE_SIDE, CODE_SIDE)


def _portrait(path: Path) -> np.ndarray:
    if path.suffix != ".mp4":
        return square(path)
    there, frame = cv2.VideoCapture(str(path)).read()
    if not there:
        raise SystemExit(f"{path}: cannot be read")
    return np.asarray(ImageOps.fit(Image.fromarray(frame[..., ::-1]), (SIDE, SIDE), Image.Resampling.LANCZOS))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--variant", default="float16", help="of the network that ships  [default: float16]")
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    scorer = Scorer(str(assets / "weights/vgg19_imagenet_notop_hybrid.h5"))
    painters: dict[str, Callable[[], Paint]] = {
        "easel": lambda: of_checkpoint(given.checkpoint) if given.checkpoint else of_variant(given.variant),
        "magenta": lambda: magenta(assets / "peers/magenta_int8"),
    }
    if given.alone:
        del painters["magenta"]
    table: dict[str, dict[str, str]] = {}
    for name, make in painters.items():
        paint = make()
        print(name, flush=True)
        for what, figure in rows(paint, scorer, assets, given.quick):
            table.setdefault(what, {})[name] = figure
        if given.sheets:
            sheets(paint, assets, given.sheets, name)
    if given.figures:
        lead = "Central squares of 384 pixels, TFLite float16 of both (`python -m tests.benchmarks.style_table`):"
        described = {"what": lead, "rows": [{"what": what, **figures} for what, figures in table.items()]}
        given.figures.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
