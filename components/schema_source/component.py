"""The SchemaSource component."""

from pathlib import Path
from typing import Any

from tfx.types import standard_artifacts

from components.base.component import Component
from components.schema_source import executor


class SchemaSource(Component):
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

    Args:
        statistics: what a proposal takes the classes from.
        schema_path: the schema file; it need not exist.
        base_schema: path of the curated schema that a proposal starts from. Its content is part of the cache key.
        key: the schema file's state (`contract.schema_key`), so that the cache notices an edit.
    """

    EXECUTOR = executor.Executor
    INPUTS = {"statistics": standard_artifacts.ExampleStatistics}
    PARAMETERS = {"schema_path": str, "base_schema": str, "key": str}
    OUTPUTS = {"schema": standard_artifacts.Schema}

    def __init__(self, schema_path: str, base_schema: str, **arguments: Any):
        text = Path(base_schema).read_text(encoding="utf-8")
        super().__init__(schema_path=str(Path(schema_path).absolute()), base_schema=text, **arguments)
