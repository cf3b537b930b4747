import json

import pytest
import tensorflow as tf
from tensorflow_model_analysis.proto import metrics_for_slice_pb2, validation_result_pb2
from tfx.types import channel_utils, standard_artifacts

from components.artifacts import types as easel_types
from components.promotion_gate.component import PromotionGate
from components.promotion_gate.executor import Executor
from components.tflite_exporter.files import write_verdicts
from trainer.rules import Rule


def artifact(kind, folder):
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return made


def write_evaluation(folder, values):
    """What TFX's Evaluator leaves behind: {(model, metric): value} for all examples together."""
    record = metrics_for_slice_pb2.MetricsForSlice()
    record.slice_key.SetInParent()
    for (model, metric), value in values.items():
        item = record.metric_keys_and_values.add()
        item.key.name, item.key.model_name = metric, model
        item.value.double_value.value = value
    with tf.io.TFRecordWriter(str(folder / "metrics-00000-of-00001.tfrecord")) as writer:
        writer.write(record.SerializeToString())
    with tf.io.TFRecordWriter(str(folder / "validations.tfrecord")) as writer:
        writer.write(validation_result_pb2.ValidationResult().SerializeToString())


@pytest.mark.parametrize(("accuracy", "said"), [(0.9, "BLESSED"), (0.5, "NOT_BLESSED")])
def test_the_decision_is_written_and_set_as_a_property(tmp_path, accuracy, said):
    inputs = {
        "evaluation": artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation"),
        "blessing": artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing"),
        "trivial_evaluation": artifact(standard_artifacts.ModelEvaluation, tmp_path / "trivial"),
        "tflite": artifact(easel_types.TFLiteModels, tmp_path / "tflite"),
    }
    write_evaluation(tmp_path / "evaluation", {("candidate", "accuracy"): accuracy, ("champion", "accuracy"): 0.85})
    write_evaluation(tmp_path / "trivial", {("", "accuracy"): 0.3})
    (tmp_path / "blessing" / said).touch()
    write_verdicts(tmp_path / "tflite", [])
    decision = artifact(easel_types.Decision, tmp_path / "decision")
    Executor().Do(
        {name: [value] for name, value in inputs.items()},
        {"decision": [decision]},
        {
            "rules": json.dumps({"accuracy": Rule(at_least=0.8, beats_trivial_by=0.1).model_dump()}),
            "metrics": '{"accuracy": "higher"}',
            "trivial_name": "the linear model",
            "required_variants": "[]",
        },
    )
    written = json.loads((tmp_path / "decision/decision.json").read_text())
    approved = said == "BLESSED"
    assert (decision.approved, written["approved"]) == (int(approved), approved)
    assert written["metrics"] == {
        "candidate": {"accuracy": accuracy},
        "champion": {"accuracy": 0.85},
        "trivial": {"accuracy": 0.3},
    }
    assert written["reasons"][0] == (
        "accuracy 0.9 is at least 0.8" if approved else "accuracy 0.5 is below 0.8, the bound"
    )


def test_the_component_offers_a_property_for_a_condition():
    gate = PromotionGate(
        evaluation=channel_utils.as_channel([standard_artifacts.ModelEvaluation()]),
        blessing=channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
        trivial_evaluation=channel_utils.as_channel([standard_artifacts.ModelEvaluation()]),
        tflite=channel_utils.as_channel([easel_types.TFLiteModels()]),
        rules="{}",
        metrics="{}",
    )
    assert gate.outputs["decision"].future()[0].property("approved") is not None
