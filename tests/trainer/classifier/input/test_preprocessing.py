import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.trainer.classifier.pictures import CLASSES, SIZE
from trainer.classifier.input.preprocessing import VOCABULARY, preprocessing_fn
from trainer.images import decoding, encoding, resizing


@pytest.fixture(scope="module")
def graph(transformed):
    return tft.TFTransformOutput(transformed.graph)


def run(graph, encoded, names):
    return graph.transform_raw_features(
        {"image/encoded": tf.constant(encoded), "image/class/text": tf.constant(names)}, drop_unused_features=True
    )


def test_pixels_are_small_upright_and_exactly_those_of_our_decoder(graph, held_back):
    rows = held_back[:9]
    out = run(graph, [row["image/encoded"] for row in rows], [row["image/class/text"] for row in rows])
    assert out["image"].dtype == tf.string
    for row, data in zip(rows, out["image"], strict=True):
        expected = resizing.resize(decoding.decode(row["image/encoded"]), SIZE, SIZE)
        np.testing.assert_array_equal(encoding.parse(data, SIZE, SIZE), expected)


def test_classes_are_numbered_and_unknown_ones_are_minus_one(graph, held_back):
    names = [*CLASSES, "pyramids"]
    out = run(graph, [held_back[0]["image/encoded"]] * 4, names)
    vocabulary = [name.decode() for name in graph.vocabulary_by_name(VOCABULARY)]
    assert sorted(vocabulary) == sorted(CLASSES)
    assert out["label"].numpy().tolist() == [*(vocabulary.index(name) for name in CLASSES), -1]


def test_only_what_transform_can_store_comes_out(graph):
    assert {name: spec.dtype for name, spec in graph.transformed_feature_spec().items()} == {
        "image": tf.string,
        "label": tf.int64,
    }


def test_the_schema_may_leave_the_number_of_values_open(held_back, monkeypatch):
    # Without a shape in the schema, Transform hands over sparse columns.
    monkeypatch.setattr(tft, "compute_and_apply_vocabulary", lambda values, **_: values)
    column = tf.sparse.from_dense(tf.constant([[row["image/encoded"]] for row in held_back[:3]]))
    names = tf.sparse.from_dense(tf.constant([[row["image/class/text"]] for row in held_back[:3]]))
    config = {"options": {"image": {"size": SIZE, "aspect": "crop"}}}
    out = preprocessing_fn({"image/encoded": column, "image/class/text": names}, config)
    assert (out["image"].shape, out["label"].shape) == ((3,), (3,))
    expected = resizing.resize(decoding.decode(held_back[1]["image/encoded"]), SIZE, SIZE, "crop")
    np.testing.assert_array_equal(encoding.parse(out["image"][1], SIZE, SIZE), expected)
