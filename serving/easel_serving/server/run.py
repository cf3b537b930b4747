"""Starts and stops the parts of the server."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from easel_serving.directory import Directory
from easel_serving.errors import ServingError
from easel_serving.server.answering import Answering
from easel_serving.server.app import build
from easel_serving.server.batching import Limits
from easel_serving.server.convenience import Convenience
from easel_serving.server.core import Core
from easel_serving.server.manager import Manager
from easel_serving.server.metrics import Metrics

LOGGER = logging.getLogger("easel.serving")

GRACE_SECONDS = 15
"""Time that running requests get when the server is asked to stop."""

MAX_CONNECTIONS = 512


def run(serving_dir: Path, host: str, rest_port: int, grpc_port: int | None, runtime: str = "tensorflow") -> None:
    """See `easel_serving.server.main`."""
    limits = Limits.read(serving_dir)
    servable = _servable(runtime)
    manager = Manager(serving_dir, lambda path: servable(path, limits))
    core = Core(manager, Metrics())
    app = build(core, Convenience(core, Directory(serving_dir)))
    listening = _listen(host, rest_port)
    rpc = None
    if grpc_port is not None and runtime == "tensorflow":
        rpc = _start_grpc(core, host, grpc_port)
    manager.start()
    LOGGER.info("REST and the web page: http://%s:%s/", *listening.getsockname()[:2])
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    # uvicorn stops gracefully on a signal and then raises it again, which would end us before the rest is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    finally:
        if rpc is not None:
            rpc.stop(GRACE_SECONDS).wait()
        manager.stop()


def _servable(runtime: str) -> type[Answering]:
    try:
        if runtime == "tflite":
            from easel_serving.tflite.servable import TFLiteServable

            return TFLiteServable
        from easel_serving.server.servable import Servable

        return Servable
    except ImportError as error:
        extra = "tflite" if runtime == "tflite" else "server"
        raise ServingError(f"runtime {runtime}: install easel-serving[{extra}] ({error})") from None


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ServingError(f"cannot listen on {host}:{port} for REST: {error.strerror}") from None


def _start_grpc(core: Core, host: str, port: int):
    try:
        from easel_serving.server import grpc_api
    except ImportError:
        LOGGER.warning("gRPC is off: install easel-serving[grpc]")
        return None
    try:
        server, bound = grpc_api.serve(core, host, port)
    except RuntimeError:
        raise ServingError(f"cannot listen on {host}:{port} for gRPC: the port is taken") from None
    LOGGER.info("gRPC: %s:%s", host, bound)
    return server
