"""The embedded server's figures: throughput, latency, batching, style overhead, start, memory, swaps, hostile input.

    python -m tests.benchmarks.serving SERVING_DIR [--photos FOLDER] [--only throughput,style,...]

SERVING_DIR is copied and never written. The server is a process of its own, asked over loopback only; every loop is
bounded, the whole takes about five minutes. `mobilenet` measures a classifier of the default configuration's size
(MobileNetV2, 224 pixels, random weights) instead of the directory's own. Yardsticks are measured in the same run.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from easel_serving.registry.registry import Registry
from PIL import Image

from pipeline.running.beam.flink import free_port
from tests.benchmarks import hostile, load

SECONDS = 8.0
"""Of each measurement."""

MEMORY_AFTER = (1000, 2000, 5000, 10_000, 15_000, 20_000)
"""Requests."""

BARE = """
import json, sys, time
import numpy as np, tensorflow as tf
from concurrent.futures import ThreadPoolExecutor
folder, signature, photos, batches, threads, seconds = json.load(sys.stdin)
run = tf.saved_model.load(folder).signatures[signature]
data = [open(photo, "rb").read() for photo in photos]
for batch in batches:
    if signature == "serving_default" and "content_bytes" in run.structured_input_signature[1]:
        make = lambda number: {"content_bytes": tf.constant([data[number % len(data)]]),
                               "style_bytes": tf.constant([data[0]]), "strength": tf.constant([1.0])}
    else:
        make = lambda number: {"image_bytes": tf.constant((data * batch)[number % len(data):][:batch])}
    for number in range(3):
        run(**make(number))
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run(**make(len(times)))["label" if "label" in run.structured_outputs else "stylized_bytes"].numpy()
        times.append(time.perf_counter() - start)
    print(json.dumps([batch, batch * len(times) / sum(times), float(np.median(times))]), flush=True)
for number in threads:
    start = time.perf_counter()
    def work(offset):
        done = 0
        while time.perf_counter() < start + seconds:
            run(image_bytes=tf.constant([data[(offset + done) % len(data)]]))["label"].numpy()
            done += 1
        return done
    with ThreadPoolExecutor(number) as pool:
        done = sum(pool.map(work, range(number)))
    print(json.dumps([-number, done / (time.perf_counter() - start), 0.0]), flush=True)
"""


def bare(
    folder: Path, photos: Sequence[Path], batches: Sequence[int], seconds: float, threads: Sequence[int] = ()
) -> dict[int, tuple[float, float]]:
    """`{batch: (images a second, median seconds of a call)}` of a loop around the SavedModel in its own process.

    `-n` of `threads`: n loops at once with one image a call, which is what there is without batching.
    """
    job = json.dumps([str(folder), "serving_default", [*map(str, photos)], list(batches), list(threads), seconds])
    done = subprocess.run(
        [sys.executable, "-c", BARE], input=job, capture_output=True, text=True, check=True, env=environment()
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {batch: (rate, median) for batch, rate, median in rows}


def environment() -> dict[str, str]:
    """For child processes: this checkout's server, a quiet TensorFlow."""
    here = Path(__file__).resolve().parents[2]
    return {**os.environ, "PYTHONPATH": f"{here}:{here / 'serving'}", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Server:
    """The embedded server as a process."""

    def __init__(self, root: Path, log: Path, *arguments: str):
        start = time.perf_counter()
        self._log = open(log, "w")  # noqa: SIM115, it lives as long as the process
        ports = [free_port(), free_port()]
        command = [sys.executable, "-m", "easel_serving.server", str(root)]
        command += ["--rest-port", str(ports[0]), "--grpc-port", str(ports[1]), *arguments]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, env=environment())
        self.port, self.grpc_port = ports
        self.first_seconds = 0.0
        """Until a model answered, if by what stands in for it."""
        while not self._ready():
            if not self.first_seconds and self._asked("/easel/v1/models") not in (b"", b"[]"):
                self.first_seconds = time.perf_counter() - start
            if self.process.poll() is not None or time.perf_counter() - start > 1200:
                self.process.kill()
                raise RuntimeError(f"the server did not start; see {log}")
            time.sleep(0.02)
        self.start_seconds = time.perf_counter() - start
        self.first_seconds = self.first_seconds or self.start_seconds

    def _ready(self) -> bool:
        return self._asked("/readyz") == b"ready\n"

    def _asked(self, path: str) -> bytes:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2).read()
        except OSError:
            return b""

    def labels(self, name: str) -> dict[str, int]:
        """Which versions the labels of a model point at."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/easel/v1/models", timeout=5) as answer:
            return next((model["labels"] for model in json.load(answer) if model["model"] == name), {})

    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self) -> int:
        """Asks it to end; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._log.close()
        return code


