import pytest
from tfx import types
from tfx.dsl.components.base import base_beam_component, base_beam_executor, base_executor, executor_spec
from tfx.types import standard_artifacts

from components.base.component import BeamComponent, Component


class Counter(Component):
    EXECUTOR = base_executor.EmptyExecutor
    INPUTS = {"examples": standard_artifacts.Examples}
    OPTIONAL_INPUTS = {"model": standard_artifacts.Model}
    PARAMETERS = {"unit": str, "limit": 7}
    OUTPUTS = {"schema": standard_artifacts.Schema}


EXAMPLES = types.Channel(type=standard_artifacts.Examples)


def test_defaults_and_optional_inputs_may_be_left_out():
    made = Counter(examples=EXAMPLES, unit="images", model=None)
    assert made.exec_properties == {"unit": "images", "limit": 7, "code": ""}
    assert list(made.inputs) == ["examples"]
    assert made.outputs["schema"].type is standard_artifacts.Schema
    assert [name for name in ("model", "examples") if made.spec.is_optional_input(name)] == ["model"]
    assert made.type.endswith("test_component.Counter")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"examples": EXAMPLES, "unit": "images", "limits": 3}, TypeError, "Counter has no argument limits"),
        ({"examples": EXAMPLES, "unit": 3}, TypeError, "unit"),
        ({"examples": EXAMPLES, "unit": "images", "limit": "3"}, TypeError, "limit"),
        ({"examples": types.Channel(type=standard_artifacts.Model), "unit": "images"}, TypeError, "examples"),
        ({"examples": EXAMPLES}, ValueError, "unit"),
        ({"unit": "images"}, ValueError, "examples"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Counter(**arguments)


def test_a_beam_component_takes_beam_arguments():
    class Reader(BeamComponent):
        EXECUTOR = base_beam_executor.BaseBeamExecutor

    made = Reader().with_beam_pipeline_args(["--direct_num_workers=2"])
    assert isinstance(made, base_beam_component.BaseBeamComponent)
    assert isinstance(made.executor_spec, executor_spec.BeamExecutorSpec)
    assert made.executor_spec.beam_pipeline_args == ["--direct_num_workers=2"]
