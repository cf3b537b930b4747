"""What runs a component's executor for TFX's launcher: with Beam's arguments, and under names that are no patterns.

TFX's components make patterns of the addresses of their artifacts (`tfx.utils.io_utils.all_files_pattern`), and what
they hand them to does so of its own names, too. Executors are therefore given other names of the same files (see
`plain_paths`), and the metadata store only ever sees the real ones. For most workspaces the two are the same.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attr
from easel_serving.protocol.plain_paths import original, plain
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.portable import beam_executor_operator, data_types, python_executor_operator
from tfx.proto.orchestration import execution_result_pb2, placeholder_pb2
from tfx.types import artifact


class PythonOperator(python_executor_operator.PythonExecutorOperator):
    """Runs a component that does not use Beam."""

    def run_executor(self, execution_info: data_types.ExecutionInfo) -> execution_result_pb2.ExecutorOutput:
        """Runs it."""
        return _with_addresses(super().run_executor(_with_names(execution_info)))


class BeamOperator(beam_executor_operator.BeamExecutorOperator):
    """Runs a component that uses Beam, with more arguments than its specification has."""

    def __init__(self, *args: Any, arguments: Callable[[], Sequence[str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._arguments = arguments

    def run_executor(
        self, execution_info: data_types.ExecutionInfo, make_beam_pipeline_fn: Callable | None = None
    ) -> execution_result_pb2.ExecutorOutput:
        """Runs it."""
        self.beam_pipeline_args.extend(
            placeholder_pb2.PlaceholderExpression(value=metadata_store_pb2.Value(string_value=argument))
            for argument in self._arguments()
        )
        return _with_addresses(super().run_executor(_with_names(execution_info), make_beam_pipeline_fn))


def _with_names(info: data_types.ExecutionInfo) -> data_types.ExecutionInfo:
    """What an executor is told: each address under its plain name."""
    return attr.evolve(
        info,
        input_dict=_renamed(info.input_dict),
        output_dict=_renamed(info.output_dict),
        execution_output_uri=plain(info.execution_output_uri),
        stateful_working_dir=plain(info.stateful_working_dir),
        tmp_dir=plain(info.tmp_dir),
    )


def _with_addresses(output: execution_result_pb2.ExecutorOutput) -> execution_result_pb2.ExecutorOutput:
    """What an executor says of its artifacts, under their real addresses again."""
    for of_key in output.output_artifacts.values():
        for each in of_key.artifacts:
            each.uri = original(each.uri)
    return output


def _renamed(artifacts: Mapping[str, Sequence[artifact.Artifact]]) -> dict[str, list[artifact.Artifact]]:
    return {key: [_named(each) for each in of_key] for key, of_key in artifacts.items()}


def _named(given: artifact.Artifact) -> artifact.Artifact:
    if plain(given.uri) == given.uri:
        return given
    named = copy.deepcopy(given)
    named.uri = plain(given.uri)
    return named
