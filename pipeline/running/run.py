"""One run from configuration to result: snapshot, pipeline, verdicts, contact sheet."""

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from pipeline import dag
from pipeline.configuration.config import Config
from pipeline.history import recorder
from pipeline.history.result import RunResult
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs, model_results
from pipeline.pages.contact_sheet import contents
from pipeline.pages.data import page as data_page
from pipeline.pages.report import page as report
from pipeline.planning import snapshot, warm_start
from pipeline.planning.triggers import Decision
from pipeline.progress.events import Events
from pipeline.running import batches, settled
from pipeline.running.beam import reading
from pipeline.running.beam.flink import Session
from pipeline.running.lane_runner import LaneRunner
from pipeline.running.skips import Skips
from trainer.base.progress import LOGGER


def run(
    config: Config,
    events: Events,
    log: Path | None = None,
    decisions: Mapping[str, Decision] | None = None,
    began: float | None = None,
) -> RunResult:
    """Runs the pipeline in this process, with the workspace's lock held by the caller.

    Args:
        config: the configuration; its folders exist.
        events: told what happens, from this thread and from Beam's.
        log: where the run's log is written, to be remembered.
        decisions: whether to train each model, by lane (see `preflight`); those without one are trained. The data of
            all are read and validated.
        began: when the run was asked for, in seconds since the epoch; now, unless given.

    Returns:
        The result, also when nodes failed: their exceptions are in the log and in the models' reasons.
    """
    began = began or time.time()
    batches.bound_by_bytes()
    reading.share(config.beam)
    warm_start.describe_champions(config)
    events.phase("comparing the folders with the last run")
    world = snapshot.take(config)
    pipeline, nodes = dag.build(config, world)
    events.plan(nodes)
    relay = _Relay(events)
    LOGGER.addHandler(relay)
    LOGGER.setLevel(logging.INFO)
    reasons = Skips(config, decisions or {})
    try:
        with Session(config.beam, config.beam_args) as beam:
            about = _about(config, world, log, began)
            trace = LaneRunner(relay.node, about, reasons.wanted, beam.arguments).run(pipeline)
    finally:
        LOGGER.removeHandler(relay)
    recorder.note(pipeline.metadata_connection_config, config.name, trace.run_id, reasons.untrained())
    events.phase("drawing the report")
    store = Store(config.workspace)
    outputs = Outputs(store.run(trace.run_id))
    folder, title = config.workspace / "runs" / trace.run_id, f"{config.name}, run {trace.run_id}"
    material = report.gather(config, outputs)
    result = RunResult(
        run_id=trace.run_id,
        models=model_results(config, outputs),
        sheet=contents.write(title, material.painted, material.findings, folder),
        data_page=data_page.write(title, material.sections, folder),
        report=report.write(store, outputs, material, folder),
        seconds=time.time() - began,
        serving=config.serving,
    )
    kept = settled.note(config, world, decisions or {}, result, nodes, trace.states)
    end = {"finished": f"{time.time():.3f}"}  # with the pages, which are a part of it
    recorder.note(pipeline.metadata_connection_config, config.name, trace.run_id, kept | end)
    return result


def _about(config: Config, world: snapshot.Snapshot, log: Path | None, began: float) -> dict[str, str]:
    """What the history keeps of a run besides what TFX does (see `history.recorder`)."""
    facts = {"configuration": json.dumps(config.described()), "provenance": json.dumps(world.provenance)}
    return facts | {"began": f"{began:.3f}"} | ({"log": str(log)} if log else {})


class _Relay(logging.Handler):
    """Gives progress records to the node that runs now: LaneRunner runs one at a time."""

    def __init__(self, events: Events):
        super().__init__()
        self._events = events
        self._current: str | None = None

    def node(self, node_id: str, state: str) -> None:
        """Passes a state on to the view."""
        self._current = node_id if state == "running" else None
        if state == "running":
            self._events.node_started(node_id)
        else:
            self._events.node_finished(node_id, state)

    def emit(self, record: logging.LogRecord) -> None:
        """Passes counts on to the view."""
        if self._current is not None and hasattr(record, "progress"):
            self._events.node_progress(self._current, record.progress)
