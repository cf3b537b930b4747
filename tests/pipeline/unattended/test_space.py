"""Room and permission, asked before the work."""

import os
import shutil
from collections import namedtuple

import pytest

from pipeline.config import load
from pipeline.unattended import space
from pipeline.unattended.space import Volume
from trainer.errors import UserError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(config_file):
    return load(config_file)


def test_files_and_bytes_are_counted_without_reading(config, folders):
    volumes = space.measure(config, ["photos", "paintings"])
    assert volumes["photos"].files == 24
    assert volumes["photos"].bytes == sum(path.stat().st_size for path in (folders / "photos").rglob("*.jpg"))
    assert volumes["paintings"].files == 4


def test_the_need_grows_with_the_images_of_both_models_and_nothing_new_needs_next_to_nothing(config):
    few, many = (space.need(config, {"photos": Volume(n, n * 60_000)}) for n in (1_000, 11_000))
    each = 60_000 * 1.1 + 3 * 224**2 + 3 * 384**2
    assert many - few == pytest.approx(10_000 * each, rel=1e-6)
    assert space.need(config.only("style"), {"photos": Volume(1_000, 0)}) < few
    assert space.need(config, {}) < 100e6


def test_a_full_disk_is_one_line_with_both_sizes(config, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1e12, 1e12, 120e6))
    space.check(config, {})
    with pytest.raises(UserError, match=r"work: 120 MB are free and the run needs about 3\.\d GB; nothing was started"):
        space.check(config, {"photos": Volume(5_000, 300_000_000)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_serving_directory_is_one_line(config):
    config.serving.mkdir(parents=True)
    config.serving.chmod(0o500)
    with pytest.raises(UserError, match=r"serving: cannot be written"):
        space.check(config, {})


@pytest.mark.parametrize("denied", ["work", "serving", "metadata.sqlite"])
def test_what_the_system_forbids_is_named(config, monkeypatch, denied):
    config.serving.mkdir(parents=True)
    (config.workspace / "metadata.sqlite").touch()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != denied and allowed(path, mode))
    with pytest.raises(UserError, match=rf"{denied}: cannot be written"):
        space.check(config, {})
