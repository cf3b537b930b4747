"""Room and permission, asked before the work."""

import os
import shutil
from collections import namedtuple

import pytest

from pipeline.configuration.config import load
from pipeline.planning import disk_space
from pipeline.planning.disk_space import Volume
from trainer.base.errors import UserError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(config_file):
    return load(config_file)


def test_files_and_bytes_are_counted_without_reading(config, folders):
    volumes = disk_space.measure(config, ["photos", "paintings"])
    assert volumes["photos"].files == 24
    assert volumes["photos"].bytes == sum(path.stat().st_size for path in (folders / "photos").rglob("*.jpg"))
    assert volumes["paintings"].files == 4


def test_the_need_grows_with_the_images_of_both_models_and_nothing_new_needs_next_to_nothing(config):
    few, many = (disk_space.need(config, {"photos": Volume(n, n * 60_000)}) for n in (1_000, 11_000))
    each = 60_000 * 1.1 + 3 * 224**2 + 3 * 384**2
    assert many - few == pytest.approx(10_000 * each, rel=1e-6)
    assert disk_space.need(config.only("style"), {"photos": Volume(1_000, 0)}) < few
    assert disk_space.need(config, {}) < 100e6


def test_a_full_disk_is_one_line_with_both_sizes(config, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1e12, 1e12, 120e6))
    disk_space.check(config, {})
    with pytest.raises(UserError, match=r"work: 120 MB are free and the run needs about 3\.\d GB; nothing was started"):
        disk_space.check(config, {"photos": Volume(5_000, 300_000_000)})


@pytest.mark.parametrize("key", ["workspace", "serving"])
def test_a_folder_that_cannot_be_written_is_named_with_the_reason_and_nothing_is_left_in_it(config_file, key, folders):
    # In /proc nobody may make a file, not even root, whom os.access tells that it may.
    denied = load(config_file, [f"{key}=/proc/easel"])
    with pytest.raises(UserError, match=rf"^{key}: /proc/easel\S* cannot be written: [a-z ]+; .*nothing was started$"):
        disk_space.check(denied, {})
    (folders / "work").mkdir()
    assert disk_space.unwritable(load(config_file)) == []
    assert list((folders / "work").iterdir()) == []


def test_a_file_in_the_place_of_the_workspace_is_named(config_file, folders):
    (folders / "file").touch()
    [fault] = disk_space.unwritable(load(config_file, [f"workspace={folders / 'file' / 'work'}"]))
    assert fault.startswith(f"workspace: {folders / 'file' / 'work'} cannot be written: not a directory")


def test_metadata_that_cannot_be_written_are_named(config, monkeypatch):
    config.workspace.mkdir()
    (config.workspace / "metadata.sqlite").touch()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "metadata.sqlite" and allowed(path, mode))
    with pytest.raises(UserError, match=r"metadata.sqlite cannot be written"):
        disk_space.check(config, {})
