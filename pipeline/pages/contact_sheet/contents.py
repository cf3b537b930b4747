"""Gathers what a run's contact sheet shows from the artifacts of the run."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.utils import path_utils

from pipeline.history.verdicts import Outputs
from pipeline.pages.contact_sheet import classifier_findings
from pipeline.pages.contact_sheet.classifier_findings import Findings
from pipeline.pages.contact_sheet.sheet import Gallery, contact_sheet
from pipeline.pages.run_files import features, pixels

PHOTOS, PAINTINGS = 4, 6
"""Rows and columns of the gallery: more would not be looked at."""


def write(title: str, painted: Gallery | None, findings: Findings | None, folder: Path) -> Path | None:
    """Draws `contact-sheet.png`, and the classifier's own pictures beside it.

    Returns:
        Its path; None when no model was evaluated, because nothing changed or the data stopped the lanes.
    """
    if not painted and not findings:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "contact-sheet.png"
    contact_sheet(path, title, painted, findings.confusion if findings else None)
    if findings:
        classifier_findings.write(findings, folder)
    return path


def gallery(outputs: Outputs, node: str = "StyleTrainer.style") -> Gallery | None:
    """What a model paints from some evaluation pairs, approved or not: one wants to look at a rejected one, too.

    `node` put the model out: the candidate's trainer, or `Champion.style`.

    Returns:
        None when no style network was evaluated in this run, or nothing served before it.
    """
    pairs, model = outputs.folder("StylePairs.style", "examples"), outputs.folder(node, "model")
    if not pairs or not model or not outputs.folder("Evaluator.style", "evaluation"):
        return None
    contents, styles = {}, {}
    for pair in features(pairs / "Split-eval"):
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
