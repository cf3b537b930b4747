"""`easel classify` and `easel serve`."""

import json

import pytest

from tests.pipeline.commands.command import easel


def test_serve_hands_its_options_to_the_server(tmp_path, monkeypatch):
    called = {}
    monkeypatch.setattr("easel_serving.server.main", lambda serving, **options: called.update(options, serving=serving))
    result = easel("serve", "--serving", tmp_path, "--host", "::1", "--rest-port", "0", "--pixels", "9")
    assert result.exit_code == 0
    assert called == {
        "serving": tmp_path, "host": "::1", "rest_port": 0, "grpc_port": 8500, "runtime": "tensorflow", "pixels": 9,
    }  # fmt: skip


@pytest.mark.usefixtures("fake_models")
def test_classify_prints_labels_or_json():
    result = easel("classify", "--json", "a.jpg", "b.jpg")
    assert [(entry["path"], entry["label"], entry["score"]) for entry in json.loads(result.stdout)] == [
        ("a.jpg", "cat", 0.75),
        ("b.jpg", "cat", 0.75),
    ]
    text = easel("classify", "a.jpg").stdout
    assert "cat" in text
    assert "dog 0.200, cow 0.050" in text
