"""Runs a compiled pipeline node by node, as TFX's LocalDagRunner does, with two differences.

A node that fails takes down only what depends on it, so that one broken lane does not cost the other its night. And
each node's start and end are told to `on_event`, because TFX itself reports them only in its log.
"""

import datetime
import functools
import json
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from absl import logging
from tfx.orchestration import metadata
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

from pipeline.history import recorder
from pipeline.history.store import Store
from pipeline.progress.wording import line_of
from pipeline.running.beam.arguments import LOCAL
from pipeline.running.operators import BeamOperator, PythonOperator

PIPELINE_RUN_ID = "pipeline-run-id"

OnEvent = Callable[[str, str], None]
"""Called with a node's id and its state: running, done, cached, stopped, skipped or failed."""


@dataclass
class Trace:
    """What happened to each node: its state, its execution in MLMD, and the exceptions of those that failed."""

    run_id: str = ""
    states: dict[str, str] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)
    errors: dict[str, BaseException] = field(default_factory=dict)


class LaneRunner(local_dag_runner.LocalDagRunner):
    """LocalDagRunner that keeps going beside a failure; `run(pipeline)` returns the Trace.

    Args:
        on_event: told of each node.
        about: facts of the run for `pipeline.history`, by name.
        wanted: asked before a node is launched, with what happened so far; False skips it and what depends on it.
        beam_arguments: asked when a component that uses Beam is run. They are no part of the pipeline, and so of no
            cache key: where the work is done does not change what comes of it.
    """

    launcher = launcher.Launcher
    """What runs a node, or finds it in the cache."""

    def __init__(
        self,
        on_event: OnEvent,
        about: Mapping[str, str] | None = None,
        wanted: Callable[[str, Trace], bool] = lambda node_id, trace: True,
        beam_arguments: Callable[[], Sequence[str]] = lambda: LOCAL,
    ):
        super().__init__()
        self._on_event = on_event
        self._about = about or {}
        self._wanted = wanted
        self._operators = {
            executable_spec_pb2.BeamExecutableSpec: functools.partial(BeamOperator, arguments=beam_arguments),
            executable_spec_pb2.PythonClassExecutableSpec: PythonOperator,
        }

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options=None) -> Trace:
        """Runs the nodes in topological order.

        `run_options` are not supported, because a partial run would bypass the gates.

        Returns:
            The states of all nodes. An executor's exception is recorded there, not raised.
        """
        trace = Trace(run_id=datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S-%f"))
        runtime_parameter_utils.substitute_runtime_parameter(pipeline, {PIPELINE_RUN_ID: trace.run_id})
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        connection = getattr(
            deployment.metadata_connection_config,
            deployment.metadata_connection_config.WhichOneof("connection_config"),
        )
        store = Store(Path(connection.sqlite.filename_uri).parent)
        recorder.note(connection, pipeline.pipeline_info.id, trace.run_id, self._about)
        for wrapped in pipeline.nodes:
            node = wrapped.pipeline_node
            node_id = node.node_info.id
            if any(trace.states.get(upstream) in ("failed", "skipped") for upstream in node.upstream_nodes):
                # TFX's own launcher raises when a condition looks for the output of a node that was skipped.
                self._note(trace, node_id, "skipped")
                continue
            if not self._wanted(node_id, trace):
                self._note(trace, node_id, "skipped")
                continue
            self._note(trace, node_id, "running")
            try:
                info = self.launcher(
                    pipeline_node=node,
                    mlmd_connection=metadata.Metadata(connection),
                    pipeline_info=pipeline.pipeline_info,
                    pipeline_runtime_spec=pipeline.runtime_spec,
                    executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                    custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
                    custom_executor_operators=self._operators,
                ).launch()
            except Exception as error:
                logging.error("%s failed:\n%s", node_id, traceback.format_exc())
                trace.errors[node_id] = error
                self._note(trace, node_id, "failed")
                continue
            if info is None or info.execution_id is None:
                self._note(trace, node_id, "skipped")
                continue
            trace.executions[node_id] = info.execution_id
            execution = store.execution(info.execution_id)
            state = execution.state if execution.finished else "failed"
            self._note(trace, node_id, "stopped" if execution.stopped else state)
        errors = {node_id: line_of(error) for node_id, error in trace.errors.items()}
        end = {"finished": f"{time.time():.3f}", "errors": json.dumps(errors)}
        recorder.note(connection, pipeline.pipeline_info.id, trace.run_id, end)
        return trace

    def _note(self, trace: Trace, node_id: str, state: str) -> None:
        trace.states[node_id] = state
        self._on_event(node_id, state)
