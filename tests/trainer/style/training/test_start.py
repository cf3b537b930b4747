import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from easel_serving import shipped
from easel_serving.registry.files import sha256

from trainer.base.errors import UserError
from trainer.style.export import saved_model
from trainer.style.export.signatures import ServedStyle
from trainer.style.networks import networks, weights_file
from trainer.style.options import NetworkOptions
from trainer.style.training import start
from trainer.training.champions import Champion


@pytest.fixture
def ours(tiny) -> networks.Networks:
    """Untrained networks of the tiny shape."""
    return networks.build(tiny.options, "none")


@pytest.fixture
def ships(tiny, tmp_path, monkeypatch) -> Path:
    """A folder as it ships, whose network is the tiny one."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    parts = {"transformer": tiny.transformer, "features": tiny.features, "head": tiny.head}
    weights_file.save(folder / shipped.WEIGHTS, tiny.options, **parts)
    (folder / shipped.BANK).write_text(json.dumps([{"name": "wave", "code": [1.0] * 8}]))
    describe(folder)
    monkeypatch.setattr(shipped.version, "__defaults__", (folder,))
    return folder


def describe(folder: Path, **changes) -> None:
    files = {name: sha256(folder / name) for name in (shipped.WEIGHTS, shipped.BANK)}
    manifest = {"format": shipped.FORMAT, "version": 7, "kind": "style", "files": files, **changes}
    (folder / shipped.MANIFEST).write_text(json.dumps(manifest))


def test_the_shipped_network_is_started_from_with_its_encoder(ships, ours, tiny):
    found = start.begin("auto", None, ours)
    assert found == start.Start("shipped", "shipped version 7", {"wave": [1.0] * 8})
    for network, its in zip(ours, (tiny.transformer, tiny.features, tiny.head), strict=True):
        for weight, wanted in zip(network.weights, its.weights, strict=True):
            np.testing.assert_allclose(weight, wanted, rtol=1e-3, atol=1e-4)


def test_the_version_that_serves_comes_first_and_one_of_another_shape_is_passed_over(ships, ours, served, tmp_path):
    saved_model.save_served(served, str(tmp_path / "saved"))
    champion = Champion(tmp_path / "saved", (), "style version 4", {"sea": [0.0] * 8})
    assert start.begin("auto", champion, ours).title == "style version 4"
    assert start.begin("shipped", champion, ours).title == "shipped version 7"
    wider = NetworkOptions(channels=16, blocks=1, code_size=8)
    other = ours._replace(transformer=networks.transformer(wider))
    before = other.transformer.get_weights(), other.head.get_weights()
    found = start.begin("auto", champion, other)
    assert (found.kind, found.warm) == ("scratch", False)
    assert found.why == (
        "style version 4 is another network than style.network describes; "
        "shipped version 7 is another network than style.network describes"
    )
    for weights, kept in zip((other.transformer.get_weights(), other.head.get_weights()), before, strict=True):
        for one, same in zip(weights, kept, strict=True):
            np.testing.assert_array_equal(one, same)
    with pytest.raises(
        UserError, match=r"^style\.train\.start: style version 4 is another network than style\.network"
    ):
        start.begin("champion", champion, other)
    with pytest.raises(UserError, match=r"^style\.train\.start: shipped version 7 is another network"):
        start.begin("shipped", None, other)


def test_from_scratch_nothing_is_read(ours, monkeypatch):
    monkeypatch.setattr(shipped, "version", lambda: pytest.fail("read"))
    assert start.begin("scratch", None, ours).kind == "scratch"


def test_damaged_weights_and_a_newer_format_are_one_line(ships, ours):
    data = bytearray((ships / shipped.WEIGHTS).read_bytes())
    data[-1] ^= 1
    (ships / shipped.WEIGHTS).write_bytes(data)
    with pytest.raises(UserError, match=r"^style\.train\.start: .*weights\.safetensors: damaged or exchanged"):
        start.begin("auto", None, ours)
    describe(ships, format=shipped.FORMAT + 1)
    with pytest.raises(UserError, match=r"format 2 is newer than this easel-serving, which reads 1; update it"):
        start.begin("auto", None, ours)
    shutil.rmtree(ships)
    with pytest.raises(UserError, match=r"no style network is installed there"):
        start.begin("champion", None, ours)


def test_the_places_in_a_served_network_are_its_attributes(served):
    for place in (ServedStyle.TRANSFORMER, ServedStyle.HEAD, ServedStyle.FEATURES):
        assert hasattr(served, place)
