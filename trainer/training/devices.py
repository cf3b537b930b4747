"""How this process computes: GPU memory, and the precision of the networks that are built."""

import contextlib
from collections.abc import Iterator
from typing import Literal

import keras
import tensorflow as tf

from trainer.training import precision


def prepare() -> frozenset[str]:
    """Lets TensorFlow take GPU memory as it needs it instead of all at once; the types of the devices there are."""
    for gpu in tf.config.list_physical_devices("GPU"):
        # An earlier component of this process may have used the GPU already; then it is as it is.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    return frozenset(device.device_type for device in tf.config.list_physical_devices())


def strategy(name: Literal["one_device", "mirrored"]) -> tf.distribute.Strategy:
    """What networks are built and trained in the scope of.

    `mirrored` keeps a copy of the network on every GPU of this machine (on every logical CPU where there is none),
    gives each an equal part of every batch, and sums their gradients. Several machines would take
    MultiWorkerMirroredStrategy, which Keras 3 does not support.
    """
    if name == "one_device":
        return tf.distribute.get_strategy()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])


@contextlib.contextmanager
def computing_in(number: str) -> Iterator[None]:
    """Layers built inside compute in `number`, a result of `trainer.training.precision.choose`.

    Keras' setting is global, and a pipeline's components share a process: it is put back afterwards.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(number))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
