import json
import subprocess
import sys
import threading

import pytest
from easel_serving.protocol import messages
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit, config_files, files
from easel_serving.registry.directory import listing
from easel_serving.registry.registry import Registry
from easel_serving.registry.verify import verify


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "serving")


@pytest.fixture
def push(registry, saved_model):
    def call(content, **kwargs):
        return registry.push("classifier", saved_model(content), {"created": "2026-01-01T00:00:00+00:00"}, **kwargs)

    return call


def test_first_push_is_complete_and_stable(registry, push, saved_model, tmp_path):
    attachments = tmp_path / "attachments"
    (attachments / "tflite").mkdir(parents=True)
    (attachments / "labels.txt").write_text("a\nb\n")
    (attachments / "tflite" / "classifier.int8.tflite").write_bytes(b"123")
    (attachments / "pictures").mkdir()
    (attachments / "pictures/index.json").write_text('{"a": ["0.jpg", "1.jpg"]}')
    done = push("one", attachments=attachments, warmup=b"records", why="first")
    assert (done.outcome, done.version.number, done.version.labels) == ("pushed", 1, ("stable",))
    version = registry.stable("classifier")
    assert (version.path / "saved_model.pb").read_text() == "one"
    assert (version.path / "assets.extra/tf_serving_warmup_requests").read_bytes() == b"records"
    assert (version.manifest_dir / "tflite/classifier.int8.tflite").read_bytes() == b"123"
    card = (version.manifest_dir / "card.md").read_text()
    assert "# classifier, version 1" in card
    assert "| a | ![a](pictures/0.jpg) ![a](pictures/1.jpg) |" in card
    assert version.manifest["files"]["saved_model.pb"] == {
        "sha256": files.sha256(version.path / "saved_model.pb"),
        "bytes": 3,
    }
    assert version.digest == files.model_digest(saved_model("one"))
    assert verify(registry.root) == []
    [record] = audit.read(registry.root)
    assert (record["action"], record["why"], record["from"], record["to"]) == ("push", "first", {}, {"stable": 1})


def test_configuration_is_what_tensorflow_serving_parses(registry, push):
    text_format = pytest.importorskip("google.protobuf.text_format")
    server = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    push("one")
    push("two")
    message = text_format.Parse((registry.root / "models.config").read_text(), server.ModelServerConfig())
    [config] = message.model_config_list.config
    assert (config.name, config.base_path, config.model_platform) == ("classifier", "/models/classifier", "tensorflow")
    assert list(config.model_version_policy.specific.versions) == [1, 2]
    assert dict(config.version_labels) == {"stable": 2, "previous": 1}
    monitoring = messages.parse((registry.root / "monitoring.config").read_text(), messages.MonitoringConfig)
    assert monitoring.prometheus_config.enable
    assert config_files.metrics_path(registry.root) == "/monitoring/prometheus/metrics"
    assert config_files.read_batching(registry.root).max_batch_size.value == 16


def test_other_models_and_hand_made_fields_survive(registry, push):
    registry.root.mkdir()
    logging = 'logging_config { log_collector_config { type: "x" } }'
    mine = f'config {{ name: "other" base_path: "/x" }} config {{ name: "classifier" base_path: "/y" {logging} }}'
    (registry.root / "models.config").write_text(f"model_config_list {{ {mine} }}")
    (registry.root / "batching.config").write_text("max_batch_size { value: 3 }")
    push("one")
    text = (registry.root / "models.config").read_text()
    assert 'type: "x"' in text
    assert set(config_files.read_models(registry.root)) == {"classifier", "other"}
    assert config_files.read_models(registry.root)["classifier"].base_path == "/y"
    assert (registry.root / "batching.config").read_text() == "max_batch_size { value: 3 }"


def test_same_content_is_not_pushed_again_and_a_rollback_stays(registry, push):
    push("one")
    push("two")
    assert push("two").outcome == "unchanged"
    assert registry.rollback("classifier", why="complaints") == {"stable": 1}
    done = push("two")
    assert (done.outcome, done.version.number) == ("unchanged", 2)
    assert registry.stable("classifier").number == 1
    assert push("three").version.number == 3
    assert registry.labels("classifier") == {"stable": 3, "previous": 1}


