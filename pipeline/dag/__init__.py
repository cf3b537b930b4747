"""The pipeline's definition: a pure function of the configuration and of a snapshot of the world.

Nothing here reads a file; what has to be read is in the Snapshot.
"""

from collections.abc import Sequence
from pathlib import Path

from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline

from pipeline.configuration.config import Config
from pipeline.configuration.data_lanes import data_folders
from pipeline.dag.blueprint import Blueprint
from pipeline.dag.classifier import classifier_lane
from pipeline.dag.data import data_lane
from pipeline.dag.style import style_lane
from pipeline.planning.snapshot import Snapshot
from pipeline.progress.events import Node


def build(
    config: Config, world: Snapshot, home: Path | None = None, beam_arguments: Sequence[str] = ()
) -> tuple[Pipeline, list[Node]]:
    """The whole pipeline, with the lanes that the configuration has.

    Args:
        config: what the person asked for.
        world: what the run starts from.
        home: where artifacts and metadata go instead of the workspace, for a dry run.
        beam_arguments: to be part of the definition, and so of every cache key. A LaneRunner adds its own when a
            component starts, so that other workers change nothing that is cached.

    Returns:
        The TFX pipeline and its nodes in topological order, for the view.
    """
    home = home or config.workspace
    plan = Blueprint()
    lanes = {name: data_lane(plan, name, folder, config, world) for name, folder in data_folders(config).items()}
    if config.classifier:
        classifier_lane(plan, lanes["photos"], config, world)
    if config.style:
        style_lane(plan, lanes.get("style-photos") or lanes["photos"], lanes["paintings"], config, world)
    pipeline = Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(home / "artifacts"),
        components=plan.components,
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(home / "metadata.sqlite")),
        beam_pipeline_args=list(beam_arguments),
    )
    return pipeline, plan.nodes
