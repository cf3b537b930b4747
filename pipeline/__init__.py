"""What runs and in what order: configuration, the DAG, the runner, the `easel` command, progress and reports."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Our artifact types, where TFX's containers on Kubeflow look for them: see `pipeline.scheduling.kubeflow`."""
    if name[:1].isupper():
        from components.artifacts import types

        if hasattr(types, name):
            return getattr(types, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
