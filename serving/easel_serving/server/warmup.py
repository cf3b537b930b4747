"""Reads TensorFlow Serving's warm-up records: TFRecords of `PredictionLog`.

Messages: tensorflow_serving/apis/{prediction_log,predict,classification,input,model}.proto. They are read in their wire
format, because `tensorflow-serving-api`, which has their classes, is in the extra `grpc` only.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from easel_serving.server.example_protos import fields

_CLASSIFY_LOG, _PREDICT_LOG = 2, 6
_REQUEST = 1
_MODEL_SPEC, _INPUT = 1, 2
_SIGNATURE_NAME = 3
_EXAMPLE_LIST, _EXAMPLES = 1, 1
_KEY, _VALUE = 1, 2


def requests(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """`(signature, inputs)` of each predict and classify record; other kinds are passed over.

    Raises:
        ValueError: a record is no `PredictionLog`.
    """
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        for request in _within(record, _PREDICT_LOG, _REQUEST):
            yield _signature(request), dict(map(_tensor, fields(request, _INPUT)))
        for request in _within(record, _CLASSIFY_LOG, _REQUEST):
            examples = _within(request, _INPUT, _EXAMPLE_LIST, _EXAMPLES)
            yield _signature(request), {"inputs": np.array(examples, dtype=object)}


def _signature(request: bytes) -> str:
    return b"".join(_within(request, _MODEL_SPEC, _SIGNATURE_NAME)[-1:]).decode()


def _tensor(entry: bytes) -> tuple[str, np.ndarray]:
    """One entry of the map from names to tensors."""
    [key], [value] = fields(entry, _KEY), fields(entry, _VALUE)
    return key.decode(), tf.make_ndarray(tensor_pb2.TensorProto.FromString(value))


def _within(message: bytes, *numbers: int) -> list[bytes]:
    """What is found on a path of fields."""
    found = [message]
    for number in numbers:
        found = [inner for outer in found for inner in fields(outer, number)]
    return found
