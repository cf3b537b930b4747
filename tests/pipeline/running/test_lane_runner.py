"""A pipeline of toy components: what a failure, a closed gate and the cache do to the nodes beside them."""

from pathlib import Path

import pytest
from easel_serving.protocol import plain_paths
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.experimental.conditionals.conditional import Cond
from tfx.orchestration import metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts.types import DataVerdict
from pipeline.history.store import Store
from pipeline.running import dry_run
from pipeline.running.lane_runner import LaneRunner


class GateExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        output_dict["verdict"][0].passed = exec_properties["passed"]
        Path(output_dict["verdict"][0].uri, "verdict.json").write_text("{}")


class GateSpec(ComponentSpec):
    PARAMETERS = {"passed": ExecutionParameter(type=int)}
    INPUTS = {}
    OUTPUTS = {"verdict": ChannelParameter(type=DataVerdict)}


class Gate(base_component.BaseComponent):
    SPEC_CLASS = GateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(GateExecutor)

    def __init__(self, name, passed):
        super().__init__(GateSpec(passed=passed, verdict=types.Channel(type=DataVerdict)))
        self.with_id(name)


class WorkExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        if exec_properties["fails"]:
            raise RuntimeError("the disk is full")
        uri = output_dict["model"][0].uri
        Path(uri, "weights").write_text("\n".join([uri, *(model.uri for model in input_dict.get("given", []))]))


class WorkSpec(ComponentSpec):
    PARAMETERS = {"fails": ExecutionParameter(type=int)}
    INPUTS = {"given": ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS = {"model": ChannelParameter(type=standard_artifacts.Model)}


class Work(base_component.BaseComponent):
    SPEC_CLASS = WorkSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(WorkExecutor)

    def __init__(self, name, given=None, fails=0):
        spec = {"fails": fails, "model": types.Channel(type=standard_artifacts.Model)}
        super().__init__(WorkSpec(**spec, **({"given": given} if given else {})))
        self.with_id(name)


def lane(name, passed=1, fails=0):
    """Gate -> first -> (under a condition on a second gate) last."""
    gate = Gate(f"gate.{name}", passed)
    with Cond(gate.outputs["verdict"].future()[0].property("passed") == 1):
        first = Work(f"first.{name}", fails=fails)
        inner = Gate(f"inner.{name}", 1)
        with Cond(inner.outputs["verdict"].future()[0].property("passed") == 1):
            last = Work(f"last.{name}", given=first.outputs["model"])
    return [gate, first, inner, last]


@pytest.fixture
def run(tmp_path):
    def run(components, runner=LaneRunner, home=tmp_path, **options):
        events = []
        connection = metadata.sqlite_metadata_connection_config(str(home / "metadata.sqlite"))
        pipeline = tfx_pipeline.Pipeline(
            pipeline_name="toy",
            pipeline_root=str(home / "artifacts"),
            components=components,
            enable_cache=True,
            metadata_connection_config=connection,
        )
        told = runner(lambda node, state: events.append((node, state)), {"log": "a.log"}, **options)
        trace = told.run(pipeline)
        return trace, events

    return run


def test_everything_runs_once_and_comes_from_the_cache_the_second_time(run):
    first, events = run(lane("a"))
    assert set(first.states.values()) == {"done"}
    assert [node for node, state in events if state == "running"] == list(first.states)
    second, _ = run(lane("a"))
    assert set(second.states.values()) == {"cached"}
    assert second.run_id != first.run_id


def test_executors_see_no_pattern_and_the_history_has_the_real_addresses(run, tmp_path):
    home = tmp_path / "proj [2024] *?"
    home.mkdir()
    trace, _ = run(lane("a"), home=home)
    assert set(trace.states.values()) == {"done"}
    store = Store(home)
    first, last = (store.execution(trace.executions[name]).output("model") for name in ("first.a", "last.a"))
    for model in (first, last):
        assert Path(model.uri).is_relative_to(home)
    told = (Path(last.uri) / "weights").read_text().splitlines()
    assert [plain_paths.original(name) for name in told] == [last.uri, first.uri]
    assert all(plain_paths.is_plain(name) for name in told)
    assert set(run(lane("a"), home=home)[0].states.values()) == {"cached"}


def test_a_failing_node_takes_down_its_own_lane_only_and_is_remembered(run, tmp_path):
    trace, _ = run([*lane("bad", fails=1), *lane("good")])
    assert trace.states["first.bad"] == "failed"
    assert trace.states["last.bad"] == "skipped"
    assert str(trace.errors["first.bad"]) == "the disk is full"
    assert {state for node, state in trace.states.items() if node.endswith("good")} == {"done"}
    remembered = Store(tmp_path).run(trace.run_id)
    assert (remembered.pipeline, remembered.properties["log"], remembered.finished) == ("toy", "a.log", True)
    assert remembered.errors == {"first.bad": "the disk is full"}
    assert {each.node: each.id for each in remembered.executions if each.finished} == trace.executions


def test_what_is_not_wanted_is_skipped_with_all_that_needs_it(run):
    trace, _ = run([*lane("a"), *lane("b")], wanted=lambda node, trace: node != "first.a")
    assert {node: state for node, state in trace.states.items() if state != "done"} == {
        "first.a": "skipped", "last.a": "skipped",
    }  # fmt: skip


def test_a_dry_run_finds_what_the_cache_has_and_runs_nothing(run, tmp_path):
    run(lane("a"))
    before = sorted(tmp_path.rglob("*"))
    with dry_run.copy_of(tmp_path) as scratch:
        trace, _ = run(lane("a", fails=1), runner=dry_run.DryRunner, home=scratch)
    assert {node: state for node, state in trace.states.items() if state != "cached"} == {
        "first.a": "failed", "last.a": "skipped",
    }  # fmt: skip
    assert isinstance(trace.errors["first.a"], dry_run.WouldRun)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_closed_gate_stops_all_that_hangs_on_it_even_under_a_condition_of_its_own(run):
    trace, _ = run([*lane("shut", passed=0), *lane("open")])
    assert trace.states["gate.shut"] == "stopped"
    assert {trace.states[f"{node}.shut"] for node in ("first", "inner", "last")} == {"skipped"}
    assert not trace.errors
    assert trace.states["last.open"] == "done"
