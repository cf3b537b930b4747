"""An hour of everything at once: good requests, attacks by REST and gRPC, slow connections; and the server's memory.

    python -m tests.benchmarks.soak SERVING_DIR [--minutes 60] [--classifier NAME] [--style NAME] [--log FILE]

SERVING_DIR is copied and never written. A line a minute goes to the log; the last ones say what came of it. Memory is
flat when the last third of the time takes no more than the second third: the first one fills what is used again.
"""

import argparse
import asyncio
import collections
import itertools
import json
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import grpc

from tests.benchmarks import hostile, load
from tests.benchmarks.serving import Server, encoded, pictures
from tests.serving import attacks

ATTACKERS = 3
"""By REST, one request after the other each; besides one by gRPC."""
SLOW = 40
"""Connections that trickle, at any time."""
PAUSE = 0.05
"""Seconds between two good requests of a worker: the machine is not to be full of them."""


class Soak:
    """Counts of one run.

    Args:
        server: which is asked.
        classifier: the name of the model that is attacked.
        good: requests that must be answered with 200.
        photo: a JPEG.
        end: when to stop, by `time.monotonic`.
    """

    def __init__(self, server: Server, classifier: str, good: list[bytes], photo: bytes, end: float):
        self._server, self._name, self._good, self._end = server, classifier, good, end
        self._makers = hostile.kinds(classifier, photo, random.Random(1))
        self._messages = list(messages(classifier, photo))
        self.good = load.Load()
        self.statuses: collections.Counter[int] = collections.Counter()
        self.codes: collections.Counter[str] = collections.Counter()
        self.memory: list[tuple[float, float]] = []
        """Seconds since the beginning, megabytes."""

    async def run(self, told: Callable[[str], None]) -> None:
        """Until the end."""
        good = [asyncio.create_task(self._ask(number)) for number in range(2)]
        others = [self._attack(number) for number in range(ATTACKERS)]
        others += [self._trickle(number) for number in range(SLOW)]
        others += [self._call(number) for number in range(2)]
        # A thread, for the attackers' own work holds up the loop.
        watching = threading.Thread(target=self._watch, args=(told,))
        watching.start()
        await asyncio.gather(*good, *others)
        watching.join()

    def _goes_on(self) -> bool:
        return time.monotonic() < self._end and self._server.process.poll() is None

    async def _ask(self, offset: int) -> None:
        for number in itertools.count(offset):
            if not self._goes_on():
                return
            done = await load.closed(
                self._server.port, self._good[number % len(self._good) :][:1], 1, lambda load: len(load.statuses) >= 1
            )
            self.good.statuses += done.statuses
            self.good.seconds += done.seconds
            await asyncio.sleep(PAUSE)

    async def _attack(self, offset: int) -> None:
        for number in itertools.count(offset, ATTACKERS):
            if not self._goes_on():
                return
            self.statuses[await hostile.one(self._server.port, self._makers[number % len(self._makers)]())] += 1

    async def _trickle(self, number: int) -> None:
        while self._goes_on():
            self.statuses[await hostile.trickle(self._server.port, self._name, number % 2 == 0)] += 1

    async def _call(self, offset: int) -> None:
        options = [("grpc.max_send_message_length", -1)]
        for number in itertools.count(offset, 2):
            if not self._goes_on():
                return
            method, data, compression = self._messages[number % len(self._messages)]
            async with grpc.aio.insecure_channel(f"127.0.0.1:{self._server.grpc_port}", options) as channel:
                try:
                    await channel.unary_unary(method)(data, timeout=90, compression=compression)
                    self.codes["OK"] += 1
                except grpc.aio.AioRpcError as error:
                    self.codes[error.code().name] += 1

    def _watch(self, told: Callable[[str], None]) -> None:
        start, minute = time.monotonic(), 0
        while self._goes_on():
            now = time.monotonic() - start
            self.memory.append((now, self._server.megabytes()))
            if now >= 60 * minute:
                told(f"{minute:3} min  {self.memory[-1][1]:6.0f} MB  {self.summary()}")
                minute += 1
            time.sleep(1)

    def summary(self) -> str:
        """What was asked and what became of it."""
        hostile, codes = dict(sorted(self.statuses.items())), dict(sorted(self.codes.items()))
        return f"good {len(self.good.statuses)}, failed {self.good.failed}; hostile {hostile}; gRPC {codes}"


