"""What REST, gRPC and the web page have in common: finding the version that answers and running it."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
from typing import Any

import numpy as np

from easel_serving.protocol.status import StatusError, invalid
from easel_serving.server.limits import pixels
from easel_serving.server.limits.batching import Tensors
from easel_serving.server.limits.bounds import Bounds, Budget
from easel_serving.server.limits.metrics import Metrics
from easel_serving.server.limits.offload import offload, within
from easel_serving.server.loading.manager import Manager


@dataclasses.dataclass(frozen=True)
class Address:
    """Which model and version a request is for; neither `version` nor `label` means the highest available."""

    model: str
    version: int | None = None
    label: str | None = None


class Core:
    """A manager with metrics and limits.

    Args:
        manager: of the versions.
        metrics: where requests are counted.
        limits: what a request may cost.
    """

    def __init__(self, manager: Manager, metrics: Metrics, limits: Bounds = Bounds()):  # noqa: B008, it is frozen
        self.manager = manager
        self.metrics = metrics
        self.limits = limits
        self.budget = Budget(limits.pending_bytes)

    def counted(self, api: str, entrypoint: str, model: str) -> contextlib.AbstractContextManager[dict[str, str]]:
        """A context that is counted as a request; fill in the `version` of what it yields once it is known.

        What asks for a model that is not served is counted without a name: clients invent as many as they like.
        """
        return self.metrics.request(api, entrypoint, model if self.manager.serves(model) else "")

    def use(self, address: Address) -> contextlib.AbstractContextManager[tuple[int, Any]]:
        """A context in which the version that answers, `(version, servable)`, stays loaded."""
        return self.manager.use(address.model, address.version, address.label)

    async def run(self, servable: Any, signature: str, inputs: Tensors) -> Tensors:
        """The outputs of a signature, for a coroutine."""
        size = sum(len(item) for value in inputs.values() if value.dtype == object for item in value.flat)
        measured = await offload(size, pixels.measured, inputs, self.limits.pixels)
        try:
            return await within(self.limits.seconds, asyncio.wrap_future(servable.submit(signature, *measured)))
        except TimeoutError:
            raise StatusError("DEADLINE_EXCEEDED", "Timed out waiting for the model") from None

    def run_blocking(self, servable: Any, signature: str, inputs: Tensors) -> Tensors:
        """The outputs of a signature, for a thread."""
        future = servable.submit(signature, *pixels.measured(inputs, self.limits.pixels))
        try:
            return future.result(self.limits.seconds)
        except concurrent.futures.TimeoutError:
            raise StatusError("DEADLINE_EXCEEDED", "Timed out waiting for the model") from None
        finally:
            future.cancel()
            del future  # which has the error whose traceback has this frame


def classifications(outputs: Tensors, rows: int) -> list[list[tuple[bytes, np.floating]]]:
    """`(label, score)` of every class, for each row: `PostProcessClassificationResult` in classifier.cc."""
    classes, scores = outputs.get("classes"), outputs.get("scores")
    if classes is None and scores is None:
        raise StatusError(
            "FAILED_PRECONDITION",
            'Expected classification signature outputs to contain at least one of "classes" or "scores".',
        )
    for name, value in (("classes", classes), ("scores", scores)):
        if value is not None and (value.ndim != 2 or len(value) != rows):
            raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {list(value.shape)} for {name}")
    if classes is None:
        classes = np.full(scores.shape, b"", dtype=object)
    if scores is None:
        scores = np.zeros(classes.shape, dtype=np.float32)
    return [list(zip(*row, strict=True)) for row in zip(classes, scores, strict=True)]
