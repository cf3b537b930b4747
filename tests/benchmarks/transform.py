"""Memory of TFX's Transform over large photos: the real component, with the classifier's preprocessing.

    python -m tests.benchmarks.transform [--images 600] [--side 2048]

Photos are drawn; the Examples of one file stand for any number, because further files are links to it. The peak is that
of the whole process: compare several numbers of images, and with what the imports alone take.
"""

import argparse
import os
import resource
import tempfile
import time
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from easel_serving.registry.files import write as write_file
from google.protobuf import text_format
from tfx import v1 as tfx
from tfx.orchestration import metadata
from tfx.types import standard_artifacts

from components.artifacts import features
from components.image_folder_example_gen.writing import shards
from components.schema_source import contract
from pipeline.running import batches
from pipeline.running.beam.arguments import LOCAL
from trainer.classifier.options import BackboneOptions, ClassifierImageOptions

PER_FILE = 30


def draw(side: int, seed: int) -> bytes:
    """A JPEG of `side` x 3/4 `side` pixels with the detail of a photo, about 0.6 bytes a pixel."""
    rng = np.random.default_rng(seed)
    shape = side * 3 // 4, side
    coarse = cv2.resize(rng.integers(0, 256, (24, 32, 3), np.uint8), shape[::-1], interpolation=cv2.INTER_CUBIC)
    grained = (coarse + rng.normal(0, 9, (*shape, 3))).clip(0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", grained, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def example(photo: bytes, number: int, side: int) -> bytes:
    """The serialized tf.Example of a photo, with the features that ingest writes."""
    made = tf.train.Example()
    feature = made.features.feature
    texts = {features.ENCODED: photo, features.FORMAT: b"jpeg", features.LABEL: b"ab"[number % 2 :][:1]}
    texts |= {features.FILENAME: b"%d.jpg" % number, features.SHA256: b"%064x" % number}
    for name, value in texts.items():
        feature[name].bytes_list.value.append(value)
    numbers = {
        features.HEIGHT: side * 3 // 4,
        features.WIDTH: side,
        features.CHANNELS: 3,
        features.NUM_BYTES: len(photo),
    }
    for name, value in numbers.items():
        feature[name].int64_list.value.append(value)
    for name in (
        features.ASPECT_RATIO,
        features.BRIGHTNESS,
        features.CONTRAST,
        features.SHARPNESS,
        features.COLORFULNESS,
    ):
        feature[name].float_list.value.append(0.5)
    return made.SerializeToString()


def write(folder: Path, photos: list[bytes], count: int, side: int) -> None:
    """Examples of `count` photos in both splits."""
    for split, files in {"train": max(1, count // PER_FILE * 4 // 5), "eval": max(1, count // PER_FILE // 5)}.items():
        place = folder / f"Split-{split}"
        place.mkdir(parents=True)
        first = shards.path(str(place), 0, files)
        with shards.open_writer(first) as writer:
            for number in range(PER_FILE):
                writer.write(example(photos[number % len(photos)], number, side))
        for shard in range(1, files):
            os.link(first, shards.path(str(place), shard, files))


def pipeline(work: Path) -> tfx.dsl.Pipeline:
    """Examples and schema as they are there, and Transform."""
    examples = tfx.dsl.Importer(
        source_uri=str(work / "examples"),
        artifact_type=standard_artifacts.Examples,
        properties={"split_names": '["train","eval"]'},
        custom_properties={"payload_format": "FORMAT_TF_EXAMPLE", "file_format": "tfrecords_gzip"},
    ).with_id("examples")
    schema = tfx.dsl.Importer(source_uri=str(work / "schema"), artifact_type=standard_artifacts.Schema).with_id(
        "schema"
    )
    options = {"image": ClassifierImageOptions(), "backbone": BackboneOptions(weights="none")}
    transform = tfx.components.Transform(
        examples=examples.outputs["result"],
        schema=schema.outputs["result"],
        preprocessing_fn="trainer.classifier.input.preprocessing.preprocessing_fn",
        custom_config={"options": {name: each.model_dump(mode="json") for name, each in options.items()}},
        disable_statistics=True,
    )
    return tfx.dsl.Pipeline(
        pipeline_name="transform",
        pipeline_root=str(work / "root"),
        components=[examples, schema, transform],
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(work / "metadata.sqlite")),
        beam_pipeline_args=list(LOCAL),
    )


def peak() -> float:
    """The most memory that this process has had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--side", type=int, default=2048, help="of the photos, pixels; `ingest.max_side` bounds it")
    arguments = parser.parse_args()
    batches.bound_by_bytes()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        photos = [draw(arguments.side, seed) for seed in range(6)]
        write(work / "examples", photos, arguments.images, arguments.side)
        base = (resources.files("data") / "schemas" / "photos.pbtxt").read_text()
        schema = contract.complete(contract.parse(contract.propose(base, ["a", "b"], "n"), "photos.pbtxt"))
        write_file(work / "schema" / "schema.pbtxt", text_format.MessageToString(schema, as_utf8=True))
        before, start = peak(), (time.perf_counter(), time.process_time())
        tfx.orchestration.LocalDagRunner().run(pipeline(work))
        clock, processor = time.perf_counter() - start[0], time.process_time() - start[1]
        print(f"{arguments.images} photos of {len(photos[0]) / 1e6:.1f} MB: {clock:.0f} s, {processor:.0f} s of CPU")
        print(f"peak resident memory {peak():.0f} MiB, {before:.0f} MiB before")


if __name__ == "__main__":
    main()
