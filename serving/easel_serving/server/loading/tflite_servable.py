"""One loaded version of a model, run by its TFLite variants: the embedded server's other runtime."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from easel_serving.models.tflite import models
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.status import invalid
from easel_serving.registry.directory import Directory, Version
from easel_serving.server.limits.batching import Limits, Tensors
from easel_serving.server.loading.servable import Servable

_TYPES = {"string": (np.dtype(object), 7), "float32": (np.dtype(np.float32), 1)}
"""Type in the manifest: NumPy's, and the number of TensorFlow's `DataType`."""


@dataclasses.dataclass(frozen=True)
class Dimension:
    """`TensorShapeProto.Dim`."""

    size: int
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Shape:
    """`TensorShapeProto`."""

    dim: tuple[Dimension, ...]
    unknown_rank: bool = False


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """`TensorInfo`."""

    name: str
    dtype: int
    tensor_shape: Shape


@dataclasses.dataclass(frozen=True)
class SignatureDef:
    """`SignatureDef`, as much of it as the server reads."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
    method_name: str = "tensorflow/serving/predict"


class ModelServable(Servable):
    """A model of `models.tflite`, ready to answer with the SavedModel's signatures.

    Args:
        version: whose signatures they are.
        model: computes with its TFLite variants.
        limits: for batching.
    """

    def __init__(self, version: Version, model: models.Classifier | models.Style, limits: Limits):
        self._model = model
        definitions = _definitions(version, self._model.signatures)
        specs = {
            name: {key: _numpy(info) for key, info in definition.inputs.items()}
            for name, definition in definitions.items()
        }
        super().__init__(definitions, specs, limits)

    def run(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Runs a signature now, in this thread."""
        sizes = {value.shape[0] if value.ndim else None for value in inputs.values()}
        if len(sizes) != 1 or None in sizes:
            raise invalid("the inputs must have the same number of rows")
        for name, value in inputs.items():
            if value.ndim != len(self.signature_defs[signature].inputs[name].tensor_shape.dim):
                raise invalid(f"{name}: {value.ndim} dimensions are wrong")
        try:
            return self._model.signatures[signature](inputs)
        except ServingError as error:
            raise invalid(str(error)) from None


class TFLiteServable(ModelServable):
    """What answers for the version in a folder.

    Raises:
        ServingError: a part has no verified variant.
    """

    def __init__(self, path: Path, limits: Limits):
        version = Directory(path.parent.parent).version(path.parent.name, int(path.name))
        super().__init__(version, models.build(version), limits)


def _definitions(version: Version, known: Any) -> dict[str, SignatureDef]:
    return {
        name: SignatureDef(
            **{
                side: {
                    key: TensorInfo(
                        f"{name}_{key}:0", _TYPES[spec["dtype"]][1], Shape(tuple(map(Dimension, spec["shape"])))
                    )
                    for key, spec in signature[side].items()
                }
                for side in ("inputs", "outputs")
            },
        )
        for name, signature in version.manifest["signatures"].items()
        if name in known
    }


def _numpy(info: TensorInfo) -> "np.dtype[Any]":
    return next(dtype for dtype, number in _TYPES.values() if number == info.dtype)
