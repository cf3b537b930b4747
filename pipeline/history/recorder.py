"""Writes about a run what TFX does not: as custom properties of the run's context in ML Metadata.

When it begins: `configuration` and `provenance` (both JSON), `began` (when the command was given, seconds since the
epoch) and `log`. When it ends: `finished` (like `began`) and `errors` (JSON, a line by node id); `untrained` (JSON by
lane) when there was no reason to train a model; `settled` (JSON, see `running.settled`) when another run would
change nothing. A run that was killed has no `finished`.
"""

from collections.abc import Mapping

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata
from tfx.orchestration.portable.mlmd import context_lib


def note(connection: metadata_store_pb2.ConnectionConfig, pipeline: str, run_id: str, facts: Mapping[str, str]) -> None:
    """Adds facts to a run, which need not have begun: TFX takes up a context that is there."""
    if not facts:
        return
    with metadata.Metadata(connection) as handle:
        owner = context_lib.register_context_if_not_exists(handle, "pipeline", pipeline)
        run = context_lib.register_context_if_not_exists(handle, "pipeline_run", run_id, parent_contexts=[owner])
        for name, text in facts.items():
            run.custom_properties[name].string_value = text
        handle.store.put_contexts([run])
