"""A load generator for a server on this machine: prebuilt requests over kept connections, cheap enough for one core.

A library's client takes a millisecond of processor time a request, which on two cores is measured as the server's.
"""

import asyncio
import dataclasses
import socket
import time
from collections.abc import Callable, Sequence

import numpy as np


@dataclasses.dataclass
class Load:
    """What came of it."""

    statuses: list[int] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    """From the moment a request was due to its answer's last byte."""
    bodies: set[bytes] = dataclasses.field(default_factory=set)
    wall: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.statuses) / self.wall

    @property
    def failed(self) -> int:
        """How many answers were not 200; a lost connection counts as 0."""
        return sum(status != 200 for status in self.statuses)

    def percentile(self, percent: float) -> float:
        """Milliseconds."""
        return float(np.percentile(self.seconds, percent)) * 1e3


def request(path: str, body: bytes, content_type: str = "application/json") -> bytes:
    """The bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that sends at once: nothing waits 40 ms for an acknowledgement."""
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=connection)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.lower().startswith(b"content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


async def closed(
    port: int, requests: Sequence[bytes], workers: int, stop: Callable[[Load], bool], keep_bodies: bool = False
) -> Load:
    """Each worker sends its next request when it has its answer, until `stop`."""
    load, start = Load(), time.perf_counter()

    async def work(offset: int) -> None:
        reader, writer = await connect(port)
        number = offset
        while not stop(load):
            sent = time.perf_counter()
            writer.write(requests[number % len(requests)])
            number += workers
            try:
                status, body = await _answer(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                status, body = 0, b""
                reader, writer = await connect(port)
            load.statuses.append(status)
            load.seconds.append(time.perf_counter() - sent)
            if keep_bodies:
                load.bodies.add(body)
        writer.close()

    await asyncio.gather(*(work(offset) for offset in range(workers)))
    load.wall = time.perf_counter() - start
    return load


async def opened(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Requests at a fixed rate, whether or not answers keep up; waiting for a free connection counts as time."""
    load, start, free = Load(), time.perf_counter(), []

    async def one(due: float, data: bytes) -> None:
        reader, writer = free.pop() if free else await connect(port)
        writer.write(data)
        status, _ = await _answer(reader)
        load.statuses.append(status)
        load.seconds.append(time.perf_counter() - due)
        free.append((reader, writer))

    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, requests[number % len(requests)])))
    await asyncio.gather(*tasks)
    load.wall = time.perf_counter() - start
    return load


def for_seconds(seconds: float) -> Callable[[Load], bool]:
    """A `stop` of `closed`."""
    end = time.perf_counter() + seconds
    return lambda load: time.perf_counter() > end


def for_requests(count: int) -> Callable[[Load], bool]:
    """A `stop` of `closed`: after about so many."""
    return lambda load: len(load.statuses) >= count
