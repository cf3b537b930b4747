"""A running TensorFlow Serving, led to what the serving directory says. Needs the extra `remote`.

    python -m easel_serving.remote DIRECTORY HOST:PORT [--watch] [--ca FILE] [--cert FILE --key FILE]

`easel_serving.registry.leading` says how.
"""

import argparse
import dataclasses
import logging
import sys
import time
from collections.abc import Collection
from pathlib import Path

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import config_files
from easel_serving.registry.leading import Faults, Leading
from easel_serving.registry.model_service import ModelService, Tls

LOGGER = logging.getLogger("easel.serving")

_WATCH_SECONDS = 2.0


class NotToldError(ServingError):
    """The change is made in the serving directory, but the server did not follow.

    `reason` says why; `missing` are the versions, `(model, number)`, that a server which answers could not load.
    """

    def __init__(self, reason: str, root: Path, missing: Collection[tuple[str, int]] = ()):
        super().__init__(f"{reason}; the change is made in {root / config_files.MODELS}")
        self.reason = reason
        self.missing = frozenset(missing)


class Remote:
    """TensorFlow Serving's ModelService.

    Args:
        address: `HOST:PORT` of its gRPC; `grpcs://HOST:PORT` speaks TLS.
        timeout: seconds in which the versions of a model must be loaded.
        tls: for `grpcs://`.

    Raises:
        ServingError: an address of another kind, TLS files without `grpcs://`, or a certificate without its key.
    """

    def __init__(self, address: str, timeout: float = 120.0, tls: Tls | None = None):
        scheme, _, target = address.rpartition("://")
        if scheme not in ("", "grpc", "grpcs") or not target or "/" in target:
            raise ServingError(f"{address}: give TensorFlow Serving's gRPC as HOST:PORT or grpcs://HOST:PORT")
        tls = tls or Tls()
        if scheme != "grpcs" and any(dataclasses.astuple(tls)):
            raise ServingError(f"{address}: certificates are for TLS; give the address as grpcs://{target}")
        if (tls.cert is None) != (tls.key is None):
            raise ServingError(f"{address}: a client's certificate and its private key are needed together")
        self.address = address
        self._target = target
        self._tls = tls if scheme == "grpcs" else None
        self._timeout = timeout

    def announce(self, root: Path) -> None:
        """Has the versions loaded and the labels moved that `models.config` now says, also when it did so before.

        A change that somebody makes meanwhile is followed, too: of several who tell the server, the last leaves it as
        the file is. Without the file nothing is told, for the server would unload everything.

        Raises:
            NotToldError: it cannot be reached, or cannot load a version; that model's labels stay where they were.
        """
        faults: Faults = {}
        followed = None
        try:
            with ModelService(self.address, self._target, self._tls) as service:
                while (wanted := _content(root)) not in (None, followed):
                    faults = Leading(service, root, config_files.read_configs(root), self._timeout).run()
                    followed = wanted
        except ServingError as error:
            raise NotToldError(str(error), root) from None
        if faults:
            raise NotToldError("; ".join(f"{self.address}: {fault}" for fault in faults.values()), root, faults)


def watch(remote: Remote, root: Path) -> None:
    """Leads the server after every change of `models.config` until the process is ended; tries again after failures."""
    announced = warned = None
    while True:
        try:
            content = _content(root)
            if content not in (None, announced):
                remote.announce(root)
                announced, warned = content, None
                LOGGER.info("%s follows %s", remote.address, root / config_files.MODELS)
        except ServingError as error:
            if str(error) != warned:
                LOGGER.warning("%s", error)
            warned = str(error)
        time.sleep(_WATCH_SECONDS)


def _content(root: Path) -> bytes | None:
    path = root / config_files.MODELS
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServingError(f"{path}: cannot be read ({error.strerror})") from None


def main() -> None:
    """The command `python -m easel_serving.remote`."""
    parser = argparse.ArgumentParser(prog="python -m easel_serving.remote", description=__doc__.splitlines()[0])
    parser.add_argument("serving_dir", type=Path, help="the serving directory")
    parser.add_argument("address", metavar="HOST:PORT", help="TensorFlow Serving's gRPC; grpcs://HOST:PORT for TLS")
    parser.add_argument("--watch", action="store_true", help="go on, and follow every change")
    parser.add_argument("--ca", metavar="PEM", help="the authority to trust, with grpcs://")
    parser.add_argument("--cert", metavar="PEM", help="the certificate to show a server that asks for one")
    parser.add_argument("--key", metavar="PEM", help="its private key")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        server = Remote(arguments.address, tls=Tls(arguments.ca, arguments.cert, arguments.key))
        if arguments.watch:
            watch(server, arguments.serving_dir)
        if _content(arguments.serving_dir) is None:
            raise ServingError(f"{arguments.serving_dir / config_files.MODELS}: not there; nothing was pushed here")
        server.announce(arguments.serving_dir)
    except ServingError as fault:
        sys.exit(f"easel: {fault}")
