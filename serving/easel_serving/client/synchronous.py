"""The client for ordinary programs."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import tenacity

from easel_serving.client import calls, retry
from easel_serving.client.options import Options
from easel_serving.client.results import VersionStatus
from easel_serving.client.transports import transport
from easel_serving.images import prepare

T = TypeVar("T")


class Client:
    """Calls Easel's models on a server; may be shared by threads. A context manager.

    Args:
        server: `http(s)://HOST:PORT` for REST, `grpc(s)://HOST:PORT` for gRPC (extra `grpc`).
        options: how it behaves; single values may be given as keywords instead.

    Raises:
        ServingError: no such address, an extra is missing, or a value is out of range.
    """

    def __init__(self, server: str, options: Options | None = None, **values: Any):
        self._options = dataclasses.replace(options or Options(), **values)
        self._server = server
        self._transport = transport(server, self._options, asynchronous=False)

    def classify(self, *photos: prepare.Source) -> list[calls.Classification]:
        """Labels photos.

        Returns:
            A result for each photo, in order.

        Raises:
            RequestError: the server refused, or did not answer in time; here as in all methods.
            ServingError: a photo is not an image that can be read; here as in all methods with images.
        """
        return calls.classifications(self._answers(calls.classify(photos, self._options)))

    def stylize(self, *contents: prepare.Source, style: prepare.Source, strength: float = 1.0) -> list[bytes]:
        """Paints photos in the manner of a painting.

        The style is an image, or the name of a painting that the model knows; strength goes from 0 (the photo itself)
        to 1.

        Returns:
            The painted photos as files, JPEG or PNG as the model was configured.
        """
        return calls.pictures(self._answers(calls.stylize(contents, style, strength, self._options)))

    def encode_style(self, *paintings: prepare.Source) -> list[np.ndarray]:
        """The style codes of paintings: float32 [D] each; they can be stored, compared and mixed."""
        return calls.codes(self._answers(calls.encode_style(paintings, self._options)))

    def stylize_code(self, *contents: prepare.Source, code: np.ndarray) -> list[bytes]:
        """Paints photos by a style code [D], one of `encode_style` or a mix of several; returns like `stylize`."""
        return calls.pictures(self._answers(calls.stylize_code(contents, code, self._options)))

    def versions(self, model: str) -> list[VersionStatus]:
        """The versions of a model that the server knows, the highest first."""
        return self._retried(lambda left: self._transport.versions(model, left))

    def close(self) -> None:
        """Ends the connections."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _answers(self, requests: Sequence[calls.Call]) -> list[dict[str, np.ndarray]]:
        return [self._retried(lambda left, call=call: self._transport.predict(call, left)) for call in requests]

    def _retried(self, send: Callable[[float], T]) -> T:
        left = retry.countdown(self._server, self._options.timeout)
        return tenacity.Retrying(**retry.policy(self._options))(lambda: send(left()))
