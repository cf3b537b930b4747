"""The digest changes with the code that a component runs, and with nothing else."""

import sys

import pytest

from pipeline.dag import code_digest


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """A small house of its own: `net` uses `losses`; `other` uses neither."""
    room = tmp_path / "toyroom"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "losses.py").write_text("def loss(): return 1\n")
    (room / "net.py").write_text("def train():\n    from toyroom import losses\n    return losses.loss()\n")
    (room / "relative.py").write_text("from . import losses\n")
    (room / "other.py").write_text("import json\n")
    monkeypatch.setattr(code_digest, "ROOMS", ("toyroom",))
    monkeypatch.syspath_prepend(tmp_path)
    code_digest._source.cache_clear()
    yield room
    code_digest._source.cache_clear()
    for name in [name for name in sys.modules if name.startswith("toyroom")]:
        del sys.modules[name]


def digests():
    return {name: code_digest.digest(f"toyroom.{name}") for name in ("net", "relative", "other")}


def test_an_edited_module_changes_what_imports_it_and_nothing_else(rooms):
    before = digests()
    (rooms / "losses.py").write_text("def loss(): return 2\n")
    after = digests()
    assert after["net"] != before["net"], "an import inside a function counts"
    assert after["relative"] != before["relative"]
    assert after["other"] == before["other"]


def test_nothing_is_executed_and_other_peoples_modules_do_not_count(rooms):
    (rooms / "other.py").write_text("import no_such_module\nraise SystemExit('executed')\n")
    assert len(code_digest.digest("toyroom.other")) == 16
    assert code_digest.digest("json") == code_digest.digest("os.path")


def test_a_style_loss_belongs_to_the_style_trainer_only():
    code_digest._source.cache_clear()
    assert "trainer.style.perceptual.losses" in code_digest.closure("trainer.style.training.run")
    assert "trainer.style.perceptual.losses" not in code_digest.closure("trainer.classifier.training.run")
