"""The work of SchemaSource."""

import os
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import statistics
from components.schema_source import contract


class Executor(base_executor.BaseExecutor):
    """Hands on the schema file; where there is none, proposes it first."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `schema.pbtxt` into the output artifact."""
        path = Path(exec_properties["schema_path"])
        if not path.exists():
            train = statistics.read(artifact_utils.get_single_uri(input_dict["statistics"]), "train")
            labels = sorted(set(statistics.labels(train)) - {""})
            contract.write(contract.propose(exec_properties["base_schema"], labels, exec_properties["key"]), path)
        schema = contract.complete(contract.parse(path.read_text(encoding="utf-8"), path))
        destination = os.path.join(artifact_utils.get_single_uri(output_dict["schema"]), "schema.pbtxt")
        contract.write(text_format.MessageToString(schema, as_utf8=True), destination)