def test_warmup_does_not_change_what_a_model_is(push):
    push("one", warmup=b"x")
    assert push("one", warmup=b"y").outcome == "unchanged"


def test_lost_folder_is_refilled_under_its_number(registry, push):
    push("one")
    version = push("two", warmup=b"x").version
    files.remove(version.path)
    version.path.mkdir()
    assert registry.stable("classifier") is None
    done = push("two", warmup=b"other")
    assert (done.outcome, done.version.number, done.version.labels) == ("refilled", 2, ("stable",))
    assert verify(registry.root) == []


def test_lost_configuration_is_restored(registry, push):
    push("one")
    push("two")
    registry.rollback("classifier")
    (registry.root / "models.config").unlink()
    assert push("two").outcome == "unchanged"
    assert config_files.read_models(registry.root)["classifier"].labels == {"stable": 1}


def test_a_lost_configuration_is_restored_for_every_model(registry, push, saved_model):
    push("one")
    registry.push("style", saved_model("painter"), {})
    (registry.root / "models.config").unlink()
    assert push("two").outcome == "pushed"
    assert config_files.read_models(registry.root)["style"].labels == {"stable": 1}


def test_numbers_are_never_reused(registry, push):
    for content in ("one", "two", "three"):
        push(content)
    registry.rollback("classifier", to=1)
    for folder in (registry.root / "classifier/3", registry.root / "classifier/manifests/3"):
        files.remove(folder)
    assert push("four").version.number == 4


def test_emptied_model_folder_gets_a_new_version(registry, push):
    push("one")
    files.remove(registry.root / "classifier")
    assert registry.stable("classifier") is None
    done = push("one")
    assert (done.outcome, done.version.number) == ("pushed", 2)
    assert registry.stable("classifier").number == 2


def test_a_provisional_version_is_a_canary_even_where_nothing_is_stable(registry, push):
    assert push("one", policy="provisional").version.labels == ("canary",)
    assert registry.stable("classifier") is None
    assert push("two", policy="provisional").version.labels == ("canary",)
    assert registry.promote("classifier", 2) == {"stable": 2}
    assert push("three", policy="provisional").version.labels == ("canary",)
    assert registry.stable("classifier").number == 2


def test_policies(registry, push):
    assert push("one", policy="manual").version.labels == ()
    assert config_files.read_models(registry.root) == {}
    assert push("two", policy="canary").version.labels == ("stable",)
    assert push("three", policy="canary").version.labels == ("canary",)
    assert registry.promote("classifier", 3) == {"stable": 3, "previous": 2}
    with pytest.raises(ServingError, match="promotion policy"):
        push("four", policy="yes")


def test_promotion_needs_a_version_that_can_be_loaded(registry, push):
    push("one")
    with pytest.raises(ServingError, match="no version 7; there are 1"):
        registry.promote("classifier", 7)
    with pytest.raises(ServingError, match="did you mean classifier"):
        registry.promote("clasifier", 1)
    with pytest.raises(ServingError, match="no version was stable before"):
        registry.rollback("classifier")
    files.remove(registry.root / "classifier/1")
    with pytest.raises(ServingError, match="lost its folder"):
        registry.promote("classifier", 1)


def test_labels_can_be_set_and_removed(registry, push):
    push("one")
    push("two")
    assert registry.label("classifier", "berlin", 1) == {"stable": 2, "previous": 1, "berlin": 1}
    assert registry.unlabel("classifier", "berlin") == {"stable": 2, "previous": 1}
    with pytest.raises(ServingError, match="cannot be removed"):
        registry.unlabel("classifier", "stable")


def test_retired_content_does_not_come_back(registry, push):
    push("one")
    push("two")
    with pytest.raises(ServingError, match="is stable"):
        registry.retire("classifier", 2)
    assert registry.retire("classifier", 1, why="wrong labels") == {"stable": 2}
    assert [version.number for version in registry.versions("classifier")] == [2]
    assert registry.version("classifier", 1).retired["why"] == "wrong labels"
    assert push("one").outcome == "unchanged"
    assert registry.stable("classifier").number == 2
    assert verify(registry.root) == []


