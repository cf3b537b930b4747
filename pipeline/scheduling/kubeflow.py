"""The pipeline for Kubeflow Pipelines (version 2 of its intermediate representation), compiled by TFX's own runner."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tfx.types import artifact

import pipeline as here
from components.artifacts import types
from pipeline import dag
from pipeline.configuration.config import Config
from pipeline.planning import snapshot
from pipeline.running.beam.arguments import arguments
from trainer.base.errors import UserError


def write(config: Config, image: str, path: Path) -> Path:
    """Compiles the pipeline as the world is now, and reads what was written back into Kubeflow's own messages.

    What a run on this machine asks the folders and the serving directory at its start is written into the file: it is
    to be compiled for every run. The configuration's paths are those in the containers, too; `image` is the container
    image with Easel in it.

    Raises:
        UserError: TFX's extra for Kubeflow is not installed.
    """
    try:
        from google.protobuf import json_format
        from kfp.pipeline_spec import pipeline_spec_pb2
        from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
    except ImportError as error:
        raise UserError(
            f"--as kubeflow needs TFX's extra for it ({error}): pip install 'kfp-pipeline-spec>=0.2.2,<0.4'"
        ) from error
    definition, _ = dag.build(config, snapshot.take(config), beam_arguments=arguments(config.beam, config.beam_args))
    settings = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(default_image=image)
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(settings, str(path.parent), path.name)
    with _importable_types():
        runner.run(definition, write_out=True)
    job = json.loads(path.read_text("utf-8"))
    json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    return path


@contextlib.contextmanager
def _importable_types() -> Iterator[None]:
    """Describes our artifact types as TFX's compiler for Kubeflow wants them, while it writes the file.

    Its containers import a type by its name, and take only one dot in it: `pipeline.IngestReport`, hence
    `pipeline.__getattr__`. Properties of types that are not TFX's own it knows none; there every value is metadata, and
    the conditions read it from there. In MLMD the types stay as they are: other names would empty every cache.
    """
    ours = [each for each in vars(types).values() if isinstance(each, type) and each.__module__ == types.__name__]
    described = {each: (each.TYPE_NAME, each.PROPERTIES) for each in ours if issubclass(each, artifact.Artifact)}
    try:
        for each in described:
            each.TYPE_NAME, each.PROPERTIES = f"{here.__name__}.{each.__name__}", {}
        yield
    finally:
        for each, (name, properties) in described.items():
            each.TYPE_NAME, each.PROPERTIES = name, properties
