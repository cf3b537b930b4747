"""One loaded version of a model: signatures, warm-up, execution."""

from pathlib import Path

import numpy as np

from easel_serving.models.saved_model import SavedModel, tf
from easel_serving.models.tf_errors import one_line
from easel_serving.protocol.status import StatusError, invalid
from easel_serving.registry import files
from easel_serving.server.limits.batching import Limits, Tensors
from easel_serving.server.loading import warmup
from easel_serving.server.loading.servable import DEFAULT_SIGNATURE, Servable


class SavedModelServable(Servable):
    """A SavedModel, ready to answer.

    Args:
        path: the version's folder.
        limits: for batching.

    Raises:
        Exception: TensorFlow's, when the folder cannot be loaded or fails on its warm-up requests.
    """

    def __init__(self, path: Path, limits: Limits):
        self._model = SavedModel(path)
        definitions = self._model.signature_defs
        super().__init__(definitions, {name: self._model.inputs(name) for name in definitions}, limits)
        try:
            if (path / files.WARMUP).exists():
                for signature, inputs in warmup.requests(path / files.WARMUP):
                    self.run(signature or DEFAULT_SIGNATURE, inputs)
        except Exception:
            self.close()
            raise

    def run(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Runs a signature now, in this thread."""
        try:
            return self._model(signature, inputs)
        except tf.errors.ResourceExhaustedError as error:
            raise StatusError("RESOURCE_EXHAUSTED", one_line(error)) from None
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise invalid(one_line(error)) from None

    def close(self) -> None:
        """Answers what is queued, then ends."""
        super().close()
        self._model.close()
