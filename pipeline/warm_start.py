"""Tells the classifier's Trainer which version to start from, at a path that does not change with the version.

What a Trainer is given is its cache key. Were the version part of it, the first run after a promotion would train
again although nothing had changed; so the Trainer gets the path of a file, and reads it only when it runs anyway.
"""

import json
from pathlib import Path

from easel_serving.directory import Directory

from pipeline.config import Config


def description(config: Config) -> Path:
    """The file that `trainer.classifier.warm_start.read` reads."""
    return config.workspace / "resume" / f"champion-{config.classifier.name}.json"


def describe_champion(config: Config) -> None:
    """Writes the file for the version that serves now; removes it when none does or none is asked for."""
    if not config.classifier:
        return
    file = description(config)
    stable = Directory(config.serving).stable(config.classifier.name) if config.classifier.train.warm_start else None
    labels = stable.manifest.get("labels") if stable else None
    if not labels:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"saved_model": str(stable.path), "labels": labels}))
