"""The work of ImageFolderExampleGen."""

import os

import tensorflow as tf
from tfx import types
from tfx.components.example_gen import utils
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.base.executor import Artifacts, Parameters
from components.image_folder_example_gen.ingest import steps, transform
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import layouts, spans
from components.image_folder_example_gen.whole_folder import ledger, report, splits
from components.image_folder_example_gen.writing import shards
from trainer.base import progress


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs `transform.ingest` and describes the Examples as TFX's own ExampleGens do."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Ingests `input_base` into `examples`, `report` and `ledger`."""
        options = IngestOptions.model_validate_json(exec_properties["options"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        account = artifact_utils.get_single_instance(output_dict["report"])
        book = artifact_utils.get_single_instance(output_dict["ledger"])
        root = exec_properties["input_base"]
        folders = layouts.configured(root, options, exec_properties["layout"])
        for split in splits.NAMES:
            tf.io.gfile.makedirs(steps.split_folder(examples.uri, split))
        tf.io.gfile.makedirs(steps.unfinished_folder(examples.uri))
        for artifact in (account, book):
            os.makedirs(artifact.uri, exist_ok=True)
        earlier = exec_properties.get(ledger.PROPERTY) or ""
        with self._make_beam_pipeline() as pipeline:
            transform.ingest(pipeline, folders, options, examples.uri, account.uri, book.uri, earlier)
        ledger.write_header(book.uri, exec_properties)
        tf.io.gfile.rmtree(steps.unfinished_folder(examples.uri))
        for split in splits.NAMES:
            _fill(steps.split_folder(examples.uri, split))
        _describe(examples, account)
        if spans.is_pattern(root):
            # Where TFX's own ExampleGens put it, for its resolvers; of a window, the latest.
            examples.set_int_custom_property(utils.SPAN_PROPERTY_NAME, spans.find(root)[-1].number)


def _fill(folder: str) -> None:
    """Puts an empty file into an empty split: Beam refuses a pattern that matches nothing."""
    if not tf.io.gfile.listdir(folder):
        shards.open_writer(shards.path(folder, 0, 1)).close()


def _describe(examples: types.Artifact, account: types.Artifact) -> None:
    examples.split_names = artifact_utils.encode_split_names(list(splits.NAMES))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    counts = report.read(account.uri)
    for name in ("seen", "examples", "rejected", "duplicates", "ignored"):
        setattr(account, name, getattr(counts, name))
    progress.report(ingested=counts.examples, rejected=counts.rejected, seen=counts.seen)