@contextlib.contextmanager
def running(root: Path, log: Path, *arguments: str) -> Iterator[Server]:
    """A server that is ended at the end."""
    server = Server(root, log, *arguments)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def pictures(source: Path | None, folder: Path, side: int, count: int = 32) -> list[Path]:
    """JPEGs of `side` x `side` pixels: real ones reduced, or drawn ones with the detail of real ones."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".png"))[::1] if source else []
    random.Random(0).shuffle(found)
    paths = []
    for number in range(count):
        if found:
            image = Image.open(found[number % len(found)]).convert("RGB").resize((side, side))
        else:
            coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).resize((side, side), 3)
            image = Image.fromarray((np.asarray(coarse) + rng.normal(0, 7, (side, side, 1))).clip(0, 255).astype("u1"))
        image.save(folder / f"{number}.jpg", quality=88)
        paths.append(folder / f"{number}.jpg")
    return paths


def mobilenet(folder: Path) -> None:
    """A classifier of the default configuration's size, with random weights, in a process of its own."""
    code = """
import sys, keras, tensorflow as tf
from trainer.networks.served import Network
network = keras.applications.MobileNetV2(weights=None, input_shape=(224, 224, 3), classes=6)
names = tf.constant(["a", "b", "c", "d", "e", "f"])
class Served(tf.Module):
    def __init__(self):
        super().__init__(); self.network = Network(network)
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(self, image_bytes):
        def one(data):
            image = tf.io.decode_image(data, 3, expand_animations=False); image.set_shape([None, None, 3])
            return tf.image.resize(image, (224, 224), antialias=True)
        images = tf.map_fn(one, image_bytes, fn_output_signature=tf.float32)
        scores = self.network(images / 127.5 - 1.0)
        return {"classes": tf.tile(names[None], [tf.shape(scores)[0], 1]), "scores": scores,
                "label": tf.gather(names, tf.argmax(scores, 1))}
served = Served(); tf.saved_model.save(served, sys.argv[1], signatures={"serving_default": served.serve})
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True, env=environment())


def encoded(photos: Sequence[Path], name: str, where: str = "") -> list[bytes]:
    """Predict requests of one photo each."""
    bodies = [
        json.dumps({"instances": [{"b64": base64.b64encode(path.read_bytes()).decode()}]}).encode() for path in photos
    ]
    return [load.request(f"/v1/models/{name}{where}:predict", body) for body in bodies]


def say(what: str, value: str) -> None:
    """One row."""
    print(f"{what:52} {value}", flush=True)


def throughput(root: Path, work: Path, name: str, photos: list[Path], version: int = 1) -> None:
    """Concurrency 16 against the bare loop; tail at half load; gain of batching."""
    requests = encoded(photos, name)
    loop = bare(root / name / str(version), photos, (1, 4, 8, 16, 32), SECONDS / 2, threads=(2, 16))
    best = max((batch for batch in loop if batch > 0), key=lambda batch: loop[batch][0])
    say(f"{name}: bare loop, best batch {best}", f"{loop[best][0]:.1f} images/s (batch 1: {loop[1][0]:.1f})")
    say(
        f"{name}: the most that batching can gain",
        f"{loop[best][0] / loop[-2][0]:.2f} x over two bare loops with batch 1 ({loop[-2][0]:.1f} /s), "
        f"{loop[best][0] / loop[-16][0]:.2f} x over sixteen ({loop[-16][0]:.1f} /s)",
    )
    with running(root, work / "throughput.log") as server:
        asyncio.run(load.closed(server.port, requests, 16, load.for_seconds(3)))
        full = asyncio.run(load.closed(server.port, requests, 16, load.for_seconds(SECONDS)))
        say(
            f"{name}: server, concurrency 16",
            f"{full.rate:.1f} /s = {full.rate / loop[best][0]:.2f} x the bare loop (p50 {full.percentile(50):.1f} ms, "
            f"p99 {full.percentile(99):.1f} ms, failed {full.failed})",
        )
        single = asyncio.run(load.closed(server.port, requests, 1, load.for_seconds(SECONDS / 2)))
        half = asyncio.run(load.opened(server.port, requests, full.rate / 2, SECONDS))
        say(
            f"{name}: p99 at 50 % load",
            f"{half.percentile(99):.1f} ms = {half.percentile(99) / single.percentile(50):.1f} x a single request's "
            f"{single.percentile(50):.1f} ms",
        )
    unbatched = work / "unbatched"
    shutil.copytree(root, unbatched, dirs_exist_ok=True)
    (unbatched / "batching.config").write_text("max_batch_size { value: 1 } batch_timeout_micros { value: 0 }\n")
    with running(unbatched, work / "unbatched.log") as server:
        asyncio.run(load.closed(server.port, requests, 16, load.for_seconds(3)))
        alone = asyncio.run(load.closed(server.port, requests, 16, load.for_seconds(SECONDS)))
        say(f"{name}: gain of batching", f"{full.rate / alone.rate:.2f} x ({alone.rate:.1f} /s unbatched)")
    shutil.rmtree(unbatched)


def style(root: Path, work: Path, name: str, photos: list[Path]) -> None:
    """The server's overhead on a request."""
    _, median = bare(root / name / "1", photos, (1,), SECONDS)[1]
    data = [base64.b64encode(path.read_bytes()).decode() for path in photos]
    documents = [
        {"instances": [{"content_bytes": {"b64": photo}, "style_bytes": {"b64": data[0]}, "strength": 1.0}]}
        for photo in data
    ]
    requests = [load.request(f"/v1/models/{name}:predict", json.dumps(document).encode()) for document in documents]
    with running(root, work / "style.log") as server:
        asyncio.run(load.closed(server.port, requests, 1, load.for_seconds(2)))
        single = asyncio.run(load.closed(server.port, requests, 1, load.for_seconds(SECONDS)))
    say(
        f"{name}: a request at 384 px",
        f"{single.percentile(50):.1f} ms, {single.percentile(50) - median * 1e3:.1f} ms more than the bare call's "
        f"{median * 1e3:.1f} ms",
    )


