"""A running TensorFlow Serving, led to what the serving directory says.

TensorFlow Serving refuses a configuration that moves a label to a version which is not loaded yet, and then loads
nothing of it (`ServerCore::ReloadConfig` in tensorflow_serving/model_servers/server_core.cc sets the labels first). So
a change takes two requests: the versions with the labels as they were, then, once all are loaded, the labels. Needs the
extra `grpc`.

    python -m easel_serving.remote DIRECTORY HOST:PORT [--watch]
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from easel_serving import audit, config_files, textproto
from easel_serving.errors import ServingError

LOGGER = logging.getLogger("easel.serving")

_POLL_SECONDS = 0.2
_WATCH_SECONDS = 2.0


class NotToldError(ServingError):
    """The change is made in the serving directory, but the server did not follow."""


class Remote:
    """TensorFlow Serving's ModelService.

    Args:
        address: `HOST:PORT` of its gRPC.
        timeout: seconds in which a version must be loaded.
    """

    def __init__(self, address: str, timeout: float = 120.0):
        self.address = address
        self._timeout = timeout

    def load(self, root: Path, name: str, number: int) -> None:
        """Has a version loaded beside those that serve; does nothing for a model that does not serve yet.

        Raises:
            ServingError: it cannot be reached, or cannot load the version; it then serves what it served.
        """
        if name not in config_files.read_models(root):
            return
        configs = [
            _loading(config, {number}) if textproto.get(config, "name") == name else config
            for config in config_files.read_configs(root)
        ]
        try:
            self._lead(root, configs)
        except ServingError as error:
            try:
                self._lead(root, config_files.read_configs(root))
            except ServingError as again:
                LOGGER.warning("%s", again)
            raise ServingError(f"{error}; nothing was changed") from None

    def announce(self, root: Path) -> None:
        """Has the versions loaded and the labels moved that `models.config` now says.

        Raises:
            NotToldError: it cannot be reached, or cannot load a version; its labels stay where they were.
        """
        try:
            self._lead(root, config_files.read_configs(root))
        except ServingError as error:
            raise NotToldError(f"{error}; the change is made in {root / config_files.MODELS}") from None

    def _lead(self, root: Path, configs: list[textproto.Message]) -> None:
        deadline = time.monotonic() + self._timeout
        with _Calls(self.address, deadline) as calls:
            states = {textproto.get(config, "name"): calls.states(textproto.get(config, "name")) for config in configs}
            first = [_first_step(config, states[textproto.get(config, "name")], root) for config in configs]
            if first != configs:
                calls.reload(first)
                for config in configs:
                    calls.await_loaded(textproto.get(config, "name"), config_files.entry(config).versions)
            calls.reload(configs)
            for config in configs:
                calls.await_loaded(textproto.get(config, "name"), config_files.entry(config).versions)


class _Calls:
    """The two calls, with every failure as a ServingError."""

    def __init__(self, address: str, deadline: float):
        try:
            import grpc
            from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc
        except ImportError:
            raise ServingError(
                "telling a TensorFlow Serving needs the extra grpc: pip install 'easel-serving[grpc]'"
            ) from None
        self._grpc, self._status, self._management = grpc, get_model_status_pb2, model_management_pb2
        self._address = address
        self._deadline = deadline
        self._channel = grpc.insecure_channel(address)
        self._stub = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def __enter__(self) -> "_Calls":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def states(self, name: str) -> dict[int, tuple[str, str]]:
        """`{version: (state, error)}`; empty for a model that the server does not know."""
        request = self._status.GetModelStatusRequest()
        request.model_spec.name = name
        response = self._call(self._stub.GetModelStatus, request, may_be_unknown=True)
        if response is None:
            return {}
        name_of = self._status.ModelVersionStatus.State.Name
        return {
            status.version: (name_of(status.state), status.status.error_message)
            for status in response.model_version_status
        }

    def reload(self, configs: list[textproto.Message]) -> None:
        """Replaces the server's whole configuration; a model that is new to it is loaded when this returns."""
        from google.protobuf import text_format

        text = textproto.render([("model_config_list", [("config", config) for config in configs])])
        request = self._management.ReloadConfigRequest()
        try:
            text_format.Parse(text, request.config)
        except text_format.ParseError as error:
            raise ServingError(f"{config_files.MODELS}: no configuration of TensorFlow Serving ({error})") from None
        self._call(self._stub.HandleReloadConfigRequest, request)

    def await_loaded(self, name: str, versions: Iterable[int]) -> None:
        """Returns once all are available; raises ServingError for one that cannot be loaded."""
        waiting = set(versions)
        while True:
            states = self.states(name)
            for number in waiting:
                state, error = states.get(number, ("START", ""))
                if state == "END" and error:
                    raise ServingError(f"{self._address}: {name} version {number} cannot be loaded: {error}")
            waiting = {number for number in waiting if states.get(number, ("", ""))[0] != "AVAILABLE"}
            if not waiting:
                return
            if time.monotonic() > self._deadline:
                missing = ", ".join(map(str, sorted(waiting)))
                raise ServingError(f"{self._address}: {name} version {missing} was not loaded in time")
            time.sleep(_POLL_SECONDS)

    def _call(self, method: Callable, request: Any, may_be_unknown: bool = False) -> Any:
        try:
            return method(request, timeout=max(1.0, self._deadline - time.monotonic()))
        except self._grpc.RpcError as error:
            if may_be_unknown and error.code() == self._grpc.StatusCode.NOT_FOUND:
                return None
            raise ServingError(f"{self._address}: {error.code().name}: {error.details()}") from None


