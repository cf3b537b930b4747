"""Gathers from a run's artifacts what the classifier's pictures show, and writes them beside the contact sheet."""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.utils import path_utils

from pipeline.history.verdicts import Outputs
from pipeline.pages import run_files
from pipeline.pages.contact_sheet import classifier_sheet
from pipeline.pages.contact_sheet.classifier_sheet import Answer
from pipeline.pages.contact_sheet.sheet import Confusion
from trainer.classifier.evaluation.evaluator import KEY, confusion, reliability
from trainer.classifier.evaluation.explain import occlusion
from trainer.classifier.export.tflite import INPUT, OUTPUT
from trainer.classifier.input.preprocessing import CLASS_TEXT, ENCODED
from trainer.evaluation.evaluator import read

_MISTAKES, _UNCERTAIN, _EXPLAINED = 12, 12, 4


@dataclass(frozen=True)
class Findings:
    """What there is to see of a classifier.

    Attributes:
        confusion: over all eval photos, see `trainer.classifier.evaluation.evaluator`.
        reliability: likewise.
        history: phase -> Keras' history.
        augmented: a picture of augmented training photos, or None.
        answers: by title, the photos with what the model says of them.
    """

    confusion: Confusion
    reliability: np.ndarray
    history: Mapping[str, Mapping[str, list]]
    augmented: Path | None
    answers: Mapping[str, Sequence[Answer]]


def gather(outputs: Outputs) -> Findings | None:
    """Asks the artifacts and the model; None when no classifier was evaluated in this run, or too little of it."""
    evaluation, model = (
        outputs.folder("Evaluator.classifier", "evaluation"),
        outputs.folder("Trainer.classifier", "model"),
    )
    examples = outputs.folder("ImageFolderExampleGen.photos", "examples")
    if not evaluation or not model or not examples:
        return None
    measured = read(str(evaluation))
    outcomes = measured.outcomes()
    if outcomes is None or not {"accuracy", "confidence"} <= set(outcomes.dtype.names):
        return None  # by an older Easel
    mistakes, uncertain = choose(outcomes)
    found = _answers(model, examples / "Split-eval", [*mistakes, *uncertain], set(mistakes[:_EXPLAINED]))
    blocks = {
        "the surest mistakes": [found[key] for key in mistakes],
        "the least certain": [found[key] for key in uncertain],
    }
    augmented = model / "augmented.png"
    return Findings(
        confusion=Confusion(*confusion(measured)),
        reliability=reliability(measured),
        history=json.loads((model / "model.json").read_text())["training"].get("history", {}),
        augmented=augmented if augmented.exists() else None,
        answers={title: block for title, block in blocks.items() if block},
    )


def write(findings: Findings, folder: Path) -> None:
    """Writes `classifier-*.png` and `classifier-classes.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "classifier-classes.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "precision", "recall", "f1", "photos"])
        writer.writerows(classifier_sheet.class_table(findings.confusion))
    classifier_sheet.report(
        folder / "classifier-report.png",
        f"classifier, run {folder.name}",
        findings.reliability,
        findings.confusion,
        findings.history,
    )
    if findings.augmented:
        shutil.copyfile(findings.augmented, folder / "classifier-augmented.png")
    classifier_sheet.answers(folder / "classifier-answers.png", findings.answers)


def choose(outcomes: np.ndarray) -> tuple[list[bytes], list[bytes]]:
    """The keys of the photos to show: wrong answers, the surest first; and the least sure answers, the least first.

    `outcomes` has the fields `key`, `accuracy` and `confidence` (see `Evaluation.outcomes`).
    """
    order = np.argsort(outcomes["confidence"], kind="stable")
    wrong = [outcomes["key"][i] for i in order[::-1] if outcomes["accuracy"][i] < 0.5]
    return wrong[:_MISTAKES], [outcomes["key"][i] for i in order[:_UNCERTAIN]]


def _answers(model: Path, split: Path, keys: list[bytes], explained: set[bytes]) -> dict[bytes, Answer]:
    """What the model says of the chosen photos of a split."""
    served = tf.saved_model.load(path_utils.serving_model_path(str(model)))
    loaded = tf.saved_model.load(str(model / "tflite" / "classifier"))  # a signature alone does not keep its variables
    part = loaded.signatures["serving_default"]
    found = {}
    for features in run_files.features(split):
        key = features[KEY].bytes_list.value[0]
        if key not in keys:
            continue
        encoded = features[ENCODED].bytes_list.value[0]
        said = served.signatures["serving_default"](image_bytes=tf.constant([encoded]))
        scores = said["scores"].numpy()[0]
        attention = None
        if key in explained:
            pixels = served.prepare(tf.constant([encoded])).numpy()[0].astype(np.float32)
            attention = occlusion(
                lambda image: part(**{INPUT: tf.constant(image)})[OUTPUT].numpy(), pixels, int(scores.argmax())
            )
        found[key] = Answer(
            photo=run_files.pixels(encoded),
            truth=features[CLASS_TEXT].bytes_list.value[0].decode(),
            scores=dict(zip((name.decode() for name in said["classes"].numpy()[0]), scores.tolist(), strict=True)),
            attention=attention,
        )
    return found
