"""Writes runs into a workspace with MLMD's own library, as TFX does."""

import json
from pathlib import Path

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd


class Writer:
    """Of runs of a pipeline `p`."""

    def __init__(self, workspace):
        self.workspace, self.folders = workspace, 0
        connection = mlmd.ConnectionConfig()
        connection.sqlite.filename_uri = str(workspace / "metadata.sqlite")
        self.store = metadata_store.MetadataStore(connection)
        self.types = {name: self.store.put_context_type(mlmd.ContextType(name=name)) for name in (
            "pipeline", "pipeline_run", "node")}  # fmt: skip
        self.pipeline = self.context("pipeline", "p")

    def context(self, kind, name, **properties):
        found = self.store.get_context_by_type_and_name(kind, name)
        if found:
            return found
        context = mlmd.Context(type_id=self.types[kind], name=name)
        for key, value in properties.items():
            context.custom_properties[key].string_value = value
        [context.id] = self.store.put_contexts([context])
        if kind == "pipeline_run":
            self.store.put_parent_contexts([mlmd.ParentContext(child_id=context.id, parent_id=self.pipeline.id)])
        return context

    def artifact(self, kind, uri, state=mlmd.Artifact.LIVE, **properties):
        type = self.store.put_artifact_type(
            mlmd.ArtifactType(name=kind, properties=dict.fromkeys(properties, mlmd.INT))
        )
        artifact = mlmd.Artifact(type_id=type, uri=uri, state=state)
        for key, value in properties.items():
            artifact.properties[key].int_value = value
        return artifact

    def document(self, kind, name, content, **properties):
        """An artifact with one JSON file."""
        self.folders += 1
        folder = Path(self.workspace, "artifacts", str(self.folders))
        folder.mkdir(parents=True)
        (folder / name).write_text(json.dumps(content))
        return self.artifact(kind, str(folder), **properties)

    def execution(self, run, node, inputs=(), outputs=(), state=mlmd.Execution.COMPLETE, **properties):
        type = self.store.put_execution_type(mlmd.ExecutionType(name=node.split(".")[0]))
        execution = mlmd.Execution(type_id=type, last_known_state=state)
        for key, value in properties.items():
            execution.custom_properties[key].string_value = value
        pairs = []
        for kind, ends in ((mlmd.Event.INPUT, inputs), (mlmd.Event.OUTPUT, outputs)):
            for keys, artifact in ends:
                event = mlmd.Event(type=kind)
                for key in keys.split():
                    event.path.steps.add(key=key)
                    event.path.steps.add(index=0)
                pairs.append((artifact, event))
        contexts = [self.pipeline, self.context("pipeline_run", run), self.context("node", f"p.{node}")]
        _, ids, _ = self.store.put_execution(execution, pairs, contexts)
        for (artifact, _), id in zip(pairs, ids, strict=True):
            artifact.id = id
