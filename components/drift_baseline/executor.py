"""Chooses the baseline and copies it, because a serving directory or an old run may be cleaned up meanwhile."""

import json
import shutil
from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.artifacts import statistics
from components.base.executor import Artifacts, Parameters
from components.image_folder_example_gen.whole_folder import splits


class Executor(base_executor.BaseExecutor):
    """See `DriftBaseline`."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Copies the statistics of both splits."""
        current = artifact_utils.get_single_uri(input_dict["statistics"])
        baseline = artifact_utils.get_single_instance(output_dict["baseline"])
        for folder in json.loads(exec_properties["candidates"]):
            if is_complete(folder) and not same_images(current, folder):
                for split in splits.NAMES:
                    target = Path(baseline.uri, statistics.FILE.format(split))
                    target.parent.mkdir(parents=True)
                    shutil.copyfile(Path(folder, statistics.FILE.format(split)), target)
                baseline.split_names = artifact_utils.encode_split_names(list(splits.NAMES))
                return
        # No artifact at all: an empty folder would be taken for statistics.
        shutil.rmtree(output_dict["baseline"].pop().uri)


def is_complete(folder: str) -> bool:
    """Whether the statistics of both splits are still there, and are not those of nothing."""
    there = all(Path(folder, statistics.FILE.format(split)).is_file() for split in splits.NAMES)
    return there and statistics.read(folder, "train").num_examples > 0


def same_images(one: str, other: str) -> bool:
    """Whether two folders of statistics describe the same images, going by the numbers that no order can change."""
    return all(_facts(statistics.read(one, split)) == _facts(statistics.read(other, split)) for split in splits.NAMES)


def _facts(dataset: statistics_pb2.DatasetFeatureStatistics) -> tuple:
    extremes = {each.path.step[0]: (each.num_stats.min, each.num_stats.max) for each in dataset.features}
    return dataset.num_examples, statistics.labels(dataset), extremes
