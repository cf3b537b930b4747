import numpy as np
import tensorflow as tf

from tests.trainer.style.conftest import OPTIONS, noise, png
from trainer.images import encoding
from trainer.style.input.preprocessing import preprocessing_fn, stem


def test_the_central_square_and_the_stem_of_each_image():
    wide, tall = noise(40, 80), noise(60, 40, seed=1)
    found = preprocessing_fn(
        {
            "image/encoded": tf.constant([[png(wide)], [png(tall)]]),
            "image/filename": tf.sparse.from_dense([["nested/my.wave.jpg"], ["plain.png"]]),
        },
        {"options": OPTIONS},
    )
    assert found["name"].numpy().tolist() == [b"my.wave", b"plain"]
    square = encoding.parse(found["image"][0], 40, 40)
    np.testing.assert_array_equal(square, wide[:, 20:60])


def test_a_hidden_file_keeps_its_name():
    assert stem(tf.constant(["a/.jpg", "no_extension"])).numpy().tolist() == [b".jpg", b"no_extension"]
