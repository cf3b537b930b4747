import io
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import metrics_for_slice_pb2, validation_result_pb2
from tfx.types import channel_utils, standard_artifacts

from components.artifacts import types as easel_types
from components.promotion_gate.component import PromotionGate
from components.promotion_gate.executor import Executor
from components.tflite_exporter.files import write_verdicts
from trainer.classifier.evaluation.evaluator import METRICS
from trainer.evaluation.metrics import outcome_table
from trainer.evaluation.rules import Rule
from trainer.style.evaluation import evaluator as style


def artifact(kind, folder):
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return made


def write_evaluation(folder, values, tables=None):
    """What TFX's Evaluator leaves behind: {(model, metric): value} for all examples together, and bytes likewise."""
    record = metrics_for_slice_pb2.MetricsForSlice()
    record.slice_key.SetInParent()
    for (model, metric), value in {**values, **(tables or {})}.items():
        item = record.metric_keys_and_values.add()
        item.key.name, item.key.model_name = metric, model
        if isinstance(value, bytes):
            item.value.bytes_value = value
        else:
            item.value.double_value.value = value
    with tf.io.TFRecordWriter(str(folder / "metrics-00000-of-00001.tfrecord")) as writer:
        writer.write(record.SerializeToString())
    with tf.io.TFRecordWriter(str(folder / "validations.tfrecord")) as writer:
        writer.write(validation_result_pb2.ValidationResult().SerializeToString())


def figures(model, accuracy):
    return {(model, metric): accuracy for metric in METRICS}


def answers(right, truth):
    """The outcomes of photos, of which the first ones are right."""
    examples = len(truth)
    file = io.BytesIO()
    accuracy = np.repeat([1, 0], [right, examples - right]).astype(np.float32)
    columns = {
        "key": [f"{row:04}".encode() for row in range(examples)],
        "accuracy": accuracy,
        "brier": 1 - accuracy,
        "confidence": np.full(examples, 0.5, np.float32),
        "truth": truth,
        "guess": np.where(accuracy == 1, truth, b"?"),
        "folder": [b"all"] * examples,
    }
    np.save(file, outcome_table(columns))
    return file.getvalue()


class Gate:
    """The executor's inputs in a folder, and what it writes."""

    def __init__(self, root):
        self.root = root
        kinds = {
            "evaluation": standard_artifacts.ModelEvaluation,
            "blessing": standard_artifacts.ModelBlessing,
            "trivial_evaluation": standard_artifacts.ModelEvaluation,
            "tflite": easel_types.TFLiteModels,
        }
        self.inputs = {name: artifact(kind, root / name) for name, kind in kinds.items()}
        write_verdicts(root / "tflite", [])
        (root / "blessing" / "BLESSED").touch()

    def decide(self, module="classifier", **rules):
        decision = artifact(easel_types.Decision, self.root / "decision")
        Executor().Do(
            {name: [value] for name, value in self.inputs.items()},
            {"decision": [decision]},
            {
                "rules": json.dumps({name: rule.model_dump() for name, rule in rules.items()}),
                "module_path": f"trainer.{module}.evaluation.evaluator",
                "required_variants": "[]",
                "wording": '{"thresholds_key": "classifier.thresholds", "off": ["ece.at_most"]}',
            },
        )
        written = json.loads((self.root / "decision/decision.json").read_text())
        assert decision.approved == int(written["approved"])
        return written


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path)


TRUTH = [b"cat"] * 50 + [b"dog"] * 30 + [b"emu"] * 20


@pytest.mark.parametrize(("accuracy", "said"), [(0.9, "BLESSED"), (0.5, "NOT_BLESSED")])
def test_the_decision_is_written_and_set_as_a_property(gate, accuracy, said):
    (gate.root / "blessing/BLESSED").rename(gate.root / "blessing" / said)
    write_evaluation(
        gate.root / "evaluation",
        {**figures("candidate", accuracy), **figures("champion", 0.85)},
        {("candidate", "outcomes"): answers(90, TRUTH), ("champion", "outcomes"): answers(85, TRUTH)},
    )
    write_evaluation(gate.root / "trivial_evaluation", figures("", 0.3), {("", "outcomes"): answers(30, TRUTH)})
    written = gate.decide(accuracy=Rule(at_least=0.8, beats_trivial_by=0.1))
    assert written["approved"] == (said == "BLESSED")
    assert written["metrics"]["champion"] == dict.fromkeys(METRICS, 0.85)
    assert written["notes"] == ["classifier.thresholds.ece.at_most is off"]
    assert written["reasons"][0] == (
        "accuracy 0.9 is at least 0.8" if written["approved"] else "accuracy 0.5 is below 0.8, the bound"
    )


