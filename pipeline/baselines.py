"""Which earlier data a run's data are compared with: read from the workspace's metadata and the serving directory.

Both must be the same for a run that changed nothing, or its cache would be lost: the data of other runs are told
from this run's by the folder's fingerprint, not by time.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from easel_serving.directory import Directory
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from components.serving_pusher.attachments import STATISTICS

MOST = 3
"""Earlier data that are offered; the first that differs from the present is taken."""
_Event = metadata_store_pb2.Event


def previous(workspace: Path, pipeline: str, folder: str, fingerprint: str, gates: Iterable[str]) -> tuple[str, ...]:
    """The statistics of what a data lane read before and a gate let pass, the newest first.

    Args:
      workspace: of the runs.
      pipeline: its name.
      folder: the data lane, such as `photos`.
      fingerprint: of the folder now; runs that saw the folder as it is now do not count.
      gates: ids of the DataGates that judge this data lane.

    Returns:
      Folders of ExampleStatistics artifacts.
    """
    database = workspace / "metadata.sqlite"
    if not database.exists():
        return ()
    store = MetadataStore(metadata.sqlite_metadata_connection_config(str(database)))
    seen = {
        links["examples"]: execution.custom_properties["fingerprint"].string_value
        for execution, links in _executions(store, pipeline, f"ImageFolderExampleGen.{folder}")
        if "examples" in links
    }
    judged = [
        (execution.id, links)
        for gate in gates
        for execution, links in _executions(store, pipeline, gate)
        if "verdict" in links and seen.get(links["examples"]) != fingerprint
    ]
    judged.sort(key=lambda each: each[0], reverse=True)
    verdicts = {each.id: each for each in store.get_artifacts_by_id([links["verdict"] for _, links in judged])}
    passed = [links["statistics"] for _, links in judged if verdicts[links["verdict"]].properties["passed"].int_value]
    newest = list(dict.fromkeys(passed))[:MOST]
    uris = {each.id: each.uri for each in store.get_artifacts_by_id(newest)}
    return tuple(uris[number] for number in newest)


def champion(serving: Path, model: str, part: str) -> tuple[str, ...]:
    """The statistics of the data that the serving version of a model was trained on; none when nothing serves.

    Args:
      serving: the serving directory.
      model: the model's name.
      part: `photos` or `paintings`.

    Returns:
      One folder beside its manifest, or none.
    """
    stable = Directory(serving).stable(model)
    folder = stable and stable.manifest_dir / STATISTICS / part
    return (str(folder),) if folder and folder.is_dir() else ()


def _executions(
    store: MetadataStore, pipeline: str, node: str
) -> Iterator[tuple[metadata_store_pb2.Execution, dict[str, int]]]:
    """The executions of a node that came to an end, with their artifacts' ids by the channels' names."""
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    if context is None:
        return
    done = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
    executions = [each for each in store.get_executions_by_context(context.id) if each.last_known_state in done]
    links: dict[int, dict[str, int]] = {execution.id: {} for execution in executions}
    for event in store.get_events_by_execution_ids(list(links)):
        if event.type in (_Event.INPUT, _Event.OUTPUT):
            links[event.execution_id][event.path.steps[0].key] = event.artifact_id
    for execution in executions:
        yield execution, links[execution.id]
