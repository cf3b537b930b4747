"""Fits the light perceptual network to VGG19 and puts it where it ships (`trainer.style.perceptual.light`).

    python -m data.pretraining.light ASSETS FOLDER [--rounds 8] [--start light]    # fits, resumes and ships
    python -m data.pretraining.light --figures FILE        # what tests.benchmarks.perceptual printed goes into its card

Each round draws photos, paintings and paintings-in-progress, moves them as the network would have them, asks VGG19 what
it says of the results, and fits the network to that and to what it was told before. The first round takes them as they
are. FOLDER keeps what an interrupted fit goes on from.
"""

import argparse
import datetime
import json
import tempfile
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from easel_serving.registry.files import sha256

from data.pretraining import arrange, cases, provenance
from trainer.base import arrays_file
from trainer.style.perceptual import light
from trainer.style.perceptual.distillation import Cases, Labels, Student, label, optimised
from trainer.style.perceptual.vgg19 import VGG19
from trainer.style.training.muon import Muon
from trainer.training import precision

FIRST, FRESH = 256, 64
"""Cases of the first round, and of each later one."""
FIRST_STEPS, STEPS = 420, 220
"""Steps of the first round, and of each later one."""
BATCH, TOGETHER = 8, 16
RATE, MATRIX_RATIO, FINAL_RATE, CLIP = 1.5e-3, 15.0, 0.03, 5.0
FARTHEST, MOVES = 45, (3.0, 10.0)
"""Steps by which pictures are moved at most, and their rates, in levels."""
_SEED = 20
_VGG19 = "weights/vgg19_imagenet_notop_hybrid.h5"


