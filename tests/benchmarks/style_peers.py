"""A pushed style network beside Magenta's arbitrary stylisation: the same photos, paintings and measures; and sheets.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.style_peers SERVING [--sheets FOLDER]

Six Kodak photos x all paintings, central squares of 384 pixels; content and style distance and SSIM as the evaluation
has them, with zero padding as published figures are; means over the paintings that the network learned from and over
those that were held out. `--sheets` writes a PNG for each painting: it, our six pictures, and Magenta's six below.
"""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from easel_serving.local import LocalModels
from easel_serving.registry.directory import Directory, Version
from PIL import Image, ImageOps

from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual

SIDE, CODE_SIDE, PHOTOS = 384, 256, 6

Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A photo and a painting, uint8 [S, S, 3] -> what is painted, uint8 [S, S, 3]."""


def square(path: Path, side: int = SIDE) -> np.ndarray:
    """The central square of a file's image, uint8 [side, side, 3]."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS))


def ours(serving: Path) -> Paint:
    """What `easel stylize` paints with."""
    engine = LocalModels(serving).engine()

    def paint(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        part = engine.part_painter(photo, engine.encode(painting), 1.0)
        return part((slice(0, SIDE), slice(0, SIDE)))

    return paint


def magenta(folder: Path) -> Paint:
    """The peer: a float predictor and the float16 transformer."""
    predictor, transformer = (
        Interpreter(str(folder / name), num_threads=2)
        for name in ("prediction.tflite", "style_transfer_f16_384.tflite")
    )
    predictor.allocate_tensors()
    transformer.allocate_tensors()

    def call(model: Interpreter, *values: np.ndarray) -> np.ndarray:
        for value in values:
            wanted = next(d for d in model.get_input_details() if d["shape"][-1] == value.shape[-1])
            model.set_tensor(wanted["index"], value.astype(np.float32))
        model.invoke()
        return model.get_tensor(model.get_output_details()[0]["index"])

    def paint(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        small = np.asarray(Image.fromarray(painting).resize((CODE_SIDE, CODE_SIDE), Image.Resampling.LANCZOS))
        code = call(predictor, small[None] / 255)
        return np.rint(np.clip(call(transformer, photo[None] / 255, code)[0], 0, 1) * 255).astype(np.uint8)

    return paint


class Scorer:
    """Measures of one picture: content, style, SSIM."""

    def __init__(self, weights: str):
        self._features = tf.function(Perceptual(weights, "zero"))
        self._known: dict[bytes, dict[str, tf.Tensor]] = {}

    def __call__(self, photo: np.ndarray, painting: np.ndarray, painted: np.ndarray) -> tuple[float, float, float]:
        """Of uint8 [S, S, 3] each."""
        found, style, content = self._of(painted), self._kept(painting), self._kept(photo)
        grey = [tf.image.rgb_to_grayscale(tf.constant(image[None])) for image in (photo, painted)]
        return (
            float(losses.content_distance(found[CONTENT_LAYER], content[CONTENT_LAYER])[0]),
            float(losses.style_distance(losses.moments(found), losses.moments(style))[0]),
            float(tf.image.ssim(*grey, 255)[0]),
        )

    def _of(self, image: np.ndarray) -> dict[str, tf.Tensor]:
        return self._features(tf.constant(image[None], tf.float32))

    def _kept(self, image: np.ndarray) -> dict[str, tf.Tensor]:
        key = image.tobytes()
        if key not in self._known:
            self._known[key] = self._of(image)
        return self._known[key]


def serving_version(serving: Path) -> Version:
    """The style network that serves from a directory."""
    directory = Directory(serving)
    for version in map(directory.stable, directory.models()):
        if version is not None and version.manifest["kind"] == "style":
            return version
    raise SystemExit(f"{serving}: no style network serves here")


def held_out(serving: Path) -> set[str]:
    """Names of the paintings that the serving network has not learned from."""
    known = json.loads((serving_version(serving).manifest_dir / "styles.json").read_text(encoding="utf-8"))
    return {style["name"] for style in known if style["heldout"]}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serving", type=Path)
    parser.add_argument("--sheets", type=Path)
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    photos = [square(path) for path in sorted((assets / "photos/kodak").glob("*.png"))[:PHOTOS]]
    painters = {"Easel": ours(given.serving), "Magenta": magenta(assets / "peers/magenta_int8")}
    scorer, unseen = Scorer(str(assets / "weights/vgg19_imagenet_notop_hybrid.h5")), held_out(given.serving)
    rows: dict[tuple[str, bool], list[tuple[float, float, float]]] = {}
    for path in sorted((assets / "paintings").glob("*.jpg")):
        painting, sheet = square(path), []
        for name, paint in painters.items():
            pictures = [paint(photo, painting) for photo in photos]
            found = [scorer(photo, painting, picture) for photo, picture in zip(photos, pictures, strict=True)]
            rows.setdefault((name, path.stem in unseen), []).extend(found)
            sheet.append(np.concatenate([painting, *pictures], axis=1))
            content, style, ssim = np.mean(found, axis=0)
            print(f"{path.stem:32s} {name:8s} content {content:.3f}  style {style:.4f}  ssim {ssim:.3f}", flush=True)
        if given.sheets:
            given.sheets.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.concatenate(sheet)).save(given.sheets / f"{path.stem}.png")
    for (name, is_unseen), found in rows.items():
        content, style, ssim = np.mean(found, axis=0)
        what = "held out" if is_unseen else "learned from"
        print(f"{name:8s} {what:12s} content {content:.3f}  style {style:.4f}  ssim {ssim:.3f}  ({len(found)} pairs)")


if __name__ == "__main__":
    main()
