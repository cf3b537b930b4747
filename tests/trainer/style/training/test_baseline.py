import json
from pathlib import Path

import tensorflow as tf

from tests.trainer.style.conftest import noise, pixels, png
from trainer.style.training import baseline


def test_run_fn_writes_a_model_that_serves(fn_args, tmp_path):
    fn_args.serving_model_dir = str(tmp_path / "model" / "Format-Serving")
    baseline.run_fn(fn_args)
    model = tf.saved_model.load(fn_args.serving_model_dir)
    found = model.signatures["serving_default"](
        content_bytes=tf.constant([png(noise(12, 20))]),
        style_bytes=tf.constant([png(noise(9, 9, 1))]),
        strength=tf.constant([1.0]),
    )
    assert pixels(found["stylized_bytes"].numpy()[0]).shape == (12, 20, 3)
    assert json.loads((Path(fn_args.serving_model_dir).parent / "model.json").read_text())["kind"] == "style"
