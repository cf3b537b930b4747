"""The work of StylePairs: reading and writing; which pairs is in `pairs`."""

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.artifacts import tfrecords
from components.base.executor import Artifacts, Parameters
from components.style_pairs import pairs
from trainer.base import progress
from trainer.base.errors import UserError
from trainer.style.options import PairOptions

_TRAIN, _EVAL = "train", "eval"


class Executor(base_executor.BaseExecutor):
    """Writes the pairs."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Fills the split `eval` of the Examples artifact; UserError when there is no photo or painting to pair."""
        options = PairOptions.model_validate_json(exec_properties["options"])
        seed = exec_properties["seed"]
        photos = pairs.choose(_read(input_dict["photos"], _EVAL), options.photos, seed)
        paintings = pairs.choose(
            [*_read(input_dict["paintings"], _TRAIN), *_read(input_dict["paintings"], _EVAL)], options.paintings, seed
        )
        if not photos or not paintings:
            missing = "style.photos: no photo in the eval split" if not photos else "style.paintings: no painting"
            raise UserError(f"{missing}, so the style network cannot be evaluated; add images")
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names([_EVAL])
        folder = Path(artifact_utils.get_split_uri([examples], _EVAL))
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder / "pairs-00000-of-00001.gz")
        # The images are PNG files, which do not get smaller: level 1 keeps the format that TFX expects.
        options_gzip = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
        with tf.io.TFRecordWriter(path, options_gzip) as writer:
            for example in pairs.pairs(photos, paintings, options.side):
                writer.write(example.SerializeToString())
        progress.report(pairs=len(photos) * len(paintings), photos=len(photos), paintings=len(paintings))


def _read(examples: list[types.Artifact], split: str) -> Iterator[pairs.Image]:
    """The images of a split; none where the artifact has no such split or no file in it."""
    names = artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names)
    if split in names:
        for example in tfrecords.examples(artifact_utils.get_split_uri(examples, split)):
            yield pairs.image(example, held_out=split == _EVAL)
