"""The Model artifact of a classifier, be it the network or the trivial baseline."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.base.errors import UserError
from trainer.classifier.export import signatures
from trainer.classifier.input.preprocessing import VOCABULARY


def class_names(transform: tft.TFTransformOutput) -> list[str]:
    """The classes in the order of the labels.

    Raises:
        UserError: there are fewer than two.
    """
    labels = [name.decode() for name in transform.vocabulary_by_name(VOCABULARY)]
    if len(labels) < 2:
        found = ", ".join(labels)
        raise UserError(f"classifier.photos: only one class ({found}); put the photos of each class in a folder")
    return labels


def write_model(
    fn_args: FnArgs, scorer: signatures.Scorer, labels: Sequence[str], image_size: int, facts: dict[str, Any]
) -> Path:
    """Writes the served SavedModel to `fn_args.serving_model_dir` and `model.json`, with `facts`, beside it.

    Returns:
        The artifact's folder.
    """
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    served = signatures.ServedClassifier(scorer, labels, transform, image_size)
    signatures.save_served(served, fn_args.serving_model_dir)
    folder = Path(fn_args.serving_model_dir).parent
    about = {
        "kind": "classifier",
        "labels": list(labels),
        "image_size": image_size,
        "demo": False,
        "notes": [],
        **facts,
    }
    (folder / "model.json").write_text(json.dumps(about, indent=1))
    return folder
