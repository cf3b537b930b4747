"""Puts a trained style network into the form that ships with `easel_serving` (see `easel_serving.shipped`).

    python -m data.pretraining.ship data/configs/pretrained.yaml ASSETS [--checkpoint FOLDER --hours N]
    python -m data.pretraining.ship --figures FILE        # what was measured on it since goes into its card

The network is the one that serves from the configuration's serving directory, or that of a training that is not done
yet. What is written: the weights as float16, the codes of the paintings in `bank.csv`, the four TFLite variants that
the pipeline's exporter makes, a card, and a manifest with the SHA-256 of each file.
"""

import argparse
import datetime
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from easel_serving import shipped
from easel_serving.registry.directory import Directory, Version
from easel_serving.registry.files import sha256

from components.style_pairs import pairs
from components.tflite_exporter import files
from data.pretraining import arrange, bank, card, provenance
from pipeline.configuration import config as configuration
from trainer.base.errors import UserError
from trainer.images import decoding, resizing
from trainer.networks.served import restore
from trainer.style.export import saved_model, tflite
from trainer.style.export.signatures import ServedStyle
from trainer.style.networks import networks, weights_file
from trainer.style.options import NetworkOptions
from trainer.style.training.learner import Learner
from trainer.tflite.export import export as export_variants
from trainer.tflite.options import StyleTFLiteOptions

_PHOTOS = 2
"""Photos that each painting of the bank is verified on."""
_CALIBRATION = 100
_SIDE = 384


class Trained(NamedTuple):
    """A network, and where it is from."""

    transformer: keras.Model
    features: keras.Model
    head: keras.Model
    options: NetworkOptions
    steps: int
    hours: float | None
    """That training took; None where it is not known."""


def pushed(config: configuration.Config) -> Trained:
    """The version that serves from the configuration's serving directory.

    Raises:
      UserError: none does, or it is another network than `style.network` describes.
    """
    stable = Directory(config.serving).stable(config.style.name)
    if stable is None:
        raise UserError(f"{config.serving}: no version of {config.style.name} serves there; run the training first")
    transformer, features, head = networks.build(config.style.network, config.style.encoder.weights)
    places = (ServedStyle.TRANSFORMER, transformer), (ServedStyle.HEAD, head)
    if not all(restore(stable.path, place, model) for place, model in places):
        raise UserError(f"{stable.path}: another network than style.network describes")
    training = stable.manifest["training"]
    hours = training["seconds"] / 3600
    return Trained(transformer, features, head, config.style.network, training["steps"], hours)


def unfinished(config: configuration.Config, checkpoints: Path) -> Trained:
    """The averaged weights of a training that is not done, as `trainer.style.training.run` keeps it.

    Raises:
      UserError: there is no such training.
    """
    if not (checkpoints / "state.npz").is_file():
        raise UserError(f"{checkpoints}: no training has left its state there")
    transformer, features, head = networks.build(config.style.network, config.style.encoder.weights)
    steps = Learner.read_average(checkpoints / "state.npz", transformer, head)
    return Trained(transformer, features, head, config.style.network, steps, None)


