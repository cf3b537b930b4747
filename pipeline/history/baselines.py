"""Which earlier data a run's data are compared with: read from the workspace's metadata and the serving directory.

Both must be the same for a run that changed nothing, or its cache would be lost: the data of other runs are told
from this run's by the folder's fingerprint, not by time.
"""

from collections.abc import Iterable
from pathlib import Path

from easel_serving.registry.directory import Directory

from components.serving_pusher.attachments import STATISTICS
from pipeline.history.store import Store

MOST = 3
"""Earlier data that are offered; the first that differs from the present is taken."""


def previous(workspace: Path, pipeline: str, folder: str, fingerprint: str, gates: Iterable[str]) -> tuple[str, ...]:
    """The statistics of what a data lane read before and a gate let pass, the newest first.

    Runs that saw the folder as it is now, by its fingerprint, do not count; `gates` are the ids of the DataGates that
    judge this data lane.

    Returns:
        Folders of ExampleStatistics artifacts.
    """
    store = Store(workspace)
    seen = {
        examples.id: execution.properties["fingerprint"]
        for execution in store.executions(pipeline, f"ImageFolderExampleGen.{folder}")
        if execution.finished and (examples := execution.output("examples"))
    }
    judged = sorted(
        (execution for gate in gates for execution in store.executions(pipeline, gate) if execution.finished),
        key=lambda execution: execution.id,
        reverse=True,
    )
    passed = [
        execution.input("statistics")
        for execution in judged
        if execution.output("verdict").properties["passed"] and seen.get(execution.input("examples").id) != fingerprint
    ]
    return tuple(dict.fromkeys(each.uri for each in passed if each.live))[:MOST]


def champion(serving: Path, model: str, part: str) -> tuple[str, ...]:
    """The statistics of the data that the serving version of a model was trained on; none when nothing serves.

    Returns:
        One folder beside its manifest, or none.
    """
    stable = Directory(serving).stable(model)
    folder = stable and stable.manifest_dir / STATISTICS / part
    return (str(folder),) if folder and folder.is_dir() else ()