def messages(name: str, photo: bytes) -> Iterator[tuple[str, bytes, grpc.Compression | None]]:
    """Hostile messages by gRPC, and a good one: method, bytes, compression."""
    from tensorflow_serving.apis import classification_pb2, predict_pb2

    predict = "/tensorflow.serving.PredictionService/Predict"

    def asked(*images: bytes, names: int = 0) -> bytes:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        tensor = request.inputs["image_bytes"]
        tensor.dtype = 7
        tensor.tensor_shape.dim.add(size=len(images))
        tensor.string_val.extend(images)
        request.output_filter.extend(["scores"] * names)
        return request.SerializeToString()

    rng = random.Random(2)
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name, classify.model_spec.signature_name = name, "classify"
    features = classify.input.example_list.examples.add().features
    features.feature["image/encoded"].bytes_list.value.append(attacks.png_bomb(8000))
    yield predict, asked(photo), None
    yield predict, asked(attacks.gif_frames(40, 4000)), None
    yield predict, asked(attacks.png_bomb(8000), attacks.jpeg_scans(300, 2000)), None
    yield predict, asked(attacks.jpeg_fill(1 << 20)), None
    yield predict, asked(photo, names=100_000), None
    yield predict, asked(rng.randbytes(60 << 20)), None
    yield predict, rng.randbytes(1 << 20), None
    yield predict, b"\x1a\x00" * (20 << 20), None
    yield predict, bytes(60 << 20), grpc.Compression.Gzip
    yield predict, bytes(80 << 20), None
    yield "/tensorflow.serving.PredictionService/Classify", classify.SerializeToString(), None
    yield "/tensorflow.serving.ModelService/HandleReloadConfigRequest", b"\x0a\x06\x0a\x04\x0a\x02\x12\x00", None


def report(soak: Soak) -> list[str]:
    """What came of it."""
    thirds: list[list[float]] = [[], [], []]
    for at, size in soak.memory:
        thirds[min(2, int(3 * at / soak.memory[-1][0]))].append(size)
    means = [sum(sizes) / len(sizes) for sizes in thirds]
    good = soak.good
    return [
        soak.summary(),
        f"good requests: {good.failed} failed, p50 {good.percentile(50):.0f} ms, p99 {good.percentile(99):.0f} ms",
        f"memory: {soak.memory[0][1]:.0f} MB at first; in each third on average {_listed(means)} MB, at most "
        f"{_listed(map(max, thirds))} MB; the last third against the second {100 * (means[2] / means[1] - 1):+.1f} %",
    ]


def _listed(sizes: Iterable[float]) -> str:
    return ", ".join(f"{size:.0f}" for size in sizes)


def main() -> None:
    """Runs and tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serving", type=Path)
    parser.add_argument("--classifier", default="classifier")
    parser.add_argument("--style", default="style")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--log", type=Path, help="gets what is printed, and beside it the server's log")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-soak-") as temporary:
        work = Path(temporary)
        log = arguments.log or work / "soak.log"

        def told(line: str) -> None:
            print(line, flush=True)
            with log.open("a") as file:
                file.write(line + "\n")

        shutil.copytree(arguments.serving, work / "serving")
        small, large = pictures(None, work / "small", 224, 8), pictures(None, work / "large", 384, 4)
        data = [json.loads(_body(request)) for request in encoded(large, "x")]
        paint = [
            {"signature_name": "encode_style", "instances": [{"style_bytes": document["instances"][0]}]}
            for document in data
        ]
        good = encoded(small, arguments.classifier) + [
            load.request(f"/v1/models/{arguments.style}:predict", json.dumps(document).encode()) for document in paint
        ]
        server = Server(work / "serving", log.with_suffix(".server.log"))
        told(f"ready after {server.start_seconds:.1f} s")
        end = time.monotonic() + 60 * arguments.minutes
        soak = Soak(server, arguments.classifier, good, small[0].read_bytes(), end)
        asyncio.run(soak.run(told))
        died = server.process.poll()
        for line in report(soak):
            told(line)
        told(f"the server ended with {server.stop()}" if died is None else f"the server DIED with {died}")


def _body(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


if __name__ == "__main__":
    main()
