import keras
import pytest

from trainer.base.errors import UserError
from trainer.networks import backbones
from trainer.training import devices


def test_there_is_a_processor():
    assert "CPU" in devices.prepare()


def test_the_precision_is_put_back_even_after_an_error():
    before = keras.config.dtype_policy().name
    with devices.computing_in("bfloat16"):
        layer = keras.layers.Dense(1)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    with pytest.raises(UserError), devices.computing_in("bfloat16"):
        backbones.build("small_cnn", "imagenet")
    assert keras.config.dtype_policy().name == before
