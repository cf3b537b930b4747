import io
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from easel_serving.models.saved_model import SavedModel
from easel_serving.registry.registry import Registry
from easel_serving.registry.verify import verify
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts.types import Decision, IngestReport, TFLiteModels
from components.serving_pusher.executor import Executor

LABELS = ["blue", "red"]
TRAINING = {"steps": 3, "start": "m version 7"}


class TinyClassifier(tf.Module):
    """Red or blue, by the mean colour; with both of the classifier's signatures."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = tf.Variable(scale)

    def scores(self, images):
        def one(data):
            mean = tf.reduce_mean(tf.cast(tf.io.decode_jpeg(data, channels=3), tf.float32), axis=(0, 1))
            return tf.nn.softmax(self.scale * tf.stack([mean[2], mean[0]]) / 255.0)

        return tf.map_fn(one, images, fn_output_signature=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(self, image_bytes):
        scores = self.scores(image_bytes)
        classes = tf.tile(tf.constant([LABELS]), [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores, "label": tf.gather(LABELS, tf.argmax(scores, axis=1))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        parsed = tf.io.parse_example(inputs, {"image/encoded": tf.io.FixedLenFeature([], tf.string)})
        served = self.serve(parsed["image/encoded"])
        return {"classes": served["classes"], "scores": served["scores"]}


class Fussy(TinyClassifier):
    """Refuses every image: what a broken graph does in TensorFlow Serving."""

    def scores(self, images):
        with tf.control_dependencies([tf.debugging.assert_equal(tf.size(images), 7, message="seven or nothing")]):
            return super().scores(images)


def jpeg(colour, size=(600, 300)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def save(module, uri):
    signatures = {"serving_default": module.serve, "classify": module.classify}
    tf.saved_model.save(module, f"{uri}/Format-Serving", signatures=signatures)


def artifact(kind, folder):
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def inputs(tmp_path):
    model = artifact(standard_artifacts.Model, tmp_path / "model")
    save(TinyClassifier(), model.uri)
    description = {"kind": "classifier", "labels": LABELS, "image_size": 8, "training": TRAINING, "parameters": 1,
                   "demo": True, "notes": ["two colours"]}  # fmt: skip
    (tmp_path / "model/model.json").write_text(json.dumps(description))
    decision = artifact(Decision, tmp_path / "decision")
    document = {
        "approved": True,
        "reasons": ["accuracy 1.0 is at least 0.5"],
        "checks": [{"metric": "accuracy", "slice": "", "value": 1.0, "bound": 0.5, "rule": "at_least", "passed": True}],
        "metrics": {"candidate": {"accuracy": 1.0}, "champion": None, "trivial": {"accuracy": 0.5}},
        "slices": {},
    }
    (tmp_path / "decision/decision.json").write_text(json.dumps(document))
    tflite = artifact(TFLiteModels, tmp_path / "tflite")
    (tmp_path / "tflite/classifier.float32.tflite").write_bytes(b"float32")
    verdicts = [
        {"part": "classifier", "variant": "float32", "bytes": 7, "verdict": "ok", "metrics": {"agreement": 1.0}},
        {"part": "classifier", "variant": "int8", "bytes": 3, "verdict": "withheld", "metrics": {}, "reason": "worse"},
    ]
    (tmp_path / "tflite/tflite.json").write_text(json.dumps(verdicts))
    examples = artifact(standard_artifacts.Examples, tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split, colours in {"train": ["red", "blue"], "eval": ["blue", "red", "red", "blue"]}.items():
        folder = tmp_path / f"examples/Split-{split}"
        folder.mkdir()
        with tf.io.TFRecordWriter(str(folder / "data.gz"), "GZIP") as writer:
            for number, colour in enumerate(colours):
                features = {
                    "image/encoded": jpeg(colour),
                    "image/class/text": colour.encode(),
                    "image/key/sha256": f"{split}{number}".encode(),
                }
                feature = {
                    key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                    for key, value in features.items()
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    report = artifact(IngestReport, tmp_path / "report")
    (tmp_path / "report/report.json").write_text(json.dumps({"seen": 7, "examples": 6, "rejected": 1}))
    schema = artifact(standard_artifacts.Schema, tmp_path / "schema")
    (tmp_path / "schema/schema.pbtxt").write_text("feature {}")
    statistics = artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics")
    (tmp_path / "statistics/Split-train").mkdir()
    (tmp_path / "statistics/Split-train/FeatureStats.pb").write_bytes(b"train")
    return {"model": [model], "decision": [decision], "tflite": [tflite], "examples": [examples], "photos": [examples],
            "photos_report": [report], "photos_schema": [schema], "photos_statistics": [statistics]}  # fmt: skip


@pytest.fixture
def push(inputs, tmp_path):
    properties = {
        "serving_dir": str(tmp_path / "serving"),
        "model_name": "colours",
        "base_path": "/srv/models",
        "policy": "auto",
        "server": "",
        "server_tls": "{}",
        "signing_key": "",
        "lineage": json.dumps({"commit": "abc", "packages": {"tensorflow": tf.__version__}}),
        "nonce": "1",
    }

    def call(**changed):
        pushed = artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
        Executor().Do(inputs, {"pushed_model": [pushed]}, properties | changed)
        return json.loads((tmp_path / "pushed/pushed.json").read_text())

    return call


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "serving")


def test_a_version_waits_for_its_promotion_and_a_server_that_is_away_fails_nothing(push, registry):
    pushed = push(policy="manual", server="127.0.0.1:9")
    assert (pushed["outcome"], pushed["labels"], pushed["stable"]) == ("pushed", [], None)
    waiting, away = pushed["warnings"]
    assert waiting == "version 1 does not serve; no version serves until `easel models promote colours 1`"
    assert away.startswith("127.0.0.1:9: UNAVAILABLE")
    registry.promote("colours", 1)
    again = push(server="127.0.0.1:9")
    assert (again["outcome"], again["warnings"]) == ("unchanged", [away])  # it is told until it has heard
    assert push() | {"path": ""} == {
        "outcome": "unchanged", "version": 1, "stable": 1, "path": "", "labels": ["stable"], "warnings": [],
    }  # fmt: skip


@pytest.mark.parametrize(("policy", "labels"), [("auto", ["canary"]), ("canary", ["canary"]), ("manual", [])])
def test_what_is_provisional_is_a_canary_with_the_reason_on_its_card(push, registry, inputs, policy, labels):
    path = registry.root.parent / "decision/decision.json"
    why = "provisional, a canary until it is promoted: 15 eval examples cannot tell"
    decision = json.loads(path.read_text()) | {"provisional": True, "notes": [why]}
    path.write_text(json.dumps(decision | {"trivials": {"the class prior": {"accuracy": 0.25}}}))
    done = push(policy=policy)
    assert (done["outcome"], done["stable"], done["labels"]) == ("pushed", None, labels)
    assert "no version serves until `easel models promote colours 1`" in done["warnings"][0]
    version = registry.version("colours", 1)
    assert version.manifest["notes"] == ["two colours", why]
    lead, _, rest = (version.manifest_dir / "card.md").read_text().partition("## Metrics")
    assert why in lead
    assert "| metric | candidate | the class prior |" in rest


def test_everything_that_belongs_to_a_version_is_there(push, registry):
    path = str(registry.root / "colours/1")
    assert push() == {
        "outcome": "pushed",
        "version": 1,
        "stable": 1,
        "path": path,
        "labels": ["stable"],
        "warnings": [],
    }
    version = registry.stable("colours")
    manifest = version.manifest
    assert manifest["metrics"]["trivial"] == {"accuracy": 0.5}
    assert manifest["labels"] == LABELS
    assert manifest["lineage"]["commit"] == "abc"
    assert manifest["lineage"]["trained_from"] == "m version 7"
    assert manifest["data"]["photos"]["report"]["seen"] == 7
    assert len(manifest["data"]["photos"]["digest"]) == len(manifest["data"]["photos"]["schema_digest"]) == 64
    assert [variant["verdict"] for variant in manifest["tflite"]] == ["ok", "withheld"]
    assert manifest["signatures"]["serving_default"]["inputs"] == {"image_bytes": {"dtype": "string", "shape": [-1]}}
    assert set(manifest["signatures"]["serving_default"]["outputs"]) == {"classes", "scores", "label"}
    assert (version.manifest_dir / "labels.txt").read_text().splitlines() == LABELS
    assert [path.name for path in (version.manifest_dir / "tflite").iterdir()] == ["classifier.float32.tflite"]
    assert {name: len(files) for name, files in version.pictures.items()} == {"blue": 3, "red": 3}
    for name, files in version.pictures.items():
        picture = Image.open(version.manifest_dir / "pictures" / files[0])
        assert (picture.format, picture.size) == ("JPEG", (256, 128))
        assert np.argmax(np.asarray(picture).mean((0, 1))) == {"red": 0, "blue": 2}[name]
    card = (version.manifest_dir / "card.md").read_text()
    for text in ("demonstration", "accuracy 1.0 is at least 0.5", "| accuracy | 1 | 0.5 |", "withheld", "abc"):
        assert text in card
    assert 'base_path: "/srv/models/colours"' in (registry.root / "models.config").read_text()
    assert verify(registry.root) == []


def test_warmup_requests_run_as_tensorflow_serving_replays_them(push, registry):
    push()
    version = registry.stable("colours")
    loaded = SavedModel(version.path)
    path = str(version.path / "assets.extra/tf_serving_warmup_requests")
    logs = [prediction_log_pb2.PredictionLog.FromString(r) for r in tf.data.TFRecordDataset(path).as_numpy_iterator()]
    assert [log.WhichOneof("log_type") for log in logs] == ["classify_log", "predict_log"] * 3
    request = logs[1].predict_log.request
    assert (request.model_spec.name, request.model_spec.signature_name) == ("colours", "serving_default")
    image = tf.make_ndarray(request.inputs["image_bytes"])
    assert Image.open(io.BytesIO(image[0])).size == (256, 128)
    assert loaded("serving_default", {"image_bytes": image})["label"].tolist() == [b"blue"]
    [example] = logs[0].classify_log.request.input.example_list.examples
    scores = loaded("classify", {"inputs": np.array([example.SerializeToString()], object)})["scores"]
    np.testing.assert_allclose(scores.sum(), 1.0, rtol=1e-5)


def test_second_run_changes_nothing_and_a_lost_version_comes_back(push, registry):
    push()
    config = (registry.root / "models.config").read_text()
    assert push()["outcome"] == "unchanged"
    assert (registry.root / "models.config").read_text() == config
    shutil.rmtree(registry.root / "colours/1")
    assert registry.stable("colours") is None
    done = push()
    assert (done["outcome"], done["version"], done["labels"]) == ("refilled", 1, ["stable"])
    assert verify(registry.root) == []


def test_a_rollback_is_not_undone_by_a_cached_candidate(push, registry, inputs):
    push()
    model = inputs["model"][0].uri
    shutil.rmtree(f"{model}/Format-Serving")
    save(TinyClassifier(scale=2.0), model)
    assert push()["version"] == 2
    registry.rollback("colours")
    done = push()
    assert (done["outcome"], done["version"], done["stable"]) == ("unchanged", 2, 1)
    assert registry.stable("colours").number == 1


def test_what_was_not_approved_is_refused(push, registry, inputs):
    (registry.root.parent / "decision/decision.json").write_text(json.dumps({"approved": False}))
    with pytest.raises(ValueError, match="colours: the decision does not approve this model"):
        push()
    assert registry.models() == []


def test_a_model_that_only_python_could_load_is_not_pushed(push, registry, inputs):
    model = inputs["model"][0].uri
    shutil.rmtree(f"{model}/Format-Serving")
    lost = TinyClassifier()
    lost.scale = keras.Variable(1.0)  # see trainer.networks.served
    save(lost, model)
    with pytest.raises(ValueError, match=r"colours: signature classify fails.*Could not find variable"):
        push()
    assert registry.models() == []


def test_a_model_that_fails_on_its_warmup_is_not_pushed(push, registry, inputs):
    model = inputs["model"][0].uri
    shutil.rmtree(f"{model}/Format-Serving")
    save(Fussy(), model)
    with pytest.raises(ValueError, match=r"colours: signature classify fails on its own warm-up.*seven or nothing"):
        push()
    assert registry.models() == []
