"""The two calls of TensorFlow Serving's ModelService that Easel makes, with every failure as one line."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError

_SERVICE = "/tensorflow.serving.ModelService"
_STATUS_SECONDS = 20.0
"""Time for an answer that the server has at hand."""
_RETRY_SECONDS = 3.0
"""How long a server that is not there is asked again: it may only be starting."""


class CallError(ServingError):
    """A call failed; `details` is what the server said."""

    def __init__(self, address: str, code: str, details: str):
        super().__init__(f"{address}: {code}: {details}")
        self.details = details


@dataclasses.dataclass(frozen=True)
class State:
    """What the server says of one version: a name of `ModelVersionStatus.State`, and why it is not loaded."""

    name: str = "UNKNOWN"
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Tls:
    """What a connection is encrypted with: PEM files, each of them optional."""

    ca: str | Path | None = None
    """The authority to trust; those of gRPC when there is none."""
    cert: str | Path | None = None
    """The client's certificate, with its `key`, for a server that asks for one (`client_verify`)."""
    key: str | Path | None = None


class ModelService:
    """A connection; a context manager.

    Args:
        address: for messages.
        target: `HOST:PORT`.
        tls: None speaks without.

    Raises:
        ServingError: the extra is missing, or a file of `tls` cannot be read.
    """

    def __init__(self, address: str, target: str, tls: Tls | None):
        from easel_serving.protocol import messages  # protocol buffers are 0.1 s

        try:
            import grpc
        except ImportError:
            raise ServingError(
                "telling a TensorFlow Serving needs the extra remote: pip install 'easel-serving[remote]'"
            ) from None
        self._grpc, self._messages = grpc, messages
        self._address = address
        if tls is None:
            self._channel = grpc.insecure_channel(target)
        else:
            credentials = grpc.ssl_channel_credentials(*(_content(path) for path in (tls.ca, tls.key, tls.cert)))
            self._channel = grpc.secure_channel(target, credentials)
        self._status = self._method("GetModelStatus", messages.GetModelStatusRequest, messages.GetModelStatusResponse)
        self._reload = self._method(
            "HandleReloadConfigRequest", messages.ReloadConfigRequest, messages.ReloadConfigResponse
        )

    def __enter__(self) -> "ModelService":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def states(self, name: str) -> dict[int, State]:
        """The state of each version of a model; empty for a model that the server does not know.

        Raises:
            CallError: the server cannot be reached.
        """
        request = self._messages.GetModelStatusRequest()
        request.model_spec.name = name
        try:
            response = self._call(self._status, request, _STATUS_SECONDS)
        except self._grpc.RpcError as error:
            if error.code() == self._grpc.StatusCode.NOT_FOUND:
                return {}
            raise self._failed(error) from None
        return {
            status.version: State(self._messages.STATES.get(status.state, "UNKNOWN"), status.status.error_message)
            for status in response.model_version_status
        }

    def reload(self, configs: list[Any], timeout: float) -> None:
        """Replaces the server's whole configuration; a model that is new to it is loaded when this returns.

        `configs` are `ModelConfig` messages.

        Raises:
            CallError: the server cannot be reached, or refuses.
        """
        request = self._messages.ReloadConfigRequest()
        request.config.model_config_list.SetInParent()
        request.config.model_config_list.config.extend(configs)
        try:
            self._call(self._reload, request, timeout)
        except self._grpc.RpcError as error:
            raise self._failed(error) from None

    def _method(self, name: str, request: Any, response: Any) -> Callable:
        path = f"{_SERVICE}/{name}"
        return self._channel.unary_unary(path, request.SerializeToString, response.FromString)

    def _call(self, method: Callable, request: Any, timeout: float) -> Any:
        from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

        def is_starting(error: BaseException) -> bool:
            return isinstance(error, self._grpc.RpcError) and error.code() == self._grpc.StatusCode.UNAVAILABLE

        tries = Retrying(
            retry=retry_if_exception(is_starting),
            stop=stop_after_delay(min(_RETRY_SECONDS, timeout)),
            wait=wait_random_exponential(multiplier=0.2, max=1.0),
            reraise=True,
        )
        return tries(method, request, timeout=timeout)

    def _failed(self, error: Any) -> CallError:
        return CallError(self._address, error.code().name, " ".join((error.details() or "no details").split()))


def _content(path: str | Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ServingError(f"{path}: cannot be read ({error.strerror})") from None