def images(assets: Path, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The photos and paintings that are learned from, uint8 [N, S, S, 3] each; decoded once."""
    path = folder / "images.npz"
    if not path.is_file():
        with tempfile.TemporaryDirectory() as links:
            arrange.arrange(assets, Path(links))
            found = {name: cases.squares(sorted(Path(links, name).iterdir())) for name in ("photos", arrange.LEARNED)}
        arrays_file.write(path, {"photos": found["photos"], "paintings": found[arrange.LEARNED]})
    with np.load(path) as kept:
        return kept["photos"], kept["paintings"]


def told(vgg19: VGG19, of: Cases) -> Labels:
    """What VGG19 says of any number of cases."""
    parts = []
    for i in range(0, len(of.pictures), BATCH):
        found = label(vgg19, *(tf.cast(values[i : i + BATCH], tf.float32) for values in of))
        parts.append(tf.nest.map_structure(lambda value: value.numpy(), found))
    return tf.nest.map_structure(lambda *values: np.concatenate(values), *parts)


def moved(network: light.Light, of: Cases, rng: np.random.Generator) -> Cases:
    """Cases whose pictures are on their way to what a network would make of them."""
    weights = np.where(of.weights[:, 1:] > 0, of.weights, np.array([1, 10], np.float32))
    pictures = []
    for i in range(0, len(of.pictures), TOGETHER):
        part = Cases(*(values[i : i + TOGETHER] for values in (*of[:3], weights)))
        steps = rng.integers(3, FARTHEST, len(part.pictures))
        pictures.append(optimised(network, part, steps, rng.uniform(*MOVES)))
    return of._replace(pictures=np.concatenate(pictures), weights=weights)


def fit(assets: Path, folder: Path, rounds: int, start: Mapping[str, np.ndarray] | None) -> tuple[dict, int]:
    """Makes the rounds that are still to be made; the weights, and how many steps were made in all.

    Args:
        assets: photos, paintings and weights.
        folder: of what is kept.
        rounds: in all.
        start: weights to begin with instead of random ones.
    """
    photos, paintings = images(assets, folder)
    dtype = precision.choose("auto", precision.cpu_flags(), {"CPU"}, dense=True)
    vgg19, painter = VGG19(str(assets / _VGG19), "reflect", dtype), cases.Painter()
    steps = [FIRST_STEPS if number == 0 else STEPS for number in range(rounds)]
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, sum(steps), alpha=FINAL_RATE, warmup_target=RATE, warmup_steps=sum(steps) // 50
    )
    optimizer = Muon(schedule, MATRIX_RATIO, kernels=True, global_clipnorm=CLIP)
    weights = start or light.initial(*VGG19(str(assets / _VGG19)).first_layer(), _SEED)
    student = Student(weights, optimizer, dtype)
    known: list[tuple[Cases, Labels]] = []
    for number in range(rounds):
        state, kept = folder / f"state-{number}.npz", folder / f"cases-{number}.npz"
        if state.is_file():
            with np.load(kept) as saved:
                drawn = Cases(**saved)
            known.append((drawn, told(vgg19, drawn)))
            with np.load(state) as saved:
                student.restore(saved)
            continue
        rng = np.random.default_rng([_SEED, number])
        if number == 0:
            drawn = cases.draw(photos, paintings, FIRST, painter, cases.BEGUN, rng)
        else:
            drawn = moved(student.light, cases.draw(photos, paintings, FRESH, painter, cases.TO_MOVE, rng), rng)
        known.append((drawn, told(vgg19, drawn)))
        errors: dict[str, float] = {}
        for _ in range(steps[number]):
            for name, error in student.fit(*_batch(known, rng)).items():
                errors[name] = errors.get(name, 0.0) + error / steps[number]
        print(json.dumps({"round": number, **{name: round(value, 3) for name, value in errors.items()}}), flush=True)
        arrays_file.write(kept, drawn._asdict())
        arrays_file.write(state, student.state())
    return student.weights, sum(steps)


def ship(weights: Mapping[str, np.ndarray], about: Mapping[str, Any], folder: Path = light.FOLDER) -> None:
    """Writes the folder that ships: weights, card, manifest.

    Args:
        weights: by name.
        about: `training`, `data` and, once they were measured, `figures` and a `note` on them, for the card
            and the manifest.
        folder: that ships.
    """
    folder.mkdir(exist_ok=True)
    light.write(folder / light.WEIGHTS, weights)
    describe({"format": light.FORMAT, "kind": "perceptual", **about}, folder)


def describe(manifest: Mapping[str, Any], folder: Path = light.FOLDER) -> None:
    """Writes the card and the manifest of the weights that lie in a folder."""
    text = resources.files(__package__).joinpath("light_card.md").read_text(encoding="utf-8")
    text = text.format(
        kilobytes=round((folder / light.WEIGHTS).stat().st_size / 1000),
        learned="\n".join(f"- {what}" for what in manifest["data"]["learned"]),
        figures="\n".join(_rows(manifest["figures"])) if "figures" in manifest else "Not measured yet.",
        note=manifest.get("note", ""),
        version=manifest["version"],
        **manifest["training"],
    )
    (folder / light.CARD).write_text(text, encoding="utf-8")
    digests = {name: sha256(folder / name) for name in (light.CARD, light.WEIGHTS)}
    text = json.dumps({**manifest, "files": digests}, indent=1, ensure_ascii=False) + "\n"
    (folder / light.MANIFEST).write_text(text, encoding="utf-8")


def _rows(figures: list[Mapping[str, Any]]) -> list[str]:
    """Rows of the card's table, from the lines that the benchmark prints."""
    rows = ["| What | VGG19 | light | light / VGG19 |", "|---|---|---|---|"]
    for line in figures:
        for dtype, found in line.get("times", {}).items():
            of = f"forward and backward, 4 x 160 pixels, {dtype}, ms"
            rows.append(f"| {of} | {found['vgg19_ms']:.0f} | {found['light_ms']:.0f} | {found['ratio']:.2f} |")
        for kind, value in line.get("spearman", {}).items():
            rows.append(f"| rank correlation of {kind} distance, {line['pairs']} pairs | | {value:.3f} | |")
        for kind, ratio in line.get("ratio", {}).items():
            of = f"{kind} after 100 steps of {line['method']}, by VGG19, {line['optimised']} pairs"
            rows.append(f"| {of} | {line['vgg19'][kind]:.3f} | {line['light'][kind]:.3f} | {ratio:.2f} |")
    return rows


def _batch(known: list[tuple[Cases, Labels]], rng: np.random.Generator) -> tuple[Cases, Labels]:
    """Half of it from the last round, half from all of them."""
    sizes = [len(of.pictures) for of, _ in known]
    rounds = [len(known) - 1] * (BATCH // 2)
    rounds += rng.choice(len(known), BATCH - len(rounds), p=np.array(sizes) / sum(sizes)).tolist()
    some = [(known[r], rng.integers(sizes[r])) for r in rounds]
    parts = [tf.nest.map_structure(lambda values, i=i: values[i], one) for one, i in some]
    return tf.nest.map_structure(lambda *values: np.stack(values), *parts)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path, nargs="?")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=8, help="[default: %(default)s]")
    parser.add_argument("--start", choices=["random", "light"], default="random", help="the weights to begin with")
    parser.add_argument("--figures", type=Path, help="lines of JSON that tests.benchmarks.perceptual printed")
    given = parser.parse_args()
    manifest_path = light.FOLDER / light.MANIFEST
    shipped = json.loads(manifest_path.read_text(encoding="utf-8")) if manifest_path.is_file() else {"version": 0}
    if given.figures:
        lines = given.figures.read_text(encoding="utf-8").splitlines()
        describe({**shipped, "figures": [json.loads(line) for line in lines]})
        return
    if not given.folder:
        parser.error("give the folder of the assets and one for what is kept, or --figures")
    given.folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    before = shipped["training"]["steps"] if given.start == "light" else 0
    start = light.shipped_weights() if given.start == "light" else None
    weights, steps = fit(given.assets, given.folder, given.rounds, start)
    training = {
        "steps": before + steps,
        "minutes": round((time.monotonic() - started) / 60),
        "processor": provenance.processor(),
        "commit": provenance.commit(),
    }
    about = {"training": training, "data": {"learned": provenance.learned(given.assets)}}
    created = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    ship(weights, {"version": shipped["version"] + 1, "created": created, **about})


if __name__ == "__main__":
    main()
