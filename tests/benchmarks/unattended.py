"""A month without anybody at the terminal: kills, two runs at once, and thirty nights.

    python -m tests.benchmarks.unattended kill [--moments 12] [--signal KILL|TERM]
    python -m tests.benchmarks.unattended together [--times 20]
    python -m tests.benchmarks.unattended nights [--nights 30] [--dark 20] [--corrupt 25] [--folder FOLDER]

Drawn photos and a tiny network. Each prints a line as it goes and ends with 1 when something was not as it should be.
`kill` ends runs with a signal at random moments, each in a workspace of its own, runs again, and compares with runs
that nobody disturbed. `together` starts two runs at the same time. `nights` runs thirty deliveries through a window of
three spans with triggers and retention: the 20th is dark, the 25th arrives truncated, and again the next day. In a
FOLDER of yours the nights stay, and the same command goes on after the last one.
"""

import argparse
import contextlib
import io
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import yaml
from easel_serving.registry.directory import Directory
from easel_serving.registry.verify import verify

from data.draw import draw
from data.photos import PATTERNS, draw_photo
from pipeline.history.store import Store
from pipeline.planning.retention import size

SETTINGS = {
    "workspace": "workspace",
    "seed": 7,
    "classifier": {
        "photos": "photos",
        "backbone": {"name": "small_cnn", "weights": "none"},
        "image": {"size": 48},
        "train": {"scratch": {"epochs": 3}},
        "thresholds": {
            "accuracy": {
                "beats_trivial_by": None,
                "max_loss_to_champion": None,
                "max_probable_loss_to_champion": None,
            },
            "macro_f1": {"max_loss_to_champion": None},
        },
        "tflite": {"variants": ["float32"]},
    },
}
"""Nothing can be learned in so few steps, so the thresholds let everything pass that runs."""
STEPS = 19
"""Components of a run with a classifier only."""


