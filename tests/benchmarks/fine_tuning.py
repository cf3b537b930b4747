"""Five new paintings: a few steps from the network that ships, against 6,000 steps from scratch.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.fine_tuning WORK [--steps N] [--scratch N] [--sheet FILE]

The paintings are those that the shipped network did not learn from (data/pretraining/unseen_paintings.txt), the photos
those of `photos/unsplash_1280`; six Kodak photos x the five paintings, central squares of 384 pixels, are scored by
VGG19. Trained by StyleTrainer's own code with its defaults, so that what is printed is what a user gets; `--scratch 0`
leaves out the long training, which takes hours. A training that was interrupted goes on.
"""

import argparse
import json
import os
import types
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from easel_serving.images import arrays, prepare
from PIL import Image

from data.pretraining import arrange
from tests.benchmarks.style_peers import PHOTOS, Paint, Scorer, square
from tests.benchmarks.style_table import of_variant
from trainer.style.options import StyleOptions
from trainer.style.training import run

SIDE = StyleOptions().image.train_side


def transformed(path: Path, images: Sequence[Path]) -> str:
    """Writes files as the lane's Transform does, central squares of `train_side` pixels; the file."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image in images:
            pixels = tf.io.serialize_tensor(tf.constant(square(image, SIDE))).numpy()
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in {"image": pixels, "name": image.stem.encode()}.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return str(path)


def train(work: Path, assets: Path, start: str, steps: int | None) -> Path:
    """The folder of the Model artifact after a training; one that is there already is taken."""
    folder = work / f"{start}-{steps or 'default'}"
    model = folder / "model/Format-Serving"
    if model.is_dir():
        return model
    folder.mkdir(parents=True, exist_ok=True)
    unseen = arrange.listed("unseen_paintings.txt")
    photos = sorted((assets / "photos/unsplash_1280").glob("*.jpg"))
    paintings = sorted(path for path in (assets / "paintings").glob("*.jpg") if path.stem in unseen)
    weights = {"perceptual": "vgg19_imagenet_notop_hybrid.h5", "encoder": "mobilenet_v2_1.0_224_notop_dequant_qat.h5"}
    options = {key: {"weights": str(assets / "weights" / name)} for key, name in weights.items()}
    options["train"] = {"start": start, "steps": steps}
    run.run_fn(
        types.SimpleNamespace(
            train_files=[transformed(folder / "photos.gz", photos[:-4])],
            eval_files=[transformed(folder / "eval.gz", photos[-4:])],
            serving_model_dir=str(model),
            model_run_dir=str(folder / "run"),
            custom_config={
                "options": options,
                "seed": 1,
                "paintings_files": [transformed(folder / "paintings.gz", paintings)],
                "paintings_eval_files": [],
                "resume_dir": str(folder / "resume"),
            },
        )
    )
    return model


def of_saved_model(folder: Path) -> Paint:
    """What a SavedModel paints."""
    loaded = tf.saved_model.load(str(folder)).signatures["serving_default"]

    def paint(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
        files = (tf.constant([arrays.encode(image, "png")]) for image in (photo, painting))
        found = loaded(**dict(zip(("content_bytes", "style_bytes"), files, strict=True)), strength=tf.ones([1]))
        return prepare.pixels(found["stylized_bytes"].numpy()[0])

    return paint


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="a folder for the trainings")
    parser.add_argument("--steps", type=int, help="from the shipped network [default: as style.train.steps]")
    parser.add_argument("--scratch", type=int, default=6000, help="from nothing [default: 6000]")
    parser.add_argument("--sheet", type=Path, help="a PNG of the pictures")
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    painters, told = {"shipped, as it is": of_variant("float16")}, {}
    for start, steps in (("shipped", given.steps), ("scratch", given.scratch)):
        if steps != 0:
            model = train(given.work, assets, start, steps)
            about = json.loads((model.parent / "model.json").read_text(encoding="utf-8"))
            name = f"{start}, {about['training']['steps']} steps"
            painters[name] = of_saved_model(model)
            told[name] = f"{about['training']['seconds'] / 60:.1f} min  {about.get('metrics', '')}"
    photos = [square(path) for path in sorted((assets / "photos/kodak").glob("*.png"))[:PHOTOS]]
    unseen = arrange.listed("unseen_paintings.txt")
    paintings = [square(path) for path in sorted((assets / "paintings").glob("*.jpg")) if path.stem in unseen]
    scorer = Scorer(str(assets / "weights/vgg19_imagenet_notop_hybrid.h5"))
    rows = []
    for name, paint in painters.items():
        pictures = [[paint(photo, painting) for photo in photos] for painting in paintings]
        found = [
            scorer(photo, painting, picture)
            for painting, row in zip(paintings, pictures, strict=True)
            for photo, picture in zip(photos, row, strict=True)
        ]
        content, style, ssim = np.mean(found, axis=0)
        print(f"{name:24s} content {content:.3f}  style {style:.4f}  ssim {ssim:.3f}  {told.get(name, '')}", flush=True)
        rows += [np.concatenate([painting, *row], 1) for painting, row in zip(paintings, pictures, strict=True)]
    if given.sheet:
        Image.fromarray(np.concatenate(rows)).save(given.sheet)


if __name__ == "__main__":
    main()
