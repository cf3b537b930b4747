"""`easel models`: what is pushed, and moving labels."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from easel_serving.registry.registry import Registry

from tests.pipeline.commands.command import easel


@pytest.fixture
def serving(tmp_path):
    """A serving directory with two versions of one model."""
    directory = tmp_path / "serving"
    for accuracy in (0.8, 0.9):
        model = tmp_path / "model"
        model.mkdir(exist_ok=True)
        (model / "saved_model.pb").write_bytes(str(accuracy).encode())
        manifest = {
            "created": "2026-01-02T03:04:05+00:00",
            "metrics": {"candidate": {"accuracy": accuracy}, "champion": None, "trivial": {"accuracy": 0.4}},
            "tflite": [{"part": "classifier", "variant": "int8", "bytes": 2_000_000, "verdict": "ok", "metrics": {}}],
        }
        Registry(directory).push("cats", model, manifest)
    return directory


def test_models_lists_what_is_pushed(serving):
    document = json.loads(easel("models", "--serving", serving, "--json").stdout)
    assert [(entry["model"], entry["version"], entry["labels"]) for entry in document] == [
        ("cats", 1, ["previous"]),
        ("cats", 2, ["stable"]),
    ]
    assert set(document[0]) == {"model", "version", "created", "labels", "metrics", "tflite"}
    text = easel("models", env={"EASEL_SERVING": str(serving)}).stdout
    assert "accuracy 0.900 (trivial 0.400)" in text
    assert "classifier int8 2.0 MB" in text


def test_models_of_an_empty_directory(tmp_path):
    assert json.loads(easel("models", "--serving", tmp_path, "--json").stdout) == []
    assert "Nothing is pushed" in easel("models", "--serving", tmp_path).stdout


def test_options_of_models_go_before_the_command_or_after_it(serving):
    before = easel("models", "--serving", serving, "--json", "verify")
    after = easel("models", "verify", "--serving", serving, "--json")
    assert (before.exit_code, after.exit_code) == (0, 0)
    assert before.stdout == after.stdout == "[]\n"


def test_models_can_be_shown_moved_and_checked(serving):
    def models(*arguments):
        result = easel("models", "--serving", serving, *arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    assert "accuracy" in models("show", "cats", "1")
    assert json.loads(models("show", "cats", "1", "--json"))["version"] == 1
    assert json.loads(models("compare", "cats", "1", "2", "--json")) == {"1": {"accuracy": 0.8}, "2": {"accuracy": 0.9}}
    assert "0.800" in models("compare", "cats", "1", "2")
    assert models("rollback", "cats", "--why", "complaints") == "cats: stable is version 1\n"
    assert "stable is version 2" in models("promote", "cats", "2")
    assert "mine is version 1" in models("label", "cats", "mine", "1")
    assert "mine" not in models("label", "cats", "mine", "--remove")
    assert "All files" in models("verify")
    assert "removed nothing" in models("gc", "cats", "--keep", "1")
    assert "version 2" in models("retire", "cats", "1")


def test_every_change_answers_in_json_and_is_logged(serving, tmp_path):
    def models(*arguments):
        return json.loads(easel("models", "--serving", serving, *arguments, "--json").stdout)

    assert models("rollback", "cats", "--why", "complaints") == {"model": "cats", "labels": {"stable": 1}}
    assert models("promote", "cats", "2", "--to", "canary") == {"model": "cats", "labels": {"stable": 1, "canary": 2}}
    assert models("label", "cats", "canary", "--remove")["labels"] == {"stable": 1}
    assert models("retire", "cats", "2", "--why", "no use")["labels"] == {"stable": 1}
    assert models("gc", "cats", "--keep", "1") == {"model": "cats", "removed": []}
    key = tmp_path / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert models("sign", "cats", "1", "--key", key) == {"model": "cats", "version": 1, "signed": True}
    actions = [(record["action"], record["version"], record["why"]) for record in models("log", "cats")]
    assert actions == [
        ("push", 1, ""), ("push", 2, ""), ("rollback", 1, "complaints"), ("promote", 2, ""), ("unlabel", 2, ""),
        ("retire", 2, "no use"), ("sign", 1, ""),
    ]  # fmt: skip
    text = easel("models", "--serving", serving, "log").stdout
    assert "stable 2 > 1" in text
    assert "canary 2 > -" in text


def test_a_server_that_does_not_follow_is_named_and_1(serving, monkeypatch):
    from easel_serving.registry.remote import NotToldError, Remote

    def unreachable(self, root):
        raise NotToldError(f"{self.address}: UNAVAILABLE", root)

    monkeypatch.setattr(Remote, "announce", unreachable)
    result = easel("models", "--serving", serving, "label", "cats", "canary", "--remove", "--server", "h:1", "--json")
    assert result.exit_code == 2
    result = easel("models", "--serving", serving, "promote", "cats", "1", "--server", "tfs:8500", "--json")
    assert (result.exit_code, json.loads(result.stdout)["labels"]["stable"]) == (1, 1)
    assert result.stderr == f"easel: tfs:8500: UNAVAILABLE; the change is made in {serving / 'models.config'}\n"
    assert easel("models", "--serving", serving, "reload").exit_code == 2


def test_a_changed_file_is_found(serving):
    (serving / "cats" / "1" / "saved_model.pb").write_bytes(b"other")
    result = easel("models", "--serving", serving, "verify")
    assert result.exit_code == 1
    assert "changed: cats/1/saved_model.pb" in result.stdout


def test_what_people_write_is_shown_as_it_is(serving):
    for why in ("see [/ticket]", "[red]a[1].jpg", ":cat: [bold"):
        assert easel("models", "--serving", serving, "promote", "cats", "1", "--why", why).exit_code == 0
        shown = easel("models", "--serving", serving, "log")
        assert shown.exit_code == 0
        assert why in shown.stdout


def test_show_is_brief_and_all_is_the_whole_card(serving):
    configuration = {"workspace": "/w", "classifier": {"photos": "/p", "train": {"dropout": 0.5, "patience": 8}}}
    model = serving.parent / "model"
    (model / "saved_model.pb").write_bytes(b"third")
    Registry(serving).push("cats", model, {"kind": "classifier", "lineage": {"configuration": configuration}})
    brief, whole = (
        easel("models", "--serving", serving, "show", "cats", "3", *more).stdout for more in ([], ["--all"])
    )
    assert "classifier.train.dropout: 0.5" in brief
    assert "patience" not in brief
    assert "patience: 8" in whole
    assert whole == (serving / "cats/manifests/3/card.md").read_text()


def test_certificates_need_a_server_with_tls(serving):
    for given, said in (
        (["--ca", "ca.pem"], "certificates are for a server: --server grpcs://HOST:PORT"),
        (["--server", "h:1", "--ca", "ca.pem"], "h:1: certificates are for TLS; give the address as grpcs://h:1"),
    ):
        result = easel("models", "--serving", serving, "promote", "cats", "1", *given)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert said in result.stderr
    assert Registry(serving).labels("cats")["stable"] == 2


def test_a_label_is_not_called_a_model(serving):
    result = easel("models", "--serving", serving, "label", "cats", "a b", "1")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "'a b' cannot name a label" in result.stderr


def test_who_is_waited_for_is_said(serving, monkeypatch):
    import fcntl

    from pipeline.commands.models import changing

    monkeypatch.setattr(changing, "_PATIENCE", 0.2)
    with open(serving / ".lock", "w") as held:
        held.write("process 7 on a host")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        result = easel("models", "--serving", serving, "rollback", "cats")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"easel: waiting for process 7 on a host, who is changing {serving}\n")
    assert "process 7 on a host is changing the serving directory; try again later" in result.stderr