def main() -> int:
    """Runs one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    killing = commands.add_parser("kill")
    killing.add_argument("--moments", type=int, default=12)
    killing.add_argument("--signal", choices=["KILL", "TERM"], default="KILL")
    commands.add_parser("together").add_argument("--times", type=int, default=20)
    passing = commands.add_parser("nights")
    passing.add_argument("--nights", type=int, default=30)
    passing.add_argument("--dark", type=int, default=20)
    passing.add_argument("--corrupt", type=int, default=25)
    passing.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-unattended-") as folder:
        work = {
            "kill": lambda: kill(Path(folder), options.moments, options.signal, random.Random(options.seed)),
            "together": lambda: together(Path(folder), options.times),
            "nights": lambda: nights(options.folder or Path(folder), options.nights, options.dark, options.corrupt),
        }
        faults = work[options.command]()
    for fault in faults:
        print(f"FAULT: {fault}")
    print("as it should be" if not faults else f"{len(faults)} faults")
    return bool(faults)


def kill(root: Path, moments: int, name: str, chance: random.Random) -> list[str]:
    """A signal up to a second into a random step; after SIGTERM the run must also end with its line and 143."""
    draw(root, photos_per_class=16, seed=3)
    faults, seen = [], []
    for number in range(2):
        started = time.monotonic()
        _configure(root, f"undisturbed-{number}")
        _run(root)
        seen.append(_facts(root / f"undisturbed-{number}"))
        print(f"undisturbed: {seen[-1]}, {time.monotonic() - started:.0f} s", flush=True)
    for number in range(moments):
        workspace = root / f"killed-{number}"
        _configure(root, workspace.name)
        after = chance.randrange(STEPS)
        reached, code, said = _killed(root, after, chance.random(), signal.Signals[f"SIG{name}"])
        if name == "TERM" and (code, said) != (143, "easel: interrupted; the next run goes on from here"):
            faults.append(f"{workspace.name}: ended with {code} and {said!r}")
        faults += [f"{workspace.name}: {each}" for each in verify(workspace / "serving")]
        code = _run(root)
        found = _facts(workspace)
        again = _run(root)
        same = found["data"] == seen[0]["data"]
        close = all(
            any(math.isclose(value, each["metrics"][metric], rel_tol=1e-3, abs_tol=1e-3) for each in seen)
            for metric, value in found["metrics"].items()
        )
        print(
            f"killed in {reached!r}: run again {code}, data {'equal' if same else 'DIFFER'}, metrics"
            f" {'equal' if close else found['metrics']}, cached {found['cached']} of {STEPS},"
            f" versions {found['versions']}, a third run {again}",
            flush=True,
        )
        if code or again or not same or not close or found["versions"] != [1]:
            faults.append(f"{workspace.name}: killed in {reached}")
        faults += [f"{workspace.name}: {each}" for each in verify(workspace / "serving")]
        shutil.rmtree(workspace)
    return faults


def together(root: Path, times: int) -> list[str]:
    """Two `easel run` at once, in a workspace where nothing is new."""
    draw(root, photos_per_class=16, seed=3)
    _configure(root, "workspace")
    _run(root)
    faults = []
    for number in range(times):
        both = [_start(root, stderr=subprocess.PIPE) for _ in range(2)]
        said = [process.communicate()[1].strip().splitlines()[-1:] for process in both]
        codes = sorted(process.returncode for process in both)
        logs = [path.read_text() for path in (root / "workspace" / "logs").glob("*.log")]
        locked = sum("database is locked" in text for text in (*logs, str(said)))
        told = next((lines[0] for lines in said if lines and "is held by" in lines[0]), "nothing")
        print(f"{number + 1}: exit codes {codes}, {told.rpartition('workspace')[2]}", flush=True)
        if codes != [0, 75] or locked or told == "nothing":
            faults.append(f"{number + 1}: {codes} {said}, database is locked: {locked}")
    return faults


def nights(root: Path, count: int, dark: int, corrupt: int) -> list[str]:
    """Deliveries of 40 photos a night; every night's outcome must be the one that follows from the triggers."""
    settings = {
        **SETTINGS,
        "when": {"new_images": 120, "drift": True},
        "data_gate": {"max_measure_drift": 0.1},
        "ingest": {"spans": 3, "min_side": 16},
        "classifier": {**SETTINGS["classifier"], "photos": "photos/span-{SPAN}"},
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "easel.yaml").write_text(yaml.safe_dump(settings))
    for span in (-1, 0):
        _deliver(root, span + 2, span)
    log = root / "nights.jsonl"
    past = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    faults = [fault for each in past for fault in each["faults"]]
    trained = max((each["night"] for each in past if each["outcome"] == "pushed"), default=None)
    sizes = [each["bytes"] for each in past]
    for night in range(len(past) + 1, count + 1):
        _deliver(root, night + 2, night, dark=night == dark, truncated=night == corrupt)
        if night == corrupt + 1:  # the corrupt delivery arrives again
            _deliver(root, corrupt + 2, corrupt)
        drifted = night in (dark, dark + 3)  # the dark span comes into the window, and leaves it
        due = trained is None or 40 * (night - trained) >= 120 or drifted
        expected = "stopped" if night == corrupt else "pushed" if due else "skipped"
        started = time.process_time()
        code, document = _easel(root, "run", "easel.yaml", "--json")
        [model] = document["models"]
        trained = night if model["outcome"] == "pushed" else trained
        _, removed = _easel(root, "gc", "easel.yaml", "--json")
        _easel(root, "models", "--serving", "workspace/serving", "gc", "classifier", "--keep", "3", "--json")
        whole = size(root / "workspace")
        # Of logs and pages the last hundred stay, and metadata stay: they grow in a month of nights.
        sizes.append(sum(size(root / "workspace" / name) for name in ("artifacts", "serving")))
        reason = (model["reasons"] or [""])[0]
        print(
            f"night {night:2}: {model['outcome']} ({code}){'' if model['outcome'] == expected else ' NOT ' + expected},"
            f" gc {removed['bytes'] / 1e6:.1f} MB, artifacts {sizes[-1] / 1e6:.1f} of {whole / 1e6:.1f} MB,"
            f" {time.process_time() - started:.0f} CPU s; {reason[:90]}",
            flush=True,
        )
        wrong = []
        if model["outcome"] != expected or code != (3 if expected == "stopped" else 0):
            wrong = [f"night {night}: {model['outcome']} ({code}) instead of {expected}: {model['reasons']}"]
        faults += wrong
        with log.open("a") as lines:
            record = {"night": night, "outcome": model["outcome"], "bytes": sizes[-1], "faults": wrong}
            lines.write(json.dumps(record) + "\n")
    early, late = max(sizes[: count // 2]), max(sizes[count // 2 :])
    print(
        f"most artifacts and versions: {early / 1e6:.1f} MB in the first half, {late / 1e6:.1f} MB in the second",
        flush=True,
    )
    return faults + ([f"artifacts grow: {early} to {late} bytes"] if late > 1.5 * early else [])


def _deliver(root: Path, span: int, seed: int, dark: bool = False, truncated: bool = False) -> None:
    """A span of eight photos of each class, in place of what was there."""
    shutil.rmtree(root / "photos" / f"span-{span}", ignore_errors=True)
    for label in PATTERNS:
        folder = root / "photos" / f"span-{span}" / label
        folder.mkdir(parents=True)
        for number in range(8):
            image = draw_photo(label, np.random.default_rng([seed + 10, number, *label.encode()]))
            image = (image * 0.25).astype(np.uint8) if dark else image
            data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            (folder / f"{number}.jpg").write_bytes(data[: len(data) // 2] if truncated else data)


def _configure(root: Path, workspace: str) -> None:
    (root / "easel.yaml").write_text(yaml.safe_dump({**SETTINGS, "workspace": workspace}))


def _start(root: Path, **streams: int) -> subprocess.Popen:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "pipeline.cli", "run", str(root / "easel.yaml")]
    return subprocess.Popen(command, text=True, env=environment, **{"stdout": subprocess.DEVNULL, **streams})


def _run(root: Path) -> int:
    return _start(root).wait()


def _killed(root: Path, after: int, seconds: float, number: signal.Signals) -> tuple[str, int, str]:
    """Signals a run `seconds` after its step number `after` began: what it was doing, its exit code and last words."""
    process = _start(root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    began = 0
    for line in process.stdout:
        if line.rstrip().endswith(": started"):
            began += 1
        if began > after:
            break
    time.sleep(seconds)
    process.send_signal(number)
    said = process.communicate()[1].strip().splitlines()
    return line.split(" ", 1)[1].split(":")[0], process.returncode, said[-1] if said else ""


def _facts(workspace: Path) -> dict:
    """What a run left: digest of the data, metrics, versions, and how many components came from the cache."""
    directory = Directory(workspace / "serving")
    versions = directory.versions("classifier")
    manifest = versions[-1].manifest if versions else {}
    store = Store(workspace)
    newest = store.run(store.runs()[0].id)
    return {
        "data": manifest.get("data", {}).get("photos", {}).get("digest"),
        "metrics": manifest.get("metrics", {}).get("candidate", {}),
        "versions": [version.number for version in versions],
        "cached": sum(each.state == "cached" for each in newest.executions),
    }


def _easel(root: Path, *arguments: str) -> tuple[int, dict]:
    """The command in this process, which imports TFX only once; its exit code and its document."""
    from pipeline.cli import main as easel

    here, out = Path.cwd(), io.StringIO()
    os.chdir(root)
    try:
        with contextlib.redirect_stdout(out):
            easel(list(arguments))
    except SystemExit as end:
        return int(end.code or 0), json.loads(out.getvalue() or "{}")
    finally:
        os.chdir(here)
    raise AssertionError("the command always exits")


if __name__ == "__main__":
    sys.exit(main())