def start(root: Path, work: Path) -> None:
    """From the command to readiness, with every model of the directory."""
    for runtime in ("tensorflow", "tflite"):
        seconds, first = [], []
        for _ in range(3):
            with running(root, work / "start.log", "--runtime", runtime) as server:
                seconds.append(server.start_seconds)
                first.append(server.first_seconds)
        say(f"start to the first answer, {runtime}", ", ".join(f"{value:.1f} s" for value in first))
        say(f"start to ready, all models, {runtime}", ", ".join(f"{value:.1f} s" for value in seconds))


def memory(root: Path, work: Path, name: str, photos: list[Path]) -> None:
    """After 20,000 requests against after 1,000, and on the way: a leak rises evenly, what is reused does not."""
    requests = encoded(photos, name)
    megabytes, failed, done = {}, 0, 0
    with running(root, work / "memory.log") as server:
        for count in MEMORY_AFTER:
            failed += asyncio.run(load.closed(server.port, requests, 16, load.for_requests(count - done))).failed
            megabytes[count], done = server.megabytes(), count
    early, late = megabytes[MEMORY_AFTER[0]], megabytes[MEMORY_AFTER[-1]]
    say(
        f"memory after {MEMORY_AFTER[-1]:,} requests against after {MEMORY_AFTER[0]:,}",
        f"{early:.0f} MB -> {late:.0f} MB = {100 * (late / early - 1):+.1f} % (failed {failed})",
    )
    say("  on the way", ", ".join(f"{count:,}: {size:.0f} MB" for count, size in megabytes.items()))


