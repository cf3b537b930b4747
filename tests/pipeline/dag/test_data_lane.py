"""The data lane of the real pipeline, without what trains: what it passes, serves from cache and stops, and why."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from easel_serving.registry.registry import Registry
from PIL import Image
from tfx.proto.orchestration import pipeline_pb2

from components.artifacts import features
from components.data_gate.options import GateOptions
from components.serving_pusher import attachments
from pipeline import dag
from pipeline.configuration.config import Config
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs, model_results
from pipeline.pages.data import page
from pipeline.planning import snapshot
from pipeline.running.lane_runner import LaneRunner, Trace
from tests.components.image_folder_example_gen import corpus

LANE = (
    "ImageFolderExampleGen",
    "StatisticsGen",
    "SchemaSource",
    "ExampleValidator",
    "DistributionValidator",
    "DriftBaseline",
    "DataGate",
)


class DataLanes(LaneRunner):
    """Runs the pipeline's data lanes alone."""

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options=None) -> Trace:
        kept = [node for node in pipeline.nodes if node.pipeline_node.node_info.id.split(".")[0] in LANE]
        kept = [pipeline_pb2.Pipeline.PipelineOrNode.FromString(node.SerializeToString()) for node in kept]
        del pipeline.nodes[:]
        pipeline.nodes.extend(kept)
        return super().run_with_ir(pipeline)


def run(folder: Path, workspace: Path, **policy) -> tuple[dict, Trace]:
    """Runs the lane and returns the verdict and what each node did."""
    config = Config(
        workspace=workspace,
        data_gate=GateOptions(min_images=5, **policy),
        classifier={"photos": str(folder), "backbone": {"name": "small_cnn", "weights": "none"}},
    )
    pipeline, _ = dag.build(config, snapshot.take(config))
    trace = DataLanes(lambda node, state: None).run(pipeline)
    assert not trace.errors
    outputs = Outputs(Store(workspace).run(trace.run_id))
    page.write("a run", page.sections(config, outputs), workspace)
    verdict = outputs.document("DataGate.classifier.photos", "verdict", "verdict.json")
    passed = outputs.artifact("DataGate.classifier.photos", "verdict").properties["passed"]
    assert passed == verdict["passed"]
    if not passed:
        [result] = model_results(config, outputs)
        assert result.outcome == "stopped"
        verdict["reasons"] = result.reasons
    return verdict, trace


def kinds(verdict: dict, action: str = "warn") -> set[tuple[str, str]]:
    return {(each["kind"], each["feature"]) for each in verdict["findings"] if each["action"] == action}


def fill(folder: Path, label: str, seeds: range) -> None:
    (folder / label).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        corpus.photo(seed=seed).save(folder / label / f"{seed}.jpg")


@pytest.fixture(scope="module")
def lane(tmp_path_factory) -> tuple[Path, Path]:
    folder, workspace = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("workspace")
    fill(folder, "cat", range(30))
    fill(folder, "dog", range(100, 130))
    (folder / "dog" / "broken.jpg").write_bytes(corpus.variants()["jpeg"][:-300])
    assert run(folder, workspace)[0] == {"passed": True, "findings": [], "how_to_fix": []}
    return folder, workspace


def test_examples_hold_what_the_design_says(lane):
    _, workspace = lane
    seen = []
    for split in ("train", "eval"):
        files = tf.io.gfile.glob(f"{workspace}/artifacts/ImageFolderExampleGen.photos/examples/*/Split-{split}/*.gz")
        for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            assert set(feature) >= {*features.WATCHED, features.ENCODED, features.FILENAME, features.SHA256}
            pixels = tf.io.decode_image(feature[features.ENCODED].bytes_list.value[0], channels=3)
            height, width = (feature[name].int64_list.value[0] for name in (features.HEIGHT, features.WIDTH))
            assert pixels.shape == (height, width, 3)
            brightness = feature[features.BRIGHTNESS].float_list.value[0]
            luma = np.asarray(Image.fromarray(pixels.numpy()).convert("L"))
            assert brightness == pytest.approx(luma.mean() / 255, abs=0.01)
            seen.append(feature[features.FILENAME].bytes_list.value[0].decode())
    assert sorted(seen) == sorted([f"cat/{i}.jpg" for i in range(30)] + [f"dog/{i}.jpg" for i in range(100, 130)])


