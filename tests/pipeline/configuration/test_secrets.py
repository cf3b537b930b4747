"""What the log may not say."""

import io
import logging

import pytest

from pipeline.configuration.config import load
from pipeline.configuration.secrets import Mask, MaskedStream
from pipeline.terminal import quiet

ENVIRONMENT = {
    "EASEL_API_KEY": "s3cret-value",
    "DB_PASSWORD": "hunter22",
    "SLACK_WEBHOOK": "T0/B0/xyz",
    "HOME": "/home/me",
}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("key is s3cret-value.", "key is ***."),
        ("a hunter22 b hunter22", "a *** b ***"),
        ("/home/me/T0/B0/xyz", "/home/me/***"),
        ("s3://id:pass@bucket/photos", "s3://***@bucket/photos"),
        ("https://token@host/x?y=1", "https://***@host/x?y=1"),
        ("https://host/x?api_key=abc&y=1&X-Amz-Signature=ff", "https://host/x?api_key=***&y=1&X-Amz-Signature=***"),
        ("Authorization: Bearer abcdefgh12", "Authorization: Bearer ***"),
        ("a basic idea", "a basic idea"),
        ("mail me@host about https://host/path", "mail me@host about https://host/path"),
        ("classifier.train.epochs=5", "classifier.train.epochs=5"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_left(text, masked):
    assert Mask(ENVIRONMENT)(text) == masked


def test_short_values_and_other_names_are_no_secrets():
    assert Mask({"TOKEN": "abc", "EASEL_ASSETS": "/data/photos"})("abc /data/photos") == "abc /data/photos"


def test_the_longer_of_two_secrets_is_masked_whole():
    assert Mask({"A_KEY": "abcdef", "B_KEY": "abcdefghij"})("abcdefghij") == "***"


def test_a_stream_counts_what_it_was_given_and_is_otherwise_itself():
    stream = io.StringIO()
    masked = MaskedStream(stream, Mask(ENVIRONMENT))
    assert masked.write("hunter22") == 8
    masked.writelines(["x", "hunter22"])
    assert masked.getvalue() == "***x***"


def test_the_log_of_a_run_has_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("EASEL_API_KEY", "s3cret-value")
    log = tmp_path / "log"
    with quiet.capture(log):
        print("printed s3cret-value")
        logging.getLogger("x").info("logged %s", "s3cret-value")
        logging.getLogger("x").info("at s3://me:pw@bucket")
    text = log.read_text()
    assert "printed ***" in text
    assert "logged ***" in text
    assert "s3://***@bucket" in text
    assert "s3cret" not in text


def test_what_is_recorded_of_the_configuration_has_none_either(config_file, monkeypatch):
    monkeypatch.setenv("HOOK_TOKEN", "abcdefgh")
    overrides = ["on.pushed=curl https://x/${HOOK_TOKEN}", "beam_args=['--x=s3://a:b@c', '--y=${HOOK_TOKEN}']"]
    described = load(config_file, overrides).described()
    assert "on" not in described
    assert described["beam_args"] == ["--x=s3://***@c", "--y=***"]
    assert described["seed"] == load(config_file).seed