def test_what_cannot_beat_the_commonest_class_is_not_pushed_although_it_beats_colours(gate):
    """A network that learned nothing always gives one class; the colours were worse than that."""
    write_evaluation(gate.root / "evaluation", figures("", 0.5), {("", "outcomes"): answers(50, TRUTH)})
    write_evaluation(gate.root / "trivial_evaluation", figures("", 0.17), {("", "outcomes"): answers(17, TRUTH)})
    written = gate.decide(accuracy=Rule(beats_trivial_by=0.05))
    assert (written["approved"], written["provisional"]) == (False, False)
    assert (
        "accuracy 0.5 is no better than the majority class's 0.5 (at least 0.05 better is asked for)"
        in (written["reasons"])
    )
    assert {name: figures["accuracy"] for name, figures in written["trivials"].items()} == {
        "colour regression": 0.17,
        "the majority class": 0.5,
        "the class prior": 0.5,
    }
    assert (written["trivial"], written["metrics"]["trivial"]["accuracy"]) == ("the majority class", 0.5)


def test_the_evaluation_is_read_once(gate, monkeypatch):
    read = []
    load = tfma.load_metrics
    monkeypatch.setattr(tfma, "load_metrics", lambda uri: read.append(uri) or load(uri))
    values = {**figures("candidate", 0.9), **figures("champion", 0.85)}
    tables = {("candidate", "outcomes"): answers(90, TRUTH), ("champion", "outcomes"): answers(85, TRUTH)}
    write_evaluation(gate.root / "evaluation", values, tables)
    write_evaluation(gate.root / "trivial_evaluation", figures("", 0.3), {("", "outcomes"): answers(30, TRUTH)})
    gate.decide(accuracy=Rule(max_probable_loss_to_champion=0.05))
    assert sorted(read) == [str(gate.root / "evaluation"), str(gate.root / "trivial_evaluation")]


def test_the_component_offers_a_property_for_a_condition():
    gate = PromotionGate(
        evaluation=channel_utils.as_channel([standard_artifacts.ModelEvaluation()]),
        blessing=channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
        trivial_evaluation=channel_utils.as_channel([standard_artifacts.ModelEvaluation()]),
        tflite=channel_utils.as_channel([easel_types.TFLiteModels()]),
        rules="{}",
        module_path="trainer.classifier.evaluation.evaluator",
    )
    assert gate.outputs["decision"].future()[0].property("approved") is not None


@pytest.mark.parametrize(("grew", "approved"), [(0.021, True), (0.034, False)])
def test_what_the_training_reports_of_itself_is_decided_by(gate, grew, approved):
    write_evaluation(gate.root / "evaluation", {("candidate", metric): 0.1 for metric in style.METRICS})
    write_evaluation(gate.root / "trivial_evaluation", {("", metric): 0.3 for metric in style.METRICS})
    gate.inputs["model"] = artifact(standard_artifacts.Model, gate.root / "model")
    description = gate.root / "model/model.json"
    description.write_text(json.dumps({"metrics": {"forgetting": grew, "accuracy": 1}}))
    (gate.root / "blessing/BLESSED").unlink()  # an Evaluator that was asked for nothing leaves nothing
    written = gate.decide("style", forgetting=Rule(at_most=0.03))
    assert written["approved"] == approved
    relation = "at most 0.03" if approved else "above 0.03, the bound"
    assert written["reasons"] == [f"forgetting {grew} is {relation}"]
    assert written["metrics"]["candidate"]["forgetting"] == grew
    assert "accuracy" not in written["metrics"]["candidate"]
    # Nothing was forgotten by what started from nothing.
    description.write_text("{}")
    (gate.root / "blessing/BLESSED").touch()
    answer = gate.decide("style", forgetting=Rule(at_most=0.03), style_distance=Rule(at_most=0.2))
    assert answer["approved"]
    assert not any("forgetting" in reason for reason in answer["reasons"])
