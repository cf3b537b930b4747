"""Two thousand requests that mean no good, and what became of them and of the good ones beside them."""

import asyncio
import base64
import dataclasses
import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence

from tests.benchmarks import load
from tests.serving import attacks

SLOW = 200
"""Connections that trickle, all at once: half of them their headers, half their bodies."""

PATIENCE = 60.0
"""Seconds after which an attacker counts the connection as hanging: that is a failure of the server."""


@dataclasses.dataclass
class Outcome:
    """`statuses` of the hostile requests, 0 for a connection that was cut off, -1 for one that hung."""

    statuses: list[int]
    good: load.Load
    peak: float
    """Megabytes."""


def kinds(name: str, photo: bytes, rng: random.Random) -> list[Callable[[], bytes]]:
    """Makers of hostile requests: raw bytes for one connection each."""
    predict = f"/v1/models/{name}:predict"
    bombs = [attacks.png_bomb(12_000), attacks.png_header(60_000, 60_000), attacks.png_bomb(8_000)]
    broken = attacks.solid("JPEG")
    files = [
        attacks.eps(), attacks.png_chunks(50_000), attacks.gif_frames(40, 4000), attacks.gif_comment(2 << 20),
        attacks.jpeg_fill(1 << 20), attacks.jpeg_segments(200_000), attacks.jpeg_scans(300, 4000),
        attacks.jpeg_metadata(1), attacks.tiff_strips(1 << 19), attacks.tiff_tile(20_000), *attacks.polyglots(),
    ]  # fmt: skip
    examples = [attacks.example_like_bmp(bombs[2]), attacks.example_with_long_length(bombs[2])]

    def image(data: bytes) -> bytes:
        return load.request(predict, json.dumps({"instances": [{"b64": base64.b64encode(data).decode()}]}).encode())

    def wrong() -> object:
        simple = rng.choice([None, True, 7, 1e300, "x", {"b64": 5}, {"b64": "!"}, {"a": 1}, [], [[1], 2], {}])
        return simple if rng.random() < 0.6 else [wrong() for _ in range(rng.randrange(3))]

    def form(content: bytes, boundary: bytes = b"xyz") -> bytes:
        body = b'--xyz\r\nContent-Disposition: form-data; name="image"; filename="../../etc/passwd"\r\n\r\n' + content
        return load.request("/easel/v1/classify", body + b"\r\n--" + boundary + b"--\r\n",
                            "multipart/form-data; boundary=xyz")  # fmt: skip

    def get(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1")

    chunked = load.request(predict, b"5\r\nhello\r\nzz\r\n")
    packed, tail = gzip.compress(bytes(100 << 20)), attacks.gzip_tail(b'{"instances": [1]}', 20 << 20)
    return [
        lambda: load.request(predict, rng.randbytes(rng.randrange(1, 4000))),
        lambda: load.request(predict, json.dumps({rng.choice(["instances", "inputs", "examples"]): wrong()}).encode()),
        lambda: load.request(f"/v1/models/{name}:classify", json.dumps({"examples": wrong()}).encode()),
        lambda: load.request(predict, b'{"instances":' + b"[" * rng.choice([500, 5000, 50_000])),
        lambda: load.request(predict, b'{"instances": [' + b"9" * 5000 + b"]}"),
        lambda: load.request(predict, b'{"instances": ["\\ud800"]}'),
        lambda: load.request(predict, json.dumps({"inputs": ["x"] * 1000}).encode()),
        lambda: image(photo[: rng.randrange(30, len(photo) // 2)]),
        lambda: image(b"\xff\xd8\xff" + rng.randbytes(1000)),
        lambda: image(broken.replace(b"\xff\xc0", b"\xff\x00")),
        lambda: image(rng.choice(bombs)),
        lambda: form(rng.choice(bombs)),
        lambda: image(rng.choice(files)),
        lambda: form(rng.choice(files)),
        lambda: load.request(predict, json.dumps({"signature_name": "classify", "instances": [
            {"b64": base64.b64encode(rng.choice(examples)).decode()}]}).encode()),
        lambda: load.request(predict, tail).replace(b"Host:", b"Content-Encoding: gzip\r\nHost:"),
        lambda: load.request(predict, b'{"instances": [' + b"{}," * 2_000_000 + b"{}]}"),
        lambda: load.request(f"/v1/models/invented{rng.random()}:predict", b'{"instances": [1]}'),
        lambda: form(rng.randbytes(200)),
        lambda: form(photo, b"another"),
        lambda: load.request(predict, b"").replace(b"Content-Length: 0", b"Content-Length: 99999999999"),
        lambda: load.request(predict, b"").replace(b"Content-Length: 0", b"Content-Length: -5"),
        lambda: load.request(predict, packed).replace(b"Host:", b"Content-Encoding: gzip\r\nHost:"),
        lambda: chunked.replace(b"Content-Length: 14", b"Transfer-Encoding: chunked"),
        lambda: get(rng.choice(["/../../etc/passwd", "/v1/models/..%2f..%2fetc/metadata", "/%2e%2e/%2e%2e", "/%00",
                                "/v1/models/" + "a" * 3000, "/easel/v1/../../secret", "/v1/models/x/versions/1e9"])),
        lambda: get("/").replace(b"Host: x", b"X: " + b"a" * 40_000),
        lambda: rng.randbytes(500) + b"\r\n\r\n",
        lambda: get(predict).replace(b"GET", rng.choice([b"GET", b"PUT", b"DELETE", b"TRACE", b"BREW"])),
    ]  # fmt: skip


async def attack(
    port: int, name: str, photo: bytes, good: Sequence[bytes], count: int, megabytes: Callable[[], float]
) -> Outcome:
    """Sends `count` hostile requests, 16 at once besides the slow ones, under good load."""
    rng = random.Random(1)
    makers = kinds(name, photo, rng)
    statuses: list[int] = []
    slow = min(SLOW, count // 4)
    pending: Iterator[int] = iter(range(count - slow))
    done, peak = False, megabytes()

    async def worker() -> None:
        for number in pending:
            statuses.append(await one(port, makers[number % len(makers)]()))

    async def watch() -> None:
        nonlocal peak
        while not done:
            peak = max(peak, megabytes())
            await asyncio.sleep(0.1)

    traffic = asyncio.create_task(load.closed(port, good, 2, lambda _: done))
    watching = asyncio.create_task(watch())
    trickling = [asyncio.create_task(trickle(port, name, number % 2 == 0)) for number in range(slow)]
    await asyncio.gather(*(worker() for _ in range(16)))
    statuses += await asyncio.gather(*trickling)
    done = True
    await watching
    return Outcome(statuses, await traffic, peak)


async def one(port: int, data: bytes) -> int:
    """The status of the answer to a request, 0 for a connection that was cut off, -1 for one that hung."""
    try:
        return await asyncio.wait_for(_talk(port, data), PATIENCE)
    except asyncio.TimeoutError:
        return -1


async def _talk(port: int, data: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(data)
        line = await reader.readline()
        return int(line.split()[1]) if line else 0
    except (ConnectionError, IndexError, ValueError):
        return 0
    finally:
        writer.close()


async def trickle(port: int, name: str, headers: bool) -> int:
    """The same for a request whose headers, or whose body, arrive a byte a second."""
    try:
        return await asyncio.wait_for(_slowly(port, name, headers), PATIENCE)
    except asyncio.TimeoutError:
        return -1


async def _slowly(port: int, name: str, headers: bool) -> int:
    start = f"POST /v1/models/{name}:predict HTTP/1.1\r\nHost: x\r\n"
    if not headers:
        start += "Content-Length: 1000\r\n\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start.encode())
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            await asyncio.wait([answer], timeout=1)
            writer.write(b"X: 1\r\n" if headers else b"x")
        line = answer.result()
        writer.close()
        return int(line.split()[1]) if line else 0
    except ConnectionError:
        return 0