def test_gc_keeps_the_newest_and_the_labelled(registry, push):
    for content in ("one", "two", "three", "four", "five"):
        push(content)
    registry.label("classifier", "pinned", 1)
    assert registry.gc("classifier", keep=1) == [2, 3]
    assert [version.number for version in registry.versions("classifier")] == [1, 4, 5]
    assert verify(registry.root) == []
    done = push("two")
    assert (done.outcome, done.version.number) == ("pushed", 6)
    with pytest.raises(ServingError, match="at least one"):
        registry.gc("classifier", keep=0)


def test_verify_finds_missing_changed_and_foreign(registry, push):
    version = push("one").version
    (version.path / "saved_model.pb").write_text("two")
    (version.path / "variables/variables.index").unlink()
    (version.path / "assets/extra.py").write_text("code")
    (version.manifest_dir / "card.md").write_text("better than it is")
    (registry.root / "classifier/9").mkdir()
    found = {(finding.kind, finding.path) for finding in verify(registry.root)}
    assert found == {
        ("changed", "classifier/1/saved_model.pb"),
        ("missing", "classifier/1/variables/variables.index"),
        ("foreign", "classifier/1/assets/extra.py"),
        ("changed", "classifier/manifests/1/card.md"),
        ("foreign", "classifier/9"),
    }


def test_listing_is_the_contract(registry, saved_model, tmp_path):
    tflite = [{"part": "classifier", "variant": "int8", "bytes": 3, "verdict": "ok", "metrics": {"agreement": 1.0}}]
    metrics = {"candidate": {"accuracy": 0.9}, "champion": None, "trivial": {"accuracy": 0.5}}
    manifest = {"created": "2026-01-01T00:00:00+00:00", "metrics": metrics, "tflite": tflite}
    registry.push("classifier", saved_model("one"), manifest)
    assert json.loads(json.dumps(listing(registry.root))) == [
        {
            "model": "classifier",
            "version": 1,
            "created": "2026-01-01T00:00:00+00:00",
            "labels": ["stable"],
            "metrics": metrics,
            "tflite": tflite,
        }
    ]
    assert listing(tmp_path / "nowhere") == []


def test_two_writers_take_turns(registry, push, saved_model):
    contents = [f"content{number}" for number in range(6)]
    for content in contents:
        saved_model(content)
    threads = [threading.Thread(target=push, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [version.number for version in registry.versions("classifier")] == [1, 2, 3, 4, 5, 6]
    assert verify(registry.root) == []


def test_a_writer_that_does_not_end_is_named(registry, push, saved_model):
    push("one")
    hold = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, 2); print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, registry.root / ".lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    holder.stdout.readline()
    with pytest.raises(ServingError, match=r"process \d+ on .* is changing the serving directory"):
        Registry(registry.root, timeout=0.2).push("classifier", saved_model("two"), {})
    holder.kill()
    holder.wait()
    assert push("two").outcome == "pushed"


@pytest.mark.parametrize("name", ["", "1", "../up", "a/b", ".hidden", "manifests/1"])
def test_names_that_would_be_versions_or_paths_are_refused(registry, name, saved_model):
    with pytest.raises(ServingError, match="cannot name a model"):
        registry.push(name, saved_model("one"), {})


def test_no_saved_model_is_refused(registry, tmp_path):
    with pytest.raises(ServingError, match=r"no SavedModel \(saved_model.pb\)"):
        registry.push("classifier", tmp_path, {})


def test_damaged_files_are_named(registry, push):
    push("one")
    (registry.root / "classifier/manifests/1/manifest.json").write_text("{")
    with pytest.raises(
        ServingError, match=r"manifests/1/manifest.json: manifest damaged: no JSON .*; restore the file"
    ):
        registry.stable("classifier")
    (registry.root / "models.config").write_text("config {")
    with pytest.raises(ServingError, match=r"models.config: not a TensorFlow Serving model configuration"):
        registry.labels("classifier")
