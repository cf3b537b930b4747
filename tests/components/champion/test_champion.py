"""Champion in a real LocalDagRunner pipeline: a consumer with an optional input stands for the Evaluator."""

import json
import shutil
from pathlib import Path

import pytest
from easel_serving.registry.registry import Registry
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import local_dag_runner
from tfx.types import artifact_utils, channel, component_spec, standard_artifacts
from tfx.utils import path_utils

from components.artifacts.types import ChampionVerdict
from components.champion.component import Champion
from components.champion.key import champion_key

COMPLETE = metadata_store_pb2.Execution.COMPLETE
CACHED = metadata_store_pb2.Execution.CACHED
OUTPUT = metadata_store_pb2.Event.OUTPUT


class ProducerExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        model = artifact_utils.get_single_instance(output_dict["model"])
        shutil.copytree(exec_properties["source"], path_utils.serving_model_dir(model.uri), dirs_exist_ok=True)


class ConsumerExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        output = artifact_utils.get_single_instance(output_dict["evaluation"])
        baselines = [artifact.uri for artifact in input_dict.get("baseline_model", [])]
        Path(output.uri, "seen.json").write_text(json.dumps(baselines))


class ProducerSpec(component_spec.ComponentSpec):
    PARAMETERS = {"source": component_spec.ExecutionParameter(type=str)}
    INPUTS = {}
    OUTPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}


class ConsumerSpec(component_spec.ComponentSpec):
    PARAMETERS = {}
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class Producer(base_component.BaseComponent):
    SPEC_CLASS = ProducerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ProducerExecutor)

    def __init__(self, source):
        super().__init__(ProducerSpec(source=source, model=channel.Channel(type=standard_artifacts.Model)))


class Consumer(base_component.BaseComponent):
    SPEC_CLASS = ConsumerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ConsumerExecutor)

    def __init__(self, model, baseline_model):
        output = channel.Channel(type=standard_artifacts.ModelEvaluation)
        super().__init__(ConsumerSpec(model=model, baseline_model=baseline_model, evaluation=output))


@pytest.fixture
def candidate(tmp_path):
    root = tmp_path / "candidate"
    root.mkdir()
    (root / "saved_model.pb").write_text("graph")
    return root


@pytest.fixture
def run(tmp_path, candidate):
    """Runs the pipeline; returns the states of the three nodes, the last verdict and what the consumer last saw."""
    database = str(tmp_path / "metadata.sqlite")
    serving = str(tmp_path / "serving")

    def call():
        producer = Producer(str(candidate))
        model = producer.outputs["model"]
        champion = Champion(candidate=model, serving_dir=serving, model_name="m", key=champion_key(serving, "m"))
        consumer = Consumer(model=model, baseline_model=champion.outputs["model"])
        connection = metadata.sqlite_metadata_connection_config(database)
        local_dag_runner.LocalDagRunner().run(
            pipeline.Pipeline(
                pipeline_name="champion",
                pipeline_root=str(tmp_path / "artifacts"),
                components=[producer, champion, consumer],
                enable_cache=True,
                metadata_connection_config=connection,
            )
        )
        store = metadata_store.MetadataStore(connection)
        executions = store.get_executions()[-3:]
        events = store.get_events_by_execution_ids([execution.id for execution in executions])
        artifacts = store.get_artifacts_by_id([event.artifact_id for event in events if event.type == OUTPUT])
        verdict = next(artifact for artifact in artifacts if artifact.type == ChampionVerdict.TYPE_NAME)
        evaluation = next(artifact for artifact in artifacts if artifact.type == "ModelEvaluation")
        states = [execution.last_known_state for execution in executions]
        return states, verdict, json.loads(Path(evaluation.uri, "seen.json").read_text())

    return call


def test_nothing_serves_then_something_does(run, candidate, tmp_path):
    states, verdict, baselines = run()
    assert states == [COMPLETE] * 3
    assert verdict.properties["changed"].int_value == 1
    assert json.loads(Path(verdict.uri, "champion.json").read_text())["champion"] is None
    assert baselines == []

    assert run() == ([CACHED] * 3, verdict, [])

    registry = Registry(tmp_path / "serving")
    registry.push("m", candidate, {}, warmup=b"records do not make it another model")
    states, verdict, baselines = run()
    assert states == [CACHED, COMPLETE, COMPLETE]
    assert verdict.properties["changed"].int_value == 0
    [uri] = baselines
    assert (Path(path_utils.serving_model_path(uri)) / "saved_model.pb").read_text() == "graph"

    # The folder is lost: nothing serves, the candidate must find its way back through evaluation.
    shutil.rmtree(registry.root / "m/1")
    states, verdict, baselines = run()
    assert verdict.properties["changed"].int_value == 1
    assert baselines == []


def test_a_rolled_back_version_is_no_champion(candidate, tmp_path, run):
    registry = Registry(tmp_path / "serving")
    other = tmp_path / "other"
    other.mkdir()
    (other / "saved_model.pb").write_text("older")
    registry.push("m", other, {})
    registry.push("m", candidate, {})
    registry.rollback("m")
    _, verdict, [uri] = run()
    assert verdict.properties["changed"].int_value == 1
    assert (Path(path_utils.serving_model_path(uri)) / "saved_model.pb").read_text() == "older"


def test_key_follows_the_label(candidate, tmp_path):
    registry = Registry(tmp_path / "serving")
    assert champion_key(str(registry.root), "m") == ""
    version = registry.push("m", candidate, {}).version
    assert champion_key(str(registry.root), "m") == f"1:{version.digest}"
