"""Trains the super-resolution networks and puts them where they ship (`trainer.superresolution`).

    python -m data.pretraining.superresolution ASSETS FOLDER [--steps 12000 6000]   # trains, resumes and ships
    python -m data.pretraining.superresolution --figures FILE    # what tests.benchmarks.superresolution printed

Photos and paintings are reduced to half their size first, so that no JPEG's blocks are learned; from the luminances of
these and of their bicubic reductions the networks learn, the one for four times from the layers of the one for twice.
FOLDER keeps what an interrupted training goes on from.
"""

import argparse
import datetime
import io
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np
from easel_serving import shipped
from easel_serving.images import prepare
from easel_serving.registry.files import sha256
from PIL import Image

from components.tflite_exporter import files
from data.pretraining import arrange, provenance
from trainer.base import arrays_file
from trainer.base.errors import UserError
from trainer.style.training.muon import Muon
from trainer.superresolution import network, tflite
from trainer.superresolution.learning import Learner
from trainer.tflite.export import export
from trainer.tflite.options import TFLiteOptions
from trainer.training import precision

REDUCED = 2
SIDE = 224
"""Of the crops in pixels, after that reduction."""
HELD_OUT = 64
"""Every so many-th crop is kept back, to see how far a training is."""
SMALL = {2: 64, 4: 56}
"""Sides of what is enlarged in training, by the factor."""
BATCH = 16
STEPS = {2: 12_000, 4: 6_000}
RATE, MATRIX_RATIO, FINAL_RATE, CLIP = 1e-3, 15.0, 0.02, 5.0
KEEP = 200
"""Steps between two states that are kept."""
_SEED = 21
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def crops(assets: Path, folder: Path) -> dict[int, np.ndarray]:
    """Luminances of crops, float16 [N, SIDE / k, SIDE / k] by k: 1, and the factors by which they were reduced."""
    path = folder / "crops.npz"
    if not path.is_file():
        with tempfile.TemporaryDirectory() as links:
            arrange.arrange(assets, Path(links))
            paths = [p for name in ("photos", arrange.LEARNED) for p in sorted(Path(links, name).iterdir())]
            cut = [found for path in paths for found in _cut(prepare.pixels(path.read_bytes(), str(path)))]
        arrays_file.write(path, {f"x{factor}": np.stack([each[factor] for each in cut]) for factor in cut[0]})
    with np.load(path) as kept:
        return {int(name[1:]): kept[name] for name in kept.files}


