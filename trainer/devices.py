"""The devices that TensorFlow may use, set up once per process before the first computation."""

import tensorflow as tf


def prepare() -> frozenset[str]:
    """Lets TensorFlow take GPU memory as it needs it instead of all at once; the types of the devices there are."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    return frozenset(device.device_type for device in tf.config.list_physical_devices())