def test_a_second_run_comes_from_the_cache_and_bad_images_stop_the_third(lane):
    folder, workspace = lane
    verdict, trace = run(folder, workspace)
    assert verdict["passed"]
    assert set(trace.states.values()) == {"cached"}
    schema = workspace / "schemas" / "photos.pbtxt"
    contract = schema.read_text()

    fill(folder, "owl", range(200, 208))
    Image.new("RGB", (96, 96)).save(folder / "cat" / "black.png")
    verdict, trace = run(folder, workspace)
    assert not verdict["passed"]
    assert trace.states["DataGate.classifier.photos"] == "stopped"
    found = {finding["feature"]: finding for finding in verdict["findings"] if finding["action"] == "stop"}
    assert set(found) == {features.LABEL, features.BRIGHTNESS, features.CONTRAST}
    assert set(found[features.LABEL]["files"]) == {f"owl/{seed}.jpg" for seed in range(200, 208)}
    assert found[features.LABEL]["images"] == 8
    assert found[features.BRIGHTNESS]["files"] == ["cat/black.png"]
    told = "\n".join(verdict["reasons"])
    for word in ("owl/200.jpg", "and 5 more", "cat/black.png", "new_class: ", "blank_images: ", str(schema)):
        assert word in told
    assert schema.read_text() == contract
    html = (workspace / "data.html").read_text().replace("<wbr>", "")
    assert html.index("cat/black.png") < html.index("dog/broken.jpg")
    assert html.count("<img") > 10


def test_an_edit_of_the_schema_re_runs_what_depends_on_it(lane):
    folder, workspace = lane
    schema = workspace / "schemas" / "photos.pbtxt"
    schema.write_text(schema.read_text().replace('value: "dog"', 'value: "dog"\n  value: "owl"'))
    verdict, trace = run(folder, workspace, blank_images="warn")
    assert verdict["passed"]
    assert ("blank_images", features.BRIGHTNESS) in kinds(verdict)
    assert not {kind for kind, _ in kinds(verdict) if "drift" in kind or "skew" in kind}
    done = {node.split(".")[0] for node, state in trace.states.items() if state == "done"}
    assert done == {"SchemaSource", "ExampleValidator", "DataGate"}


def test_data_are_compared_with_those_that_passed_before_and_with_the_champions(lane):
    folder, workspace = lane
    before = max((workspace / "artifacts" / "StatisticsGen.photos" / "statistics").iterdir())
    for seed in range(300, 330):
        bright = corpus.photo(seed=seed).point(lambda level: 200 + level // 5)
        bright.save(folder / "cat" / f"{seed}.jpg")
    (folder / "cat" / "black.png").unlink()
    verdict, trace = run(folder, workspace)
    assert verdict["passed"]
    html = (workspace / "data.html").read_text().replace("<wbr>", "")
    assert "the data before" in html
    assert 'class="over"' in html
    assert ("measure_drift", features.BRIGHTNESS) in kinds(verdict)
    [brightness] = [each for each in verdict["findings"] if each["feature"] == features.BRIGHTNESS]
    assert "the data before" in brightness["message"]
    assert len(brightness["files"]) == 10
    assert all(int(Path(file).stem) >= 300 for file in brightness["files"])

    again, trace = run(folder, workspace)
    assert set(trace.states.values()) == {"cached"}, "the same data are compared with the same data before"
    assert again == verdict

    push(workspace, workspace / "model", before)
    verdict, _ = run(folder, workspace)
    against = [each["message"] for each in verdict["findings"] if each["feature"] == features.BRIGHTNESS]
    assert len(against) == 2
    assert "the serving version's data" in against[1]
    now = max((workspace / "artifacts" / "StatisticsGen.photos" / "statistics").iterdir())
    push(workspace, workspace / "newer", now)
    assert run(folder, workspace)[0] == again, "a champion trained on these very data is no other data"


def push(workspace: Path, model: Path, statistics: Path) -> None:
    """Makes a version that was trained on the data of the statistics."""
    gathered = model / "attachments"
    gathered.mkdir(parents=True)
    attachments.write_statistics(gathered, "photos", statistics)
    (model / "saved_model.pb").write_text(model.name)
    Registry(workspace / "serving").push("classifier", model, {"created": "now"}, attachments=gathered)


def test_a_folder_without_a_usable_image_stops_and_leaves_no_schema(tmp_path):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "photos" / "cat" / "page.jpg").write_bytes(b"<html>not found</html>")
    verdict, _ = run(tmp_path / "photos", tmp_path / "workspace")
    assert [(each["kind"], each["files"]) for each in verdict["findings"]] == [("no_images", ["cat/page.jpg"])]
    assert not (tmp_path / "workspace" / "schemas" / "photos.pbtxt").exists()
    assert "cat/<wbr>page.jpg" in (tmp_path / "workspace" / "data.html").read_text()
