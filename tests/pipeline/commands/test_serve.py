"""`easel serve`."""

import logging
import os
import warnings

from tests.pipeline.commands.command import easel


def test_serve_hands_its_options_to_the_server(tmp_path, monkeypatch):
    called = {}
    monkeypatch.setattr("easel_serving.server.main", lambda serving, **options: called.update(options, serving=serving))
    result = easel("serve", "--serving", tmp_path, "--host", "::1", "--rest-port", "0", "--pixels", "9")
    assert result.exit_code == 0
    assert called == {
        "serving": tmp_path, "host": "::1", "rest_port": 0, "grpc_port": 8500, "runtime": "tensorflow", "pixels": 9,
    }  # fmt: skip


def test_what_libraries_print_is_kept_beside_the_logs_of_runs(tmp_path, monkeypatch, capfd):
    def noisy(serving, **options):
        os.write(2, b"Unable to register cuFFT factory\n")
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("a non-supported Python version", FutureWarning, stacklevel=1)
        logging.getLogger("tensorflow").warning("deprecated")
        logging.getLogger("easel.serving").info("loading photos version 1")

    monkeypatch.setattr("easel_serving.server.main", noisy)
    (tmp_path / "logs").mkdir()
    (tmp_path / "serving").mkdir()
    result = easel("serve", "--serving", tmp_path / "serving", "--cors-origin", "*")
    assert result.exit_code == 0
    [log] = (tmp_path / "logs").iterdir()
    shown, kept = result.stderr + capfd.readouterr().err, log.read_text()
    assert "loading photos version 1" in shown
    assert str(log) in shown
    for words in ("cuFFT", "a non-supported Python version", "deprecated"):
        assert (words in shown, words in kept) == (False, True)
