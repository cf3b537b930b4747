"""Two versions of a classifier, measured side by side on the newest eval photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from easel_serving.protocol.plain_paths import plain
from easel_serving.registry.directory import Version

from components.artifacts import tfrecords as records
from trainer.classifier.evaluation import evaluator
from trainer.classifier.input.preprocessing import CLASS_TEXT
from trainer.evaluation import intervals

_BATCH = 16


@dataclass(frozen=True)
class Comparison:
    """What two versions make of the same photos.

    Attributes:
        photos: how many.
        metrics: version number -> metric -> value.
        gain: accuracy of the second minus that of the first, with the bounds between which it lies with 95 %
            confidence, the photos being paired (`trainer.evaluation.intervals`): low, mean, high.
    """

    photos: int
    metrics: dict[int, dict[str, float]]
    gain: tuple[float, float, float]


def measure(versions: tuple[Version, Version], split: Path) -> Comparison:
    """Runs both versions on the Examples of a split."""
    photos = [(example.SerializeToString(), _text(example)) for example in records.examples(split)]
    truth = np.array([name for _, name in photos], dtype=object)
    judged = [_judged(version, [photo for photo, _ in photos], truth) for version in versions]
    difference = judged[1]["accuracy"] - judged[0]["accuracy"]
    low, high = intervals.of_mean(difference, -1.0, 1.0)
    return Comparison(
        photos=len(photos),
        metrics={version.number: evaluator.summary(each) for version, each in zip(versions, judged, strict=True)},
        gain=(low, float(difference.mean()), high),
    )


def _judged(version: Version, records: list[bytes], truth: np.ndarray) -> dict[str, np.ndarray]:
    loaded: Any = tf.saved_model.load(plain(version.path))
    outputs = [
        loaded.signatures["classify"](inputs=tf.constant(records[at : at + _BATCH]))
        for at in range(0, len(records), _BATCH)
    ]
    classes, scores = (np.concatenate([each[name].numpy() for each in outputs]) for name in ("classes", "scores"))
    return evaluator.judge(classes, scores, truth)


def _text(example: tf.train.Example) -> bytes:
    return example.features.feature[CLASS_TEXT].bytes_list.value[0]
