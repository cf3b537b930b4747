"""Why nodes ran, from executions alone."""

import json

from pipeline.history.causes import cause, last_finished, reasons
from pipeline.history.records import Artifact, Execution, Run


def artifact(id):
    return Artifact(id, "Examples", f"/a/{id}", True)


def execution(node, state="done", inputs=None, outputs=(), **properties):
    given = {key: (artifact(id),) for key, id in (inputs or {}).items()}
    return Execution(1, "r", node, state, 0.0, 1.0, properties, given, {"out": tuple(map(artifact, outputs))})


def run(*executions):
    return Run("r", "p", 0.0, {}, executions)


READ, TRAIN = "ImageFolderExampleGen.photos", "Trainer.classifier"


def test_a_change_of_its_own_is_named_before_new_inputs():
    before = execution(TRAIN, code="1", custom_config="a", inputs={"examples": 1})
    assert cause(execution(TRAIN, code="2", custom_config="a", inputs={"examples": 2}), before) == "the code changed"
    both = cause(execution(TRAIN, code="2", custom_config="b", inputs={"examples": 1}), before)
    assert both == "the code changed; the configuration changed"
    assert (
        cause(execution(TRAIN, code="1", custom_config="a", inputs={"examples": 2}), before) == "new inputs: examples"
    )
    assert cause(before, before) == "nothing changed; it had to run again"
    assert cause(before, None) == "had never finished"


def test_the_condition_above_a_node_is_no_input_and_a_nonce_no_change():
    before = execution("ServingPusher.style", nonce="1", inputs={"model": 1, "_Gate.verdict": 2})
    assert cause(execution("ServingPusher.style", nonce="2", inputs={"model": 3, "_Gate.verdict": 4}), before) == (
        "new inputs: model"
    )


def test_a_run_has_the_reasons_that_no_other_node_explains():
    first = run(
        execution(READ, fingerprint="1", outputs=[1]),
        execution(TRAIN, code="1", inputs={"examples": 1}, outputs=[2]),
        execution("Champion.classifier", key="", inputs={"candidate": 2}, outputs=[3]),
    )
    assert reasons(first, {}) == ("it is the first run",)
    second = run(
        execution(READ, fingerprint="2", outputs=[4]),
        execution(TRAIN, code="1", inputs={"examples": 4}, outputs=[5]),
        execution("Evaluator.classifier", inputs={"model": 5}, outputs=[6]),
        execution("ServingPusher.classifier", nonce="n", inputs={"model": 5}),
    )
    assert reasons(second, last_finished([first])) == (f"the files of the folder changed: {READ}",)
    third = run(
        execution(READ, "cached", fingerprint="2", outputs=[4]),
        execution(TRAIN, "cached", code="1", inputs={"examples": 4}, outputs=[5]),
        execution("Champion.classifier", key="2", inputs={"candidate": 5}, outputs=[7]),
        execution("ServingPusher.classifier", nonce="m", inputs={"model": 5}),
    )
    assert reasons(third, last_finished([second, first])) == ("another version serves: Champion.classifier",)


def test_what_failed_is_taken_up_again():
    failed = run(execution(READ, outputs=[1]), execution(TRAIN, "failed", inputs={"examples": 1}))
    again = run(execution(READ, "cached", outputs=[1]), execution(TRAIN, inputs={"examples": 1}, outputs=[2]))
    assert reasons(again, last_finished([failed])) == (f"had never finished: {TRAIN}",)


def test_new_photos_are_no_change_of_the_configuration_though_the_trainer_resumes_elsewhere():
    """What `runs show` said after five new photos: "the configuration changed: Trainer.classifier"."""

    def train(resume, epochs=3, **given):
        return json.dumps({"options": {"epochs": epochs}, "seed": 7, "resume_dir": f"/w/resume/{resume}", **given})

    before = execution(TRAIN, custom_config=train("1"), inputs={"examples": 1})
    now = execution(TRAIN, custom_config=train("2"), inputs={"examples": 2})
    assert cause(now, before) == "new inputs: examples"
    assert cause(execution(TRAIN, custom_config=train("2", epochs=4)), before) == "the configuration changed"
    searched = execution(TRAIN, custom_config=train("2", tuned={"epochs": 9}))
    assert cause(searched, before) == "an earlier search found other values"


def test_a_configuration_that_is_the_same_is_not_blamed():
    before, now = (execution("SchemaSource.photos", base_schema=f"/easel/{version}/photos.pbtxt") for version in (1, 2))
    assert cause(now, before, same=lambda earlier: True) == "its base schema changed"
    assert cause(now, before) == "the configuration changed"
