"""Starts and stops the parts of the server."""

import asyncio
import contextlib
import dataclasses
import gc
import importlib.util
import logging
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from easel_serving import shipped
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import config_files, signing
from easel_serving.registry.signed_copy import signed_copy
from easel_serving.server.api import access, cors
from easel_serving.server.limits.batching import Limits
from easel_serving.server.limits.bounds import Bounds
from easel_serving.server.limits.metrics import Metrics
from easel_serving.server.loading.core import Core
from easel_serving.server.loading.guest import shipped_guest
from easel_serving.server.loading.manager import Manager
from easel_serving.server.loading.servable import Servable
from easel_serving.server.page.convenience import Convenience
from easel_serving.server.process import http
from easel_serving.server.process.app import build

if TYPE_CHECKING:
    from easel_serving.orders.workshop import Workshop
    from easel_serving.server.process.shop import Shop

LOGGER = logging.getLogger("easel.serving")

GRACE_SECONDS = 15
"""Time that running requests get when the server is asked to stop."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `easel_serving.server.main`."""

    host: str
    rest_port: int
    grpc_port: int | None
    runtime: str = "tensorflow"
    public_key: str | Path | None = None
    api_key_file: str | Path | None = None
    tls_cert: str | Path | None = None
    tls_key: str | Path | None = None
    cors_origins: tuple[str, ...] = ()
    orders: "Workshop | None" = None
    orders_from: tuple[str, ...] = ()
    limits: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def run(serving_dir: Path, settings: Settings) -> None:
    """See `easel_serving.server.main`."""
    bounds = Bounds(**settings.limits)
    cors.check(settings.cors_origins)
    api_keys = access.read_keys(settings.api_key_file) if settings.api_key_file else ()
    tls = _read_tls(settings)
    directory = shipped.Shelf(serving_dir)
    # Who asks for signatures is served what was signed.
    guest = shipped_guest(directory) if settings.public_key is None else None
    manager = Manager(serving_dir.absolute(), *_loaders(serving_dir, settings), guest)
    core = Core(manager, Metrics(), bounds)
    shop = _shop(settings)
    listening = _listen(settings.host, settings.rest_port)
    rpc = None
    if settings.grpc_port is not None and settings.runtime == "tensorflow":
        _require_free(settings.host, settings.grpc_port)
        rpc = _GrpcLater(core, settings.host, settings.grpc_port, api_keys, tls)
    app = build(
        core,
        Convenience.embedded(core, directory),
        api_keys,
        config_files.metrics_path(serving_dir),
        settings.cors_origins,
        lambda: manager.ready() and (rpc is None or rpc.is_open),
        shop.routes(core) if shop else (),
    )
    manager.start()
    if rpc is not None:
        rpc.start()
    if shop is not None:
        shop.start()
    scheme = "https" if tls else "http"
    LOGGER.info("REST and the web page: %s://%s:%s/", scheme, *listening.getsockname()[:2])
    config = uvicorn.Config(
        app,
        http=http.protocol(bounds.header_seconds),
        log_config=None,
        access_log=False,
        limit_concurrency=bounds.connections,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    # uvicorn stops gracefully on a signal and then raises it again, which would end us before the rest is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    finally:
        if shop is not None:
            shop.stop()
        if rpc is not None:
            rpc.stop()
        manager.stop()


def _shop(settings: Settings) -> "Shop | None":
    if settings.orders is None:
        return None
    try:
        from easel_serving.server.process.shop import Shop
    except ImportError as error:
        raise ServingError(f"orders: install easel-serving[orders] ({error})") from None
    return Shop(settings.orders, settings.orders_from, settings.cors_origins)


class _GrpcLater(threading.Thread):
    """Opens gRPC, of which TensorFlow is a part, once TensorFlow has been imported for the first versions."""

    def __init__(self, core: Core, *arguments: Any):
        super().__init__(daemon=True)
        self._core, self._arguments = core, arguments
        self._server: Any = None
        self.is_open = False
        """Whether it is, or is known to be left out."""

    def run(self) -> None:
        """See `threading.Thread`."""
        if self._core.manager.wait():
            try:
                self._server = _start_grpc(self._core, *self._arguments)
                self.is_open = True
            except ServingError as error:
                LOGGER.error("gRPC is off: %s", error)

    def stop(self) -> None:
        """Answers what is running, then ends."""
        if self._server is not None:
            self._server.stop(GRACE_SECONDS).wait()


def _loaders(serving_dir: Path, settings: Settings) -> tuple[Callable[[Path], Servable], Callable | None]:
    """What makes a servable of a version's folder, and what makes one that stands in for it while it is loaded.

    When there is a key, both load a copy that holds only what was signed. What they need is imported when they are
    first called: TensorFlow takes so long that the server listens meanwhile.
    """
    _require_installed(settings.runtime)
    load = _loader(serving_dir, settings, settings.runtime)
    if settings.runtime == "tensorflow" and _is_installed("tflite"):
        return load, _loader(serving_dir, settings, "tflite")
    return load, None


def _loader(serving_dir: Path, settings: Settings, runtime: str) -> Callable[[Path], Servable]:
    limits = Limits.read(serving_dir)
    public_key = settings.public_key
    if public_key is not None:
        signing.require_public_key(public_key)

    def load(path: Path) -> Servable:
        with _imports_stay():
            servable = _servable(runtime)
        if public_key is None:
            return servable(path, limits)
        with signed_copy(path, public_key) as copy:
            return servable(copy, limits)

    return load


@contextlib.contextmanager
def _imports_stay() -> Iterator[None]:
    """Spares the garbage collector what is imported: to look through all of TensorFlow holds up requests for .1 s."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _servable(runtime: str) -> type[Servable]:
    if runtime == "tflite":
        from easel_serving.server.loading.tflite_servable import TFLiteServable

        return TFLiteServable
    from easel_serving.server.loading.saved_model_servable import SavedModelServable

    return SavedModelServable


def _is_installed(runtime: str) -> bool:
    return importlib.util.find_spec({"tflite": "ai_edge_litert"}.get(runtime, "tensorflow")) is not None


def _require_installed(runtime: str) -> None:
    if not _is_installed(runtime):
        extra = "tflite" if runtime == "tflite" else "server"
        raise ServingError(f"runtime {runtime}: install easel-serving[{extra}]")


def _read_tls(settings: Settings) -> tuple[bytes, bytes] | None:
    """Private key and certificate chain, once it is sure that they belong together."""
    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise ServingError("TLS needs both a certificate and its private key")
    try:
        # Without a password given, OpenSSL would ask the terminal for that of an encrypted key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key, password="")
        return Path(settings.tls_key).read_bytes(), Path(settings.tls_cert).read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise ServingError(
            f"{settings.tls_cert}, {settings.tls_key}: no certificate with its key, without a password ({error})"
        ) from None


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=256)
        # asyncio does this only for sockets that know their protocol's number, and these do not. Without it an answer's
        # body waits 40 ms for the acknowledgement of its head. Accepted connections inherit it.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise ServingError(f"cannot listen on {host}:{port} for REST: {error.strerror}") from None


def _require_free(host: str, port: int) -> None:
    """Says at once that a port is taken which is opened later."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise ServingError(f"cannot listen on {host}:{port} for gRPC: {error.strerror}") from None


def _start_grpc(core: Core, host: str, port: int, api_keys: Sequence[str], tls: tuple[bytes, bytes] | None) -> Any:
    try:
        from easel_serving.server.api import grpc_api
    except ImportError:
        LOGGER.warning("gRPC is off: install easel-serving[grpc]")
        return None
    try:
        server, bound = grpc_api.serve(core, host, port, api_keys=api_keys, tls=tls)
    except RuntimeError:
        raise ServingError(f"cannot listen on {host}:{port} for gRPC: the port is taken") from None
    LOGGER.info("gRPC: %s:%s", host, bound)
    return server
