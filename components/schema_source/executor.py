"""The work of SchemaSource."""

from pathlib import Path

from easel_serving.registry import files
from google.protobuf import text_format
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.artifacts import statistics
from components.base.executor import Artifacts, Parameters
from components.schema_source import contract


class Executor(base_executor.BaseExecutor):
    """Hands on the schema file; where there is none, proposes it first."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Writes `schema.pbtxt` into the output artifact."""
        path = Path(exec_properties["schema_path"])
        output = artifact_utils.get_single_instance(output_dict["schema"])
        if path.exists():
            text = path.read_text(encoding="utf-8")
        else:
            train = statistics.read(artifact_utils.get_single_uri(input_dict["statistics"]), "train")
            labels = sorted(set(statistics.labels(train)) - {""})
            text = contract.propose(exec_properties["base_schema"], labels, exec_properties["key"])
            if train.num_examples:  # nothing learned from nothing must become the contract
                files.write(path, text)
        schema = text_format.MessageToString(contract.complete(contract.parse(text, path)), as_utf8=True)
        files.write(Path(output.uri, "schema.pbtxt"), schema)
        output.set_string_custom_property(contract.PATH_PROPERTY, str(path))
