"""What the images that are kept for evaluation can show of a model, before any is trained."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from components.image_folder_example_gen.whole_folder.report import Report
from pipeline.configuration.config import Config
from pipeline.configuration.lanes import ClassifierLane, StyleLane
from pipeline.progress.wording import number
from trainer.evaluation import intervals
from trainer.evaluation.rules import EXAMPLE_RANGES

WINS = math.floor(math.log(1 - intervals.CONFIDENCE) / math.log(0.5)) + 1
"""So many examples, on which one model is right and the other is wrong and none the other way round, are no luck."""


def foretell(config: Config, reports: Mapping[str, Report]) -> list[str]:
    """What there are too few eval images for, how many it takes, and which keys to change; [] when there are enough.

    `reports` are of the input folders that were read, by key (`classifier.photos`).
    """
    lines: list[str] = []
    if config.classifier and "classifier.photos" in reports:
        counts = reports["classifier.photos"].splits.get("eval", {})
        found = list(_classifier(config.classifier, counts))
        if found:
            found.append(
                f"to evaluate on more: more photos, or ingest.eval_fraction above {config.ingest.eval_fraction:g}; "
                "to ask for less: classifier.thresholds (null switches a rule off)"
            )
        lines += (f"{config.classifier.name}: {line}" for line in found)
    if config.style and {"style.photos", "style.paintings"} <= reports.keys():
        photos = sum(reports["style.photos"].splits.get("eval", {}).values())
        lines += _style(config.style, photos, reports["style.paintings"].examples)
    return lines


def _classifier(lane: ClassifierLane, counts: Mapping[str, int]) -> Iterator[str]:
    total, rule = sum(counts.values()), lane.thresholds.get("accuracy")
    if not total:
        return
    photos = f"{number(total)} photo{'' if total == 1 else 's'} to evaluate with"
    margin = rule and rule.beats_trivial_by
    if rule and (margin is not None or rule.beats_trivial_times is not None):
        commonest = max(counts, key=counts.get)
        rest = total - counts[commonest]
        enough = math.ceil(WINS / margin) if margin else None
        if rest < WINS:
            yield (
                f"of {photos} only {rest} are not {commonest}, too few to tell any classifier from one that always "
                f"answers {commonest}: it takes {WINS}, and without them no first version can be approved"
            )
        elif enough and total < enough:
            yield (
                f"{photos} can show that a model beats the trivial ones only where those get {WINS} or more wrong; "
                f"otherwise a first version becomes a canary, which serves after `easel models promote`. "
                f"An advantage of {margin:g} takes {number(enough)} photos"
            )
    for metric, asked in lane.thresholds.items():
        allowed = asked.max_probable_loss_to_champion
        if allowed is None or not (needed := _equal(metric, allowed)) or total >= needed:
            continue
        yield (
            f"{photos} cannot show that a later version loses at most {allowed:g} of {metric} to the one that serves, "
            f"even if both answer alike: none would be approved; it takes {number(needed)} photos"
        )


def _style(lane: StyleLane, photos: int, paintings: int) -> Iterator[str]:
    pairs = min(photos, lane.pairs.photos) * min(paintings, lane.pairs.paintings or paintings)
    rules = lane.thresholds.values()
    if pairs < intervals.FEWEST and any(rule.beats_trivial_by or rule.beats_trivial_times for rule in rules):
        yield (
            f"{lane.name}: {pairs} pictures to evaluate are too few to tell a network from colour transfer; it takes "
            f"{intervals.FEWEST}: more photos or paintings, or a larger style.pairs.photos"
        )


def _equal(metric: str, allowed: float) -> int | None:
    """How many examples it takes to show that two models that answer alike differ by no more than is allowed."""
    low, high = EXAMPLE_RANGES[metric]
    return intervals.examples_needed(np.zeros(1), low - high, -allowed)
