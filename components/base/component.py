"""A TFX component by what goes in and out of it, instead of the spec and constructor that each would repeat."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, base_component, base_executor, executor_spec
from tfx.types import component_spec


class Component(base_component.BaseComponent):
    """A component that is declared.

    ```
    class TFLiteExporter(Component):
        EXECUTOR = executor.Executor
        INPUTS = {"model": standard_artifacts.Model, "examples": standard_artifacts.Examples}
        PARAMETERS = {"module_path": str, "options": "{}"}
        OUTPUTS = {"tflite": TFLiteModels}
    ```

    Every component has the parameter `code` besides: a digest of the code that runs, so that TFX's cache notices a
    change of it (`pipeline.dag.code_digest`).

    Args:
        arguments: a channel for each input and a value for each parameter, by name.

    Raises:
        TypeError: an argument has an unknown name or the wrong type.
        ValueError: an argument is missing.
    """

    EXECUTOR: ClassVar[type[base_executor.BaseExecutor]]
    """Does the work; an instance of `BaseBeamExecutor` for a `BeamComponent`."""
    INPUTS: ClassVar[Mapping[str, type[types.Artifact]]] = {}
    OPTIONAL_INPUTS: ClassVar[Mapping[str, type[types.Artifact]]] = {}
    """May be left out, None, or without an artifact when the component runs."""
    PARAMETERS: ClassVar[Mapping[str, Any]] = {}
    """The type (str, int) of a parameter that must be given; of any other its default."""
    OUTPUTS: ClassVar[Mapping[str, type[types.Artifact]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.PARAMETERS = {**cls.PARAMETERS, "code": ""}
        if "EXECUTOR" in vars(cls):
            beam = issubclass(cls, base_beam_component.BaseBeamComponent)
            made_by = executor_spec.BeamExecutorSpec if beam else executor_spec.ExecutorClassSpec
            cls.EXECUTOR_SPEC = made_by(cls.EXECUTOR)
            cls.SPEC_CLASS = _spec(cls)

    def __init__(self, **arguments: Any):
        unknown = arguments.keys() - {*self.INPUTS, *self.OPTIONAL_INPUTS, *self.PARAMETERS}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {', '.join(sorted(unknown))}")
        defaults = {name: value for name, value in self.PARAMETERS.items() if not isinstance(value, type)}
        outputs = {name: types.Channel(type=made) for name, made in self.OUTPUTS.items()}
        super().__init__(spec=self.SPEC_CLASS(**defaults | arguments | outputs))


class BeamComponent(Component, base_beam_component.BaseBeamComponent):
    """A component whose executor runs Beam."""


def _spec(of: type[Component]) -> type[component_spec.ComponentSpec]:
    channel = component_spec.ChannelParameter
    required = {name: channel(type=each) for name, each in of.INPUTS.items()}
    optional = {name: channel(type=each, optional=True) for name, each in of.OPTIONAL_INPUTS.items()}
    kinds = {name: value if isinstance(value, type) else type(value) for name, value in of.PARAMETERS.items()}
    declared = {
        "INPUTS": required | optional,
        "OUTPUTS": {name: channel(type=each) for name, each in of.OUTPUTS.items()},
        "PARAMETERS": {name: component_spec.ExecutionParameter(type=kind) for name, kind in kinds.items()},
    }
    return type(f"{of.__name__}Spec", (component_spec.ComponentSpec,), declared)
