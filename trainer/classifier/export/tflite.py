"""The classifier's side of the TFLite export: what it is calibrated and scored on, and when a variant is withheld."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.classifier.input.preprocessing import CLASS_TEXT, ENCODED
from trainer.tflite.contract import Judgement, Measurement, Part, Sample, Tensors
from trainer.tflite.metadata import with_classifier_metadata
from trainer.tflite.options import ClassifierTFLiteOptions

OPTIONS = ClassifierTFLiteOptions

INPUT, OUTPUT = "image", "scores"
# A layer's mean is taken over all places of the photos, so that few of them will do.
_BIAS_EXAMPLES = 16


def parts(model_dir: Path, options: ClassifierTFLiteOptions) -> list[Part]:
    """The one part `classifier`: `image` float32 [1, S, S, 3], 0..255 -> `scores` float32 [1, K]."""
    about = json.loads((model_dir / "model.json").read_text(encoding="utf-8"))
    labels = about["labels"]
    served = tf.saved_model.load(str(model_dir / "Format-Serving"))

    def samples(records: Iterable[bytes]) -> Iterator[Sample]:
        """Photos as the served model itself prepares them."""
        for record in records:
            features = tf.train.Example.FromString(record).features.feature
            (photo,) = features[ENCODED].bytes_list.value
            (name,) = features[CLASS_TEXT].bytes_list.value
            pixels = served.prepare(tf.constant([photo])).numpy().astype(np.float32)
            yield Sample({INPUT: pixels}, group=name.decode())

    def measure(sample: Sample, expected: Tensors, got: Tensors) -> dict[str, float]:
        return compare(sample.group, labels, expected[OUTPUT][0], got[OUTPUT][0])

    def judge(variant: str, measurements: Sequence[Measurement]) -> Judgement:
        return judge_accuracy(measurements, options.max_accuracy_drop)

    return [
        Part(
            name="classifier",
            saved_model=model_dir / "tflite" / "classifier",
            samples=samples,
            measure=measure,
            judge=judge,
            images=(INPUT,),
            quantised=(OUTPUT,),
            bias_examples=_BIAS_EXAMPLES,
            finish=lambda content: with_classifier_metadata(content, labels, "classifier", about["image_size"]),
        )
    ]


def compare(truth: str, labels: Sequence[str], expected: np.ndarray, got: np.ndarray) -> dict[str, float]:
    """One photo's figures.

    `labels` are in the order of the scores [K]; a true class that is not among them is never recognised.

    Returns:
        `correct` and `expected_correct` (1 or 0), `agree` (1 when both recognise the same class), `score_difference`
        (the largest over classes); a variant whose scores are not finite agrees on nothing, with an infinite
        difference.
    """
    if not np.isfinite(got).all():
        got = np.full_like(got, np.inf)
        recognised = ""
    else:
        recognised = labels[int(np.argmax(got))]
    wanted = labels[int(np.argmax(expected))]
    return {
        "correct": float(recognised == truth),
        "expected_correct": float(wanted == truth),
        "agree": float(recognised == wanted),
        "score_difference": float(np.abs(got - expected).max()),
    }


def judge_accuracy(measurements: Sequence[Measurement], max_drop: float) -> Judgement:
    """Withholds a variant that recognises fewer photos than the SavedModel does.

    One photo may be lost in any case: less cannot be told apart.
    """
    mean = {
        name: float(np.mean([m.values[name] for m in measurements]))
        for name in ("correct", "expected_correct", "agree")
    }
    difference = max(m.values["score_difference"] for m in measurements)
    drop = mean["expected_correct"] - mean["correct"]
    metrics = {
        "accuracy": mean["correct"],
        "accuracy_drop": drop,
        "top1_agreement": mean["agree"],
        "max_score_difference": difference,
    }
    reason = ""
    lost = round(drop * len(measurements))
    if lost > max(1, max_drop * len(measurements)):
        reason = (
            f"accuracy {mean['correct']:.3f} is {drop:.3f} below the SavedModel's {mean['expected_correct']:.3f} "
            f"on {len(measurements)} photos (at most {max_drop:.3g} is allowed)"
        )
    elif not np.isfinite(difference):
        reason = "some scores are not finite"
    return Judgement(metrics, reason)
