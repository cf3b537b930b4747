"""Training on two devices is training on one: the same losses at the same batch size."""

import json
import subprocess
import sys

import numpy as np

TRAIN = """
import json, sys, tempfile
from pathlib import Path
import keras, numpy as np, tensorflow as tf

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from trainer.classifier.input import reading as records
from trainer.classifier.networks import network
from trainer.classifier.options import ClassifierOptions
from trainer.classifier.training import phases
from trainer.training import devices

SIZE = 32
options = {"backbone": {"name": "small_cnn", "weights": "none"}, "image": {"size": SIZE}}
options["train"] = {"batch_size": 16, "dropout": 0.0, "fine_tune": {"epochs": 2, "at": 0}}
chosen = ClassifierOptions.model_validate(options)
rng = np.random.default_rng(1)
labels = np.arange(40) % 3
pixels = rng.integers(0, 80, (40, SIZE, SIZE, 3)) + 80 * (labels[:, None, None, None] == np.arange(3))
serialized = [tf.io.serialize_tensor(image).numpy() for image in pixels.astype(np.uint8)]
rows = tf.data.Dataset.from_tensor_slices((serialized, labels))
photos = records.Photos(rows, labels, np.arange(40) >= 32, SIZE)
found = {}
for name in ("one_device", "mirrored"):
    strategy = devices.strategy(name)
    keras.utils.set_random_seed(1)
    with tempfile.TemporaryDirectory() as folder, strategy.scope():
        session = phases.Session(chosen.train, photos, 3, 7, Path(folder, "checkpoints"), Path(folder, "logs"))
        built = network.build(chosen, 3, "none")
        network.unfreeze(built.features, chosen.train.fine_tune.at)
        history = phases.train_images(built, session, "fine_tune", chosen.train.fine_tune).history
    found[name] = {"replicas": strategy.num_replicas_in_sync, **history}
print(json.dumps(found))
"""


def test_two_logical_devices_have_the_losses_of_one():
    said = subprocess.run([sys.executable, "-c", TRAIN], capture_output=True, text=True, check=False, timeout=500)
    assert said.returncode == 0, said.stderr[-2000:]
    found = json.loads(said.stdout.splitlines()[-1])
    assert (found["one_device"]["replicas"], found["mirrored"]["replicas"]) == (1, 2)
    for measure in ("loss", "val_loss"):
        one, two = (np.array(found[name][measure]) for name in ("one_device", "mirrored"))
        np.testing.assert_allclose(one, two, rtol=1e-3)
        assert one[0] > one[-1]
