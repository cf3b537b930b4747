import json
import math

import pytest
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_model_analysis.proto import metrics_for_slice_pb2
from tfx.components.evaluator import executor as evaluator
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from trainer.evaluation.evaluator import eval_config, read, read_failures
from trainer.evaluation.metrics import mean_output
from trainer.evaluation.rules import Rule

DIRECTIONS = {"accuracy": "higher", "distance": "lower"}
GROUPS = ["can", "can", "jar", "jar", "jar"]
# What each example's two scores are under the candidate and under the champion.
CANDIDATE = {"accuracy": [1.0, 1.0, 1.0, 0.0, 0.0], "distance": [0.1, 0.2, 0.3, 0.4, 0.5]}
CHAMPION = {"accuracy": [1.0, 1.0, 1.0, 1.0, 0.0], "distance": [0.2, 0.3, 0.4, 0.5, 0.6]}


class TableModel(tf.Module):
    """A SavedModel whose two outputs are looked up by the example's number."""

    def __init__(self, table):
        super().__init__()
        self.table = {name: tf.constant(values, tf.float32) for name, values in table.items()}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, inputs):
        row = tf.io.parse_example(inputs, {"row": tf.io.FixedLenFeature([], tf.int64)})["row"]
        return {name: tf.gather(values, row)[:, None] for name, values in self.table.items()}


def model_artifact(folder, table):
    model = TableModel(table)
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures={"classify": model.serve})
    artifact = standard_artifacts.Model()
    artifact.uri, artifact.id = str(folder), 1
    return artifact


def example(row):
    features = tf.train.Features(
        feature={
            "row": tf.train.Feature(int64_list=tf.train.Int64List(value=[row])),
            "group": tf.train.Feature(bytes_list=tf.train.BytesList(value=[GROUPS[row].encode()])),
        }
    )
    return tf.train.Example(features=features).SerializeToString()


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    (folder / "Split-eval").mkdir()
    with tf.io.TFRecordWriter(str(folder / "Split-eval/data-0.gz"), options="GZIP") as writer:
        for row in range(len(GROUPS)):
            writer.write(example(row))
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names = str(folder), artifact_utils.encode_split_names(["eval"])
    return artifact


def evaluate(folder, examples, rules, candidate=CANDIDATE, champion=None):
    """Runs TFX's own executor; returns (evaluation uri, what it said: 1, 0 or None when it did not say)."""
    config = eval_config([mean_output(name) for name in DIRECTIONS], DIRECTIONS, rules, ["group"], signature="classify")
    inputs = {"model": [model_artifact(folder / "candidate", candidate)], "examples": [examples]}
    if champion:
        inputs["baseline_model"] = [model_artifact(folder / "champion", champion)]
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(folder / "evaluation"), str(folder / "blessing")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--direct_running_mode=in_memory"], tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    evaluator.Executor(context).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(config),
            "example_splits": json.dumps(None),
            "fairness_indicator_thresholds": None,
        },
    )
    said = blessing.get_int_custom_property("blessed") if blessing.has_custom_property("blessed") else None
    return evaluation.uri, said


@pytest.fixture(scope="module")
def against_champion(tmp_path_factory, examples):
    rules = {"accuracy": Rule(at_least=0.6, max_loss_to_champion=0.1), "distance": Rule(max_loss_to_champion=0.0)}
    return evaluate(tmp_path_factory.mktemp("two"), examples, rules, champion=CHAMPION)


@pytest.fixture(scope="module")
def worse_by_what_is_allowed(tmp_path_factory, examples):
    rules = {"accuracy": Rule(max_loss_to_champion=0.2), "distance": Rule(at_most=0.3)}
    return evaluate(tmp_path_factory.mktemp("allowed"), examples, rules, champion=CHAMPION)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, examples):
    poisoned = {**CANDIDATE, "accuracy": [1.0, math.nan, 1.0, 1.0, 1.0]}
    rules = {"accuracy": Rule(at_least=0.1), "distance": Rule(at_most=0.3, max_loss_to_champion=0.0)}
    return evaluate(tmp_path_factory.mktemp("one"), examples, rules, candidate=poisoned)


def test_both_models_are_measured_overall_and_by_slice(against_champion):
    uri, _ = against_champion
    measured = read(uri).measured
    assert measured["examples"] == 5
    assert measured["candidate"] == pytest.approx({"accuracy": 0.6, "distance": 0.3})
    assert measured["champion"] == pytest.approx({"accuracy": 0.8, "distance": 0.4})
    jar = measured["slices"]["group"]["jar"]
    assert (jar["examples"], list(measured["slices"]["group"])) == (3, ["can", "jar"])
    assert jar["candidate"] == pytest.approx({"accuracy": 1 / 3, "distance": 0.4})
    assert jar["champion"] == pytest.approx({"accuracy": 2 / 3, "distance": 0.5})