def swaps(root: Path, work: Path, name: str, photos: list[Path]) -> None:
    """Pushes, promotions and rollbacks under load, and how soon a rollback takes effect."""
    registry = Registry(root)
    twins = []
    for number in range(3):  # the same network under other digests: what it answers is known
        twin = work / f"twin{number}"
        shutil.copytree(registry.stable(name).path, twin)
        shutil.rmtree(twin / "assets.extra", ignore_errors=True)
        (twin / "assets").mkdir(exist_ok=True)
        (twin / "assets" / "note.txt").write_text(f"twin {number}")
        twins.append(twin)
    requests = encoded(photos[:1], name) + encoded(photos[:1], name, "/labels/stable")
    manifest = registry.stable(name).manifest
    facts = {key: manifest[key] for key in ("kind", "labels") if key in manifest}

    async def scenario(server: Server) -> tuple[load.Load, list[float]]:
        done, times = False, []
        traffic = asyncio.create_task(
            load.closed(server.port, requests, 8, lambda load: done or len(load.statuses) > 200_000, keep_bodies=True)
        )

        async def until(version: int) -> float:
            began = time.perf_counter()
            while (await asyncio.to_thread(server.labels, name)).get("stable") != version:
                if time.perf_counter() - began > 60:
                    raise TimeoutError
                await asyncio.sleep(0.05)
            return time.perf_counter() - began

        for twin in twins:
            before = registry.stable(name).number
            pushed = await asyncio.to_thread(registry.push, name, twin, facts)
            await until(pushed.version.number)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(registry.rollback, name)
            times.append(await until(before))
            await asyncio.to_thread(registry.promote, name, pushed.version.number)
            await until(pushed.version.number)
        done = True
        return await traffic, times

    with running(root, work / "swaps.log") as server:
        traffic, times = asyncio.run(scenario(server))
    scores = [json.loads(body)["predictions"][0]["scores"] for body in traffic.bodies if b"predictions" in body]
    spread = float(np.abs(np.array(scores) - np.array(scores[0])).max()) if scores else float("nan")
    say(
        "swapping versions under load",
        f"9 swaps, {len(traffic.statuses)} requests, {traffic.failed} failed; answers differ by at most {spread:.1e}",
    )
    say("rollback takes effect", f"{max(times):.1f} s at most of {len(times)}")


def attacks(root: Path, work: Path, name: str, photos: list[Path], count: int) -> None:
    """Hostile requests under good load."""
    good = encoded(photos, name)
    with running(root, work / "hostile.log") as server:
        before = asyncio.run(load.closed(server.port, good, 2, load.for_seconds(3)))
        base = server.megabytes()
        result = asyncio.run(hostile.attack(server.port, name, photos[0].read_bytes(), good, count, server.megabytes))
        alive = server.process.poll() is None
        code = server.stop()
    statuses = {status: result.statuses.count(status) for status in sorted(set(result.statuses))}
    say("hostile requests", f"{len(result.statuses)}: {statuses} (0: cut off without an answer)")
    say(
        "  the server",
        f"{'lives' if alive else 'DIED'}, ends with {code}; {base:.0f} MB before, {result.peak:.0f} MB peak",
    )
    say(
        "  good requests beside them",
        f"{len(result.good.statuses)}, {result.good.failed} failed, p99 {result.good.percentile(99):.0f} ms (alone "
        f"{before.percentile(99):.0f} ms)",
    )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serving", type=Path, help="with a classifier and a style network")
    parser.add_argument("--classifier", default="classifier")
    parser.add_argument("--style", default="style")
    parser.add_argument("--photos", type=Path, help="folder of real photos; drawn ones without it")
    parser.add_argument("--side", type=int, default=224, help="of the photos for the classifier, in pixels")
    parser.add_argument("--hostile", type=int, default=2000, help="how many hostile requests")
    parser.add_argument("--only", default="start,throughput,mobilenet,style,swaps,hostile,memory")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    with tempfile.TemporaryDirectory(prefix="easel-serving-") as temporary:
        work = Path(temporary)
        root = work / "serving"
        shutil.copytree(arguments.serving, root)
        small = pictures(arguments.photos, work / "small", arguments.side)
        if "start" in wanted:
            start(root, work)
        if "throughput" in wanted:
            throughput(root, work, arguments.classifier, small)
        if "mobilenet" in wanted:
            mobilenet(work / "mobilenet")
            Registry(work / "large").push("mobilenet", work / "mobilenet", {"kind": "classifier"})
            throughput(work / "large", work, "mobilenet", small)
        if "style" in wanted:
            style(root, work, arguments.style, pictures(arguments.photos, work / "384", 384, 8))
        if "swaps" in wanted:
            swaps(root, work, arguments.classifier, small)
        if "hostile" in wanted:
            attacks(root, work, arguments.classifier, small, arguments.hostile)
        if "memory" in wanted:
            memory(root, work, arguments.classifier, small)


if __name__ == "__main__":
    main()
