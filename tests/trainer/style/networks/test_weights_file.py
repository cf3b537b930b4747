import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from trainer.base.errors import UserError
from trainer.style.networks import networks, weights_file
from trainer.style.options import NetworkOptions

SIZE = NetworkOptions(channels=8, blocks=1, code_size=8)


def built(seed, size=SIZE):
    keras.utils.set_random_seed(seed)
    return {"transformer": networks.transformer(size), "head": networks.code_head(5, size)}


def test_networks_come_back_as_float16_has_them(tmp_path):
    path, one, other = tmp_path / "weights.safetensors", built(1), built(2)
    weights_file.save(path, SIZE, **one)
    assert weights_file.network_options(path) == SIZE
    assert weights_file.restore(path, **other)
    for name in one:
        for expected, found in zip(one[name].get_weights(), other[name].get_weights(), strict=True):
            np.testing.assert_array_equal(expected.astype(np.float16).astype(np.float32), found)


def test_a_network_of_another_size_keeps_its_weights(tmp_path):
    path = tmp_path / "weights.safetensors"
    weights_file.save(path, SIZE, **built(1))
    other = built(2, NetworkOptions(channels=8, blocks=2, code_size=8))
    before = other["transformer"].get_weights()
    assert not weights_file.restore(path, **other)
    for value, kept in zip(other["transformer"].get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, kept)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a file of weights"),
        (b"\xff" * 100, "not a file of weights"),
        (None, "not a file of weights"),
    ],
)
def test_what_is_no_file_of_weights_is_named(content, message, tmp_path):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        weights_file.network_options(path)
    assert "weights.safetensors" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_newer_format_and_a_stranger_are_told_apart(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"a": np.zeros(1, np.float16)}, path, metadata={"format": "99", "network": SIZE.model_dump_json()})
    with pytest.raises(UserError, match="format 99 is newer"):
        weights_file.restore(path)
    save_file({"a": np.zeros(1, np.float16)}, path)
    with pytest.raises(UserError, match="no style network"):
        weights_file.restore(path)


def test_what_float16_cannot_hold_is_not_written(tmp_path):
    one = built(1)
    one["head"].weights[0].assign(np.full(5, 1e6, np.float32))
    with pytest.raises(ValueError, match="standardise/mean: too large"):
        weights_file.save(tmp_path / "weights.safetensors", SIZE, **one)
    assert not list(tmp_path.iterdir())
