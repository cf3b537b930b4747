"""Gathers what a run's contact sheet shows from the artifacts of the run."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.utils import path_utils

from pipeline import classifier_report
from pipeline.config import Config
from pipeline.files_of_run import pixels, records
from pipeline.outcome import Outputs
from pipeline.sheet import Confusion, Gallery, contact_sheet
from trainer.classifier.evaluation import confusion

PHOTOS, PAINTINGS = 4, 6
"""Rows and columns of the gallery: more would not be looked at."""


def write(config: Config, outputs: Outputs, folder: Path) -> Path | None:
    """Draws `contact-sheet.png` from what was evaluated in this run, and the classifier's own pictures beside it.

    Returns:
      Its path; None when no model was evaluated, because nothing changed or the data stopped the lanes.
    """
    gallery, matrix = _gallery(outputs), _confusion(outputs)
    if not gallery and not matrix:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "contact-sheet.png"
    contact_sheet(path, f"{config.name}, run {folder.name}", gallery, matrix)
    classifier_report.write(outputs, folder)
    return path


def _confusion(outputs: Outputs) -> Confusion | None:
    evaluation = outputs.folder("Evaluator.classifier", "evaluation")
    return Confusion(*confusion(str(evaluation))) if evaluation else None


def _gallery(outputs: Outputs) -> Gallery | None:
    """The candidate's pictures of some evaluation pairs, approved or not: one wants to look at a rejected one."""
    pairs, model = outputs.folder("StylePairs.style", "examples"), outputs.folder("StyleTrainer.style", "model")
    if not pairs or not model or not outputs.folder("Evaluator.style", "evaluation"):
        return None
    contents, styles = {}, {}
    for pair in records(pairs / "Split-eval"):
        contents.setdefault(_text(pair, "photo"), _bytes(pair, "content_bytes"))
        styles.setdefault(_text(pair, "painting"), _bytes(pair, "style_bytes"))
    names = _spread(sorted(styles), PAINTINGS)
    photos = [contents[name] for name in _spread(sorted(contents), PHOTOS)]
    stylize = tf.saved_model.load(path_utils.serving_model_path(str(model))).signatures["serving_default"]
    stylised = [
        [
            stylize(
                content_bytes=tf.constant([photo]),
                style_bytes=tf.constant([styles[name]]),
                strength=tf.constant([1.0]),
            )["stylized_bytes"].numpy()[0]
            for name in names
        ]
        for photo in photos
    ]
    return Gallery(
        photos=[pixels(photo) for photo in photos],
        paintings=[pixels(styles[name]) for name in names],
        stylised=[[pixels(picture) for picture in row] for row in stylised],
        painting_names=names,
    )


def _spread(names: list[str], most: int) -> list[str]:
    """At most `most` of the names, evenly spread over the list."""
    return [names[round(i)] for i in np.linspace(0, len(names) - 1, min(most, len(names)))]


def _bytes(pair: dict, key: str) -> bytes:
    return pair[key].bytes_list.value[0]


def _text(pair: dict, key: str) -> str:
    return _bytes(pair, key).decode()
