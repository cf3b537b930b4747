"""The SchemaSource component."""

from pathlib import Path

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.schema_source import executor


class SchemaSourceSpec(component_spec.ComponentSpec):
    """What goes in and out."""

    PARAMETERS = {
        "schema_path": component_spec.ExecutionParameter(type=str),
        "base_schema": component_spec.ExecutionParameter(type=str),
        "key": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {"statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class SchemaSource(base_component.BaseComponent):
    """The schema at `schema_path` as an artifact, proposed and written there when there is none.

    ```
    schema = SchemaSource(
        statistics=statistics.outputs["statistics"],
        schema_path="easel-workspace/schemas/classifier.pbtxt",
        base_schema="data/schemas/photos.pbtxt",
        key=contract.schema_key("easel-workspace/schemas/classifier.pbtxt"),
    )
    ```

    Outputs: `schema` (Schema). How caching and editing go together: see `contract`.
    """

    SPEC_CLASS = SchemaSourceSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, statistics: types.BaseChannel, schema_path: str, base_schema: str, key: str, code: str = ""):
        """Makes the component.

        Args:
          statistics: what a proposal takes the classes from.
          schema_path: the schema file; it need not exist.
          base_schema: path of the curated schema that a proposal starts from. Its content is part of the cache key.
          key: the schema file's state (`contract.schema_key`), so that the cache notices an edit.
          code: digest of the code that runs.
        """
        spec = SchemaSourceSpec(
            statistics=statistics,
            schema_path=str(Path(schema_path).absolute()),
            base_schema=Path(base_schema).read_text(encoding="utf-8"),
            key=key,
            code=code,
            schema=types.Channel(type=standard_artifacts.Schema),
        )
        super().__init__(spec=spec)