def _loading(config: textproto.Message, versions: Iterable[int]) -> textproto.Message:
    """The configuration of a model with some versions to be loaded besides its own."""
    numbers = sorted({*config_files.entry(config).versions, *versions})
    policy = ("model_version_policy", [("specific", [("versions", number) for number in numbers])])
    return [*textproto.without(config, "model_version_policy"), policy]


def _first_step(config: textproto.Message, states: dict[int, tuple[str, str]], root: Path) -> textproto.Message:
    """The configuration with every label at a version that is loaded: where it was before, if it has to be."""
    name, entry = textproto.get(config, "name"), config_files.entry(config)
    available = {number for number, (state, _) in states.items() if state == "AVAILABLE"}
    if not entry.labels or available.issuperset(entry.labels.values()):
        return config
    records = [record["from"] for record in reversed(audit.read(root)) if record.get("model") == name]
    labels = {}
    for label, number in entry.labels.items():
        earlier = (number, *(record[label] for record in records if label in record))
        target = next((candidate for candidate in earlier if candidate in available), None)
        if target is not None:
            labels[label] = target
    step = textproto.without(_loading(config, labels.values()), "version_labels")
    return [*step, *(("version_labels", [("key", key), ("value", labels[key])]) for key in sorted(labels))]


def watch(remote: Remote, root: Path) -> None:
    """Leads the server after every change of `models.config` until the process is ended; tries again after failures."""
    told = None
    while True:
        path = root / config_files.MODELS
        text = path.read_text() if path.exists() else None
        if text not in (None, told):
            try:
                remote.announce(root)
                told = text
                LOGGER.info("%s follows %s", remote.address, path)
            except ServingError as error:
                LOGGER.warning("%s", error)
        time.sleep(_WATCH_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m easel_serving.remote", description=__doc__.splitlines()[0])
    parser.add_argument("serving_dir", type=Path, help="the serving directory")
    parser.add_argument("address", metavar="HOST:PORT", help="TensorFlow Serving's gRPC")
    parser.add_argument("--watch", action="store_true", help="go on, and follow every change")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        if arguments.watch:
            watch(Remote(arguments.address), arguments.serving_dir)
        Remote(arguments.address).announce(arguments.serving_dir)
    except ServingError as fault:
        sys.exit(f"easel: {fault}")