def _cut(image: np.ndarray) -> Iterator[dict[int, np.ndarray]]:
    unit = REDUCED * max(network.FACTORS)
    height, width = (size // unit * unit for size in image.shape[:2])
    whole = Image.fromarray(image[:height, :width]).resize((width // REDUCED, height // REDUCED), Image.LANCZOS)
    levels = {1: whole} | {
        factor: whole.resize((whole.width // factor, whole.height // factor), Image.BICUBIC)
        for factor in network.FACTORS
    }
    planes = {factor: (np.asarray(level) @ _LUMINANCE).astype(np.float16) for factor, level in levels.items()}
    for top in _places(whole.height):
        for left in _places(whole.width):
            yield {
                k: plane[top // k : (top + SIDE) // k, left // k : (left + SIDE) // k] for k, plane in planes.items()
            }


def _places(size: int) -> list[int]:
    """Where crops begin along a side, none where it is too short."""
    unit = max(network.FACTORS)
    count = round(size / SIDE)
    return [int(place) // unit * unit for place in np.linspace(0, size - SIDE, count)] if size >= SIDE else []


def batch(of: Mapping[int, np.ndarray], factor: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Parts of crops, turned and mirrored at random: small [BATCH, S, S] and large [BATCH, factor * S, factor * S]."""
    side, small, large = SMALL[factor], [], []
    for index in rng.integers(0, len(of[1]), BATCH):
        top, left = rng.integers(0, SIDE // factor - side + 1, 2)
        turns, mirrored = rng.integers(4), rng.random() < 0.5
        for parts, plane, k in ((small, of[factor], 1), (large, of[1], factor)):
            part = plane[index, top * k : (top + side) * k, left * k : (left + side) * k]
            part = np.rot90(part, turns)
            parts.append(part[:, ::-1] if mirrored else part)
    return np.stack(small), np.stack(large)


def gain(factor: int, weights: Mapping[str, np.ndarray], of: Mapping[int, np.ndarray]) -> float:
    """How much nearer than the bicubic enlargement of crops the network's is, in dB of their mean squared errors."""
    small, large = (of[k][..., np.newaxis].astype(np.float32) for k in (factor, 1))
    margin = network.REACH * factor
    large = large[:, margin:-margin, margin:-margin]
    errors = [
        np.mean((enlarged.numpy() - large) ** 2, dtype=np.float64)
        for enlarged in (network.Enlarger(factor, each)(small) for each in (network.initial(factor, 0), weights))
    ]
    return float(10 * np.log10(errors[0] / errors[1]))


def fit(
    factor: int, of: Mapping[int, np.ndarray], folder: Path, steps: int, start: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Makes the steps that are still to be made; the weights, by name.

    Args:
        factor: by which the network enlarges.
        of: see `crops`.
        folder: of what is kept.
        steps: in all.
        start: weights to begin with instead of `network.initial`'s, as far as they go.
    """
    dtype = precision.choose("auto", precision.cpu_flags(), {"CPU"}, dense=True)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=FINAL_RATE, warmup_target=RATE, warmup_steps=steps // 50
    )
    optimizer = Muon(schedule, MATRIX_RATIO, kernels=True, global_clipnorm=CLIP)
    learner = Learner(factor, {**network.initial(factor, _SEED), **start}, optimizer, dtype)
    learned, state = learner.learned, folder / f"x{factor}.npz"
    if state.is_file():
        with np.load(state) as saved:
            learned.restore(saved)
    shown = {k: np.delete(plane, np.s_[::HELD_OUT], 0) for k, plane in of.items()}
    held_out = {k: plane[::HELD_OUT] for k, plane in of.items()}
    losses, began = [], time.monotonic()
    while learned.steps < steps:
        losses.append(learner.fit(*batch(shown, factor, np.random.default_rng([_SEED, factor, learned.steps]))))
        if len(losses) == KEEP or learned.steps == steps:
            arrays_file.write(state, learned.state())
            said = {"factor": factor, "step": learned.steps, "loss": round(float(np.mean(losses)), 3)}
            said |= {"gain_db": round(gain(factor, learned.averages, held_out), 3)}
            said |= {"seconds": round((time.monotonic() - began) / len(losses), 3)}
            print(json.dumps(said), flush=True)
            losses, began = [], time.monotonic()
    return learned.averages


def ship(
    networks: Mapping[int, Mapping[str, np.ndarray]],
    pictures: Sequence[bytes],
    about: Mapping[str, Any],
    folder: Path = shipped.SUPER_RESOLUTION,
) -> None:
    """Writes the folder that ships: weights, verified TFLite files, card, manifest.

    Args:
        networks: weights by name, by the factor.
        pictures: PNGs of luminances that the files are calibrated and compared on.
        about: `version`, `created`, `training` and `data`, for the card and the manifest.
        folder: that ships.

    Raises:
        UserError: a variant does not keep its tolerance; nothing was written.
    """
    options = TFLiteOptions(variants=["float16", "int8"])
    with tempfile.TemporaryDirectory() as scratch:
        parts = [tflite.part(factor, weights, Path(scratch)) for factor, weights in networks.items()]
        made = list(export(parts, options, lambda: pictures, lambda: pictures))
    if withheld := [each for each in made if each.reason]:
        raise UserError(f"{withheld[0].part} {withheld[0].variant}: {withheld[0].reason}")
    (folder / "tflite").mkdir(parents=True, exist_ok=True)
    for factor, weights in networks.items():
        network.write(folder / f"x{factor}.safetensors", factor, weights)
    for each in made:
        (folder / "tflite" / files.model_name(each.part, each.variant)).write_bytes(each.content)
    rows = [
        {"part": each.part, "variant": each.variant, "bytes": len(each.content), "verdict": each.verdict}
        | {"metrics": {name: round(value, 2) for name, value in each.metrics.items()}}
        for each in made
    ]
    count = max(sum(value.size for value in weights.values()) for weights in networks.values())
    fixed = {"format": shipped.FORMAT, "kind": "superresolution", "factors": list(networks), "parameters": count}
    describe({**fixed, **about, "tflite": rows}, folder)


def describe(manifest: Mapping[str, Any], folder: Path = shipped.SUPER_RESOLUTION) -> None:
    """Writes the card and the manifest of the networks that lie in a folder."""
    text = resources.files(__package__).joinpath("superresolution_card.md").read_text(encoding="utf-8")
    training, figures = manifest["training"], manifest.get("figures", [])
    text = text.format(
        version=manifest["version"],
        parameters=f"At most {manifest['parameters']:,}",
        learned="\n".join(f"- {what}" for what in manifest["data"]["learned"]),
        steps=" and ".join(f"{steps:,}" for steps in training["steps"]),
        processor=training["processor"],
        commit=training["commit"],
        figures="\n".join(_rows(figures)) if figures else "Not measured yet.",
        measured="\n".join(line["said"] for line in figures if "said" in line),
        variants="\n".join(
            f"| {row['part']} | {row['variant']} | {row['bytes'] / 1000:.0f} "
            f"| {row['metrics']['psnr']:.1f} | {row['metrics']['psnr_worst']:.1f} |"
            for row in manifest["tflite"]
        ),
        margin=2 * network.REACH,
        reach=network.REACH,
    )
    (folder / shipped.CARD).write_text(text, encoding="utf-8")
    names = [f"x{factor}.safetensors" for factor in manifest["factors"]]
    names += [f"tflite/{files.model_name(row['part'], row['variant'])}" for row in manifest["tflite"]]
    digests = {name: sha256(folder / name) for name in (shipped.CARD, *names)}
    text = json.dumps({**manifest, "files": digests}, indent=1, ensure_ascii=False) + "\n"
    (folder / shipped.MANIFEST).write_text(text, encoding="utf-8")


def _rows(figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows of the card's table, from the lines that the benchmark prints."""
    rows = ["| | bicubic: PSNR / SSIM | network | gain in dB |", "|---|---|---|---|"]
    for line in figures:
        if "factor" in line:
            cells = [f"{line[way]['psnr']:.2f} / {line[way]['ssim']:.4f}" for way in ("bicubic", "network")]
            rows.append(f"| x{line['factor']} | {cells[0]} | {cells[1]} | {line['gain_db']:+.2f} |")
    return rows


def _png(luminance: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.rint(luminance.astype(np.float32)), 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path, nargs="?")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--steps", type=int, nargs=2, default=list(STEPS.values()), help="[default: %(default)s]")
    parser.add_argument("--figures", type=Path, help="lines of JSON that tests.benchmarks.superresolution printed")
    given = parser.parse_args()
    manifest = shipped.SUPER_RESOLUTION / shipped.MANIFEST
    before = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {"version": 0}
    if given.figures:
        lines = given.figures.read_text(encoding="utf-8").splitlines()
        describe({**before, "figures": [json.loads(line) for line in lines]})
        return
    if not given.folder:
        parser.error("give the folder of the assets and one for what is kept, or --figures")
    given.folder.mkdir(parents=True, exist_ok=True)
    of, networks, start = crops(given.assets, given.folder), {}, {}
    for factor, steps in zip(network.FACTORS, given.steps, strict=True):
        networks[factor] = fit(factor, of, given.folder, steps, start)
        start = network.body(networks[factor])
    training = {"steps": given.steps, "processor": provenance.processor(), "commit": provenance.commit()}
    about = {"training": training, "data": {"learned": provenance.learned(given.assets)}}
    created = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    pictures = [_png(each) for each in of[1][::HELD_OUT]]
    ship(networks, pictures, {"version": before["version"] + 1, "created": created, **about})


if __name__ == "__main__":
    main()
