"""The data lane on TFX's own runner: what it passes, serves from cache and stops, and which files it names."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from PIL import Image
from tfx import v1 as tfx
from tfx.orchestration import metadata

from components.data_gate.component import DataGate
from components.data_gate.options import GateOptions
from components.image_folder_example_gen import features
from components.image_folder_example_gen.component import ImageFolderExampleGen
from components.image_folder_example_gen.fingerprint import fingerprint
from components.image_folder_example_gen.options import IngestOptions
from components.schema_source.component import SchemaSource
from components.schema_source.contract import schema_key
from tests.components.image_folder_example_gen import corpus

BASE = Path(__file__).parents[2] / "data" / "schemas" / "photos.pbtxt"
BEAM = ["--runner=DirectRunner", "--direct_running_mode=in_memory"]


def run(folder: Path, workspace: Path) -> dict:
    """Runs the lane and returns the verdict."""
    options = IngestOptions()
    ingest = ImageFolderExampleGen(str(folder), options.model_dump_json(), fingerprint(str(folder), options))
    statistics = tfx.components.StatisticsGen(
        examples=ingest.outputs["examples"], stats_options=features.statistics_options()
    )
    contract = str(workspace / "schema.pbtxt")
    schema = SchemaSource(statistics.outputs["statistics"], contract, str(BASE), schema_key(contract))
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    gate = DataGate(
        examples=ingest.outputs["examples"],
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        anomalies=validator.outputs["anomalies"],
        report=ingest.outputs["report"],
        options=GateOptions(min_images=5).model_dump_json(),
        needs_classes=1,
    )
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(workspace / "metadata.db"))
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="lane",
            pipeline_root=str(workspace / "root"),
            components=[ingest, statistics, schema, validator, gate],
            enable_cache=True,
            metadata_connection_config=connection,
            beam_pipeline_args=BEAM,
        )
    )
    with metadata.Metadata(connection) as store:
        artifacts = store.store.get_artifacts_by_type("EaselDataVerdict")
    latest = max(artifacts, key=lambda artifact: artifact.id)
    verdict = json.loads(Path(latest.uri, "verdict.json").read_text())
    assert latest.properties["passed"].int_value == verdict["passed"]
    return verdict


def executions(workspace: Path) -> list[str]:
    """State of every execution so far, in order."""
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(workspace / "metadata.db"))
    with metadata.Metadata(connection) as store:
        states = [each.last_known_state for each in store.store.get_executions()]
    return [metadata_store_pb2.Execution.State.Name(state) for state in states]


def fill(folder: Path, label: str, seeds: range) -> None:
    (folder / label).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        corpus.photo(seed=seed).save(folder / label / f"{seed}.jpg")


@pytest.fixture(scope="module")
def lane(tmp_path_factory) -> tuple[Path, Path]:
    folder, workspace = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("workspace")
    fill(folder, "cat", range(12))
    fill(folder, "dog", range(100, 112))
    (folder / "dog" / "broken.jpg").write_bytes(corpus.variants()["jpeg"][:-300])
    assert run(folder, workspace) == {"passed": True, "findings": [], "how_to_fix": []}
    return folder, workspace


def test_examples_hold_what_the_design_says(lane):
    _, workspace = lane
    seen = []
    for split in ("train", "eval"):
        files = tf.io.gfile.glob(f"{workspace}/root/ImageFolderExampleGen/examples/*/Split-{split}/*.gz")
        for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            assert set(feature) == {*features.WATCHED, features.ENCODED, features.FILENAME, features.SHA256}
            pixels = tf.io.decode_image(feature[features.ENCODED].bytes_list.value[0], channels=3)
            height, width = (feature[name].int64_list.value[0] for name in (features.HEIGHT, features.WIDTH))
            assert pixels.shape == (height, width, 3)
            brightness = feature[features.BRIGHTNESS].float_list.value[0]
            luma = np.asarray(Image.fromarray(pixels.numpy()).convert("L"))
            assert brightness == pytest.approx(luma.mean() / 255, abs=0.01)
            seen.append(feature[features.FILENAME].bytes_list.value[0].decode())
    assert sorted(seen) == sorted([f"cat/{i}.jpg" for i in range(12)] + [f"dog/{i}.jpg" for i in range(100, 112)])


def test_a_second_run_comes_from_the_cache_and_bad_images_stop_the_third(lane):
    folder, workspace = lane
    assert run(folder, workspace)["passed"]
    assert executions(workspace)[-5:] == ["CACHED"] * 5
    contract = (workspace / "schema.pbtxt").read_text()

    fill(folder, "owl", range(200, 208))
    Image.new("RGB", (96, 96)).save(folder / "cat" / "black.png")
    verdict = run(folder, workspace)
    assert not verdict["passed"]
    found = {finding["feature"]: finding for finding in verdict["findings"] if finding["action"] == "stop"}
    assert set(found) == {features.LABEL, features.BRIGHTNESS, features.CONTRAST}
    assert set(found[features.LABEL]["files"]) == {f"owl/{seed}.jpg" for seed in range(200, 208)}
    assert found[features.BRIGHTNESS]["files"] == ["cat/black.png"]
    assert str(workspace / "schema.pbtxt") in " ".join(verdict["how_to_fix"])
    assert (workspace / "schema.pbtxt").read_text() == contract


def test_a_folder_without_a_usable_image_stops_and_leaves_no_schema(tmp_path):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "photos" / "cat" / "page.jpg").write_bytes(b"<html>not found</html>")
    verdict = run(tmp_path / "photos", tmp_path / "workspace")
    assert [(each["kind"], each["files"]) for each in verdict["findings"]] == [("no_images", ["cat/page.jpg"])]
    assert not (tmp_path / "workspace" / "schema.pbtxt").exists()
