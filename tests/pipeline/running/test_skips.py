"""Which nodes wait for a reason, and what a run remembers when there was none."""

import types

import pytest

from pipeline.configuration.config import load
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs, model_results
from pipeline.planning.triggers import Decision
from pipeline.running.skips import Skips
from tests.pipeline.history.writer import Writer

RUN = types.SimpleNamespace(run_id="r1")


@pytest.fixture
def config(config_file):
    return load(config_file, ["name=p"]).only("classifier")


def gate(config, *findings):
    """A run whose data gate has let the photos pass and found these kinds of faults."""
    config.workspace.mkdir()
    found = [{"kind": kind, "message": f"{kind} of 0.4", "action": "warn", "files": []} for kind in findings]
    writer = Writer(config.workspace)
    content = {"passed": True, "findings": found, "how_to_fix": []}
    verdict = writer.document("V", "verdict.json", content, passed=1)
    writer.execution("r1", "DataGate.classifier.photos", outputs=[("verdict", verdict)])
    return writer


def test_without_triggers_everything_is_wanted(config):
    reasons = Skips(config, {})
    assert reasons.wanted("Trainer.classifier", RUN)
    assert reasons.untrained() == {}


def test_data_are_read_and_validated_for_a_model_without_a_reason(config):
    reasons = Skips(config, {"classifier": Decision(False, ("too few",))})
    asked = ["StatisticsGen.photos", "DataGate.classifier.photos", "Transform.classifier", "Trainer.classifier.trivial"]
    assert [reasons.wanted(node, RUN) for node in asked] == [True, True, False, False]


@pytest.mark.parametrize(("findings", "trains"), [(["few_images", "measure_drift"], True), (["few_images"], False)])
def test_drift_decides_when_the_gates_have_spoken(config, findings, trains):
    gate(config, *findings)
    reasons = Skips(config, {"classifier": Decision(None, ("too few",))})
    assert reasons.wanted("DataGate.classifier.photos", RUN)
    assert reasons.wanted("Transform.classifier", RUN) is trains
    assert ("untrained" in reasons.untrained()) is not trains


def test_a_run_remembers_why_it_did_not_train(config):
    writer = gate(config, "few_images")
    reasons = Skips(config, {"classifier": Decision(None, ("too few",))})
    reasons.wanted("Transform.classifier", RUN)
    [context] = [each for each in writer.store.get_contexts() if each.name == "r1"]
    for name, text in reasons.untrained().items():
        context.custom_properties[name].string_value = text
    writer.store.put_contexts([context])
    [result] = model_results(config, Outputs(Store(config.workspace).run("r1")))
    assert (result.outcome, result.version) == ("skipped", None)
    assert result.reasons[0].startswith("no reason to train: too few; no drift")
    assert result.warnings == ("photos: few_images of 0.4",)
