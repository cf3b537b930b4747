"""What the server asks of a loaded version of a model, whatever runs it."""

import abc
import concurrent.futures
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.limits.batching import Batcher, Limits, Tensors

DEFAULT_SIGNATURE = "serving_default"


class Servable(abc.ABC):
    """A model's signatures behind a queue that batches.

    Args:
        signature_defs: `{signature: SignatureDef}`, the message or something with its fields.
        specs: `{signature: {input: dtype}}`.
        limits: for batching.
    """

    def __init__(
        self, signature_defs: Mapping[str, Any], specs: Mapping[str, Mapping[str, "np.dtype[Any]"]], limits: Limits
    ):
        self.signature_defs = signature_defs
        self._specs = specs
        self._batcher = Batcher(self.run, limits)

    @abc.abstractmethod
    def run(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Runs a signature now, in this thread; raises StatusError."""

    def inputs(self, signature: str) -> dict[str, "np.dtype[Any]"]:
        """`{input: dtype}` of a signature, "" for the default one; INVALID_ARGUMENT for one that is not there."""
        name = signature or DEFAULT_SIGNATURE
        if name not in self._specs:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        return dict(sorted(self._specs[name].items()))

    def submit(self, signature: str, inputs: Tensors, pixels: int = 0) -> concurrent.futures.Future:
        """Queues a request with images of so many pixels; a future of the outputs.

        The signature must exist and the inputs be its own.
        """
        name = signature or DEFAULT_SIGNATURE
        if name not in self._specs:
            raise StatusError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        wanted = set(self._specs[name])
        if set(inputs) != wanted:
            raise invalid(
                f"input size does not match signature: {len(inputs)}!={len(wanted)} len({{{_names(inputs)}}}) != "
                f"len({{{_names(wanted)}}}). Sent extra: {{{_names(set(inputs) - wanted)}}}. Missing but required: "
                f"{{{_names(wanted - set(inputs))}}}."
            )
        return self._batcher.submit(name, inputs, pixels)

    def close(self) -> None:
        """Answers what is queued, then ends."""
        self._batcher.close()


def _names(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
