"""Tells the trainers which version to start from, at a path that does not change with the version.

What a trainer is given is its cache key. Were the version part of it, the first run after a promotion would train
again although nothing had changed; so the trainer gets the path of a file, and reads it only when it runs anyway.
"""

import json
from pathlib import Path

from easel_serving import shipped
from easel_serving.registry.directory import Directory

from pipeline.configuration.config import Config
from pipeline.configuration.lanes import ClassifierLane, StyleLane


def description(config: Config, lane: ClassifierLane | StyleLane) -> Path:
    """The file that `trainer.training.champions.read` reads."""
    return config.workspace / "resume" / f"champion-{lane.name}.json"


def describe_champions(config: Config) -> None:
    """Writes each lane's file for the version that serves now; removes it when none does or none is asked for."""
    for lane in (config.classifier, config.style):
        if lane is None:
            continue
        file = description(config, lane)
        stable = Directory(config.serving).stable(lane.name) if may_start_from_champion(lane) else None
        if stable is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"saved_model": str(stable.path), "labels": stable.manifest.get("labels") or []}
        file.write_text(json.dumps(about | {"title": stable.title, "codes": stable.codes}))


def may_start_from_champion(lane: ClassifierLane | StyleLane) -> bool:
    """Whether the lane's training starts from the version that serves, if one does."""
    if isinstance(lane, StyleLane):
        return lane.train.start in ("auto", "champion")
    return lane.train.warm_start


def style_is_warm(config: Config) -> bool:
    """Whether the style network's training will start from one that paints, as far as can be told beforehand.

    That the version that serves is of another shape is found out when its weights are read.

    Raises:
        ServingError: what ships with Easel is damaged or missing, and may be needed.
    """
    lane = config.style
    if lane.train.start == "scratch":
        return False
    served = may_start_from_champion(lane) and Directory(config.serving).stable(lane.name) is not None
    return served or shipped.has_shape(lane.network.model_dump(mode="json"))