def write(
    trained: Trained,
    paintings: Sequence[tuple[bank.Painting, bytes]],
    photos: Sequence[bytes],
    options: StyleTFLiteOptions,
    folder: Path,
    version: int,
    about: Mapping[str, Any],
    text: Callable[[Mapping[str, Any]], str],
) -> dict[str, Any]:
    """Writes the folder that ships, whole or not at all, in the place of the one that is there; its manifest.

    Args:
      trained: the network.
      paintings: of the bank, and their files.
      photos: files that variants are calibrated and verified on.
      options: of the TFLite export.
      folder: what is written.
      version: its number.
      about: what else the manifest says.
      text: makes the card of the manifest.

    Raises:
      UserError: a variant was withheld: all of them ship.
    """
    staging = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        exact = _rounded(trained, staging / shipped.WEIGHTS)
        styles = [
            {"name": each.name, "artist": each.artist, "title": each.title, "year": each.year}
            | {"code": _code(exact, encoded).tolist()}
            for each, encoded in paintings
        ]
        (staging / shipped.BANK).write_text(json.dumps(styles, ensure_ascii=False), encoding="utf-8")
        verdicts = _variants(exact, styles, paintings, photos, options, staging / "tflite")
        withheld = [verdict["reason"] for verdict in verdicts if verdict["verdict"] != "ok"]
        if withheld:
            raise UserError(f"{folder}: not every variant keeps its tolerance: {'; '.join(withheld)}")
        manifest = {
            "format": shipped.FORMAT,
            "kind": "style",
            "model": shipped.NAME,
            "version": version,
            "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "network": trained.options.model_dump(mode="json"),
            "styles": [style["name"] for style in styles],
            **about,
            "tflite": verdicts,
        }
        (staging / shipped.CARD).write_text(text(manifest), encoding="utf-8")
        written = sorted(path for path in staging.rglob("*") if path.is_file())
        manifest["files"] = {path.relative_to(staging).as_posix(): sha256(path) for path in written}
        (staging / shipped.MANIFEST).write_text(_json(manifest), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def measured(folder: Path, figures: Mapping[str, Any], limits: str) -> None:
    """Puts figures, as `tests.benchmarks.style_table` writes them, and limits into the card and manifest of what ships.

    Raises:
      ServingError: nothing whole lies there.
    """
    manifest = {**shipped.version(folder).manifest, "figures": figures}
    text = card.render(manifest, limits)
    manifest["files"] = {**manifest["files"], shipped.CARD: hashlib.sha256(text.encode()).hexdigest()}
    (folder / shipped.CARD).write_text(text, encoding="utf-8")
    (folder / shipped.MANIFEST).write_text(_json(manifest), encoding="utf-8")


def _json(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"


def _rounded(trained: Trained, path: Path) -> Trained:
    """The network as its file has it: codes and variants are made of what ships, not of what was rounded for it."""
    parts = {"transformer": trained.transformer, "features": trained.features, "head": trained.head}
    weights_file.save(path, trained.options, **parts)
    weights_file.restore(path, **parts)
    return trained


def _code(trained: Trained, painting: bytes) -> np.ndarray:
    side = networks.STYLE_SIDE
    pixels = resizing.resize(decoding.decode(tf.constant(painting)), side, side, "crop")
    features = trained.features(tf.cast(pixels, tf.float32)[tf.newaxis], training=False)
    return np.round(trained.head(features, training=False)[0].numpy(), 4)


def _variants(
    trained: Trained,
    styles: Sequence[Mapping[str, Any]],
    paintings: Sequence[tuple[bank.Painting, bytes]],
    photos: Sequence[bytes],
    options: StyleTFLiteOptions,
    folder: Path,
) -> list[dict[str, Any]]:
    folder.mkdir()
    named = [pairs.Image(each.name, each.name, encoded, False) for each, encoded in paintings]
    contents = [pairs.Image(str(i), str(i), encoded, False) for i, encoded in enumerate(photos)]

    def held_out() -> Iterator[bytes]:
        for example in pairs.pairs(contents[:_PHOTOS], named, _SIDE):
            yield example.SerializeToString()

    def calibration() -> Iterator[bytes]:
        rng = np.random.default_rng(0)
        for _ in range(min(_CALIBRATION, options.calibration_examples)):
            photo, painting = contents[rng.integers(len(contents))], named[rng.integers(len(named))]
            for example in pairs.pairs([photo], [painting], _SIDE):
                yield example.SerializeToString()

    with tempfile.TemporaryDirectory() as scratch:
        saved_model.save_parts(Path(scratch, "tflite"), trained.transformer, trained.features, trained.head)
        saved_model.write_description(Path(scratch), styles=list(styles))
        verdicts = []
        for made in export_variants(tflite.parts(Path(scratch), options), options, calibration, held_out):
            if made.verdict == "ok":
                (folder / files.model_name(made.part, made.variant)).write_bytes(made.content)
            metrics = {name: round(value, 2) for name, value in made.metrics.items()}
            verdicts.append(
                {"part": made.part, "variant": made.variant, "bytes": len(made.content or b"")}
                | {"verdict": made.verdict, "metrics": metrics, "reason": made.reason}
            )
            print(json.dumps(verdicts[-1]), flush=True)
    return verdicts


def _before(version: Version) -> list[dict[str, int]]:
    """The versions that a training from this one goes back to, the first one first, and the steps of each."""
    training = version.manifest["training"]
    return [*training.get("before", ()), {"version": version.number, "steps": training["steps"]}]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, nargs="?")
    parser.add_argument("assets", type=Path, nargs="?")
    parser.add_argument("--folder", type=Path, default=shipped.FOLDER, help="[default: in easel_serving]")
    parser.add_argument("--checkpoint", type=Path, help="of a training that is not done: RESUME/checkpoints")
    parser.add_argument("--hours", type=float, help="that training took, where it is not known")
    parser.add_argument("--figures", type=Path, help="JSON that tests.benchmarks.style_table wrote")
    given = parser.parse_args()
    limits = resources.files(__package__).joinpath("limits.md").read_text(encoding="utf-8")
    if given.figures:
        measured(given.folder, json.loads(given.figures.read_text(encoding="utf-8")), limits)
        return
    if not given.assets:
        parser.error("give a configuration and the folder of the assets, or --figures")
    config = configuration.load(given.config)
    trained = unfinished(config, given.checkpoint) if given.checkpoint else pushed(config)
    paintings = [(each, (given.assets / each.file).read_bytes()) for each in bank.paintings()]
    photos = [path.read_bytes() for path in sorted((given.assets / "photos/unsplash_1280").glob("*.jpg"))]
    before = shipped.version(given.folder) if (given.folder / shipped.MANIFEST).is_file() else None
    about = {
        "training": {
            "steps": trained.steps,
            "before": _before(before) if before and config.style.train.start == "shipped" else [],
            "hours": given.hours or trained.hours or 0,
            "processor": provenance.processor(),
            "commit": provenance.commit(),
        },
        "data": {
            "learned": provenance.learned(given.assets),
            "unseen_artists": sorted(arrange.listed("unseen_artists.txt")),
            "unseen_paintings": sorted(arrange.listed("unseen_paintings.txt")),
        },
    }
    number = before.number + 1 if before else 1
    options = config.style.tflite.model_copy(update={"held_out_examples": None})
    write(trained, paintings, photos, options, given.folder, number, about, lambda made: card.render(made, limits))
    print(given.folder)


if __name__ == "__main__":
    main()