def test_only_the_loss_to_the_champion_beyond_its_rule_is_named(against_champion):
    # Slice `jar` is below the absolute bound of accuracy, which holds for all examples together only.
    uri, blessed = against_champion
    assert (blessed, read_failures(uri)) == (0, ["accuracy"])


def test_what_equals_its_bound_but_for_rounding_is_blessed(worse_by_what_is_allowed):
    """0.6 - 0.8 is -0.20000000000000007, and the mean of float32 distances is above 0.3."""
    uri, blessed = worse_by_what_is_allowed
    assert (blessed, read_failures(uri)) == (1, [])


def test_without_a_champion_the_candidate_keeps_its_name_and_its_absolute_thresholds(alone):
    uri, _ = alone
    measured = read(uri).measured
    assert measured["candidate"]["distance"] == pytest.approx(0.3)
    assert measured["champion"] is None
    assert measured["slices"]["group"]["can"]["champion"] is None


def test_an_example_that_could_not_be_measured_spoils_its_means_and_the_blessing(alone):
    uri, blessed = alone
    measured = read(uri).measured
    assert math.isnan(measured["candidate"]["accuracy"])
    assert measured["slices"]["group"]["jar"]["candidate"]["accuracy"] == 1.0
    assert (blessed, read_failures(uri)) == (0, ["accuracy"])


@pytest.mark.parametrize(
    ("name", "rule", "expected"),
    [
        ("accuracy", Rule(at_least=0.5), {"valueThreshold": {"lowerBound": 0.5}}),
        ("distance", Rule(at_most=0.5), {"valueThreshold": {"upperBound": 0.5}}),
        (
            "accuracy",
            Rule(max_loss_to_champion=0.1),
            {"changeThreshold": {"absolute": -0.1, "direction": "HIGHER_IS_BETTER"}},
        ),
        (
            "distance",
            Rule(max_loss_to_champion=0.1),
            {"changeThreshold": {"absolute": 0.1, "direction": "LOWER_IS_BETTER"}},
        ),
    ],
)
def test_a_rule_becomes_a_threshold_on_all_examples_together(name, rule, expected):
    config = eval_config([mean_output(name)], DIRECTIONS, {name: rule}, ["group"])
    (threshold,) = config.metrics_specs[0].metrics[-1].per_slice_thresholds
    found = json_format.MessageToDict(threshold)
    [(kind, values)] = found["threshold"].items()
    rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in values.items()}
    assert (found["slicingSpecs"], {kind: rounded}) == ([{}], expected)


def test_rules_that_are_not_the_evaluators_set_no_threshold():
    rule = Rule(beats_trivial_by=0.1, beats_trivial_times=2, every_slice_at_least=0.1, max_slice_loss_to_champion=0.1)
    config = eval_config([mean_output("accuracy")], DIRECTIONS, {"accuracy": rule}, [])
    assert not config.metrics_specs[0].metrics[-1].per_slice_thresholds


def test_a_rule_for_a_metric_that_is_not_measured_is_refused():
    with pytest.raises(ValueError, match="no metric called sharpness: there are accuracy"):
        eval_config([mean_output("accuracy")], DIRECTIONS, {"sharpness": Rule(at_least=1)}, [])


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no metrics"):
        read(str(tmp_path))


def test_tables_among_the_metrics_are_passed_over_and_what_could_not_be_computed_is_nan(tmp_path):
    record = metrics_for_slice_pb2.MetricsForSlice()
    record.slice_key.SetInParent()
    values = {name: record.metric_keys_and_values.add() for name in ("confusion", "counts", "accuracy", "ece")}
    for name, item in values.items():
        item.key.name = name
    values["confusion"].value.bytes_value = b"[]"
    values["counts"].value.array_value.float64_values.extend([1, 2])
    values["accuracy"].value.double_value.value = 0.5
    values["ece"].value.unknown_type.error = "cannot convert"
    with tf.io.TFRecordWriter(str(tmp_path / "metrics-00000-of-00001.tfrecord")) as writer:
        writer.write(record.SerializeToString())
    measured = read(str(tmp_path)).measured["candidate"]
    assert measured == {"accuracy": 0.5, "ece": pytest.approx(math.nan, nan_ok=True)}
