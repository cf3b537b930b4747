"""Each evaluation pair's own figures, by painting."""

import hashlib
from collections import defaultdict

import numpy as np

from pipeline.history.verdicts import Outputs
from pipeline.pages.run_files import features
from trainer.evaluation.evaluator import read


def by_painting(outputs: Outputs) -> dict[str, dict[str, np.ndarray]]:
    """The candidate's metrics of the pairs with each painting, float [N] by painting and metric.

    `trainer.style.evaluation.evaluator` calls a pair by the digest of its two pictures.
    """
    evaluation = outputs.folder("Evaluator.style", "evaluation")
    pairs = outputs.folder("StylePairs.style", "examples")
    found = read(str(evaluation)).outcomes() if evaluation and pairs else None
    if found is None:
        return {}
    rows = {key: row for row, key in enumerate(found["key"])}
    members: dict[str, list[int]] = defaultdict(list)
    for pair in features(pairs / "Split-eval"):
        content, style = (pair[name].bytes_list.value[0] for name in ("content_bytes", "style_bytes"))
        row = rows.get(hashlib.sha256(content + style).hexdigest().encode())
        if row is not None:
            members[pair["painting"].bytes_list.value[0].decode()].append(row)
    metrics = [name for name in found.dtype.names if name != "key"]
    return {
        name: {metric: found[metric][chosen].astype(float) for metric in metrics} for name, chosen in members.items()
    }
