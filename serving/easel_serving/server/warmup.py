"""Reads TensorFlow Serving's warm-up records (TFRecords of `PredictionLog`)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2


def requests(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """`(signature, inputs)` of each predict and classify record; other kinds are passed over."""
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if log.HasField("predict_log"):
            request = log.predict_log.request
            yield (
                request.model_spec.signature_name,
                {key: tf.make_ndarray(value) for key, value in request.inputs.items()},
            )
        elif log.HasField("classify_log"):
            request = log.classify_log.request
            examples = [example.SerializeToString() for example in request.input.example_list.examples]
            yield request.model_spec.signature_name, {"inputs": np.array(examples, dtype=object)}
