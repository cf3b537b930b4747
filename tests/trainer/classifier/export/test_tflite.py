import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from trainer.classifier.export import tflite
from trainer.tflite.contract import Measurement
from trainer.tflite.options import ClassifierTFLiteOptions

LABELS = ["blue", "red"]


def measurement(correct, expected_correct=1.0, agree=1.0, score_difference=0.01):
    return Measurement(
        "red",
        {
            "correct": correct,
            "expected_correct": expected_correct,
            "agree": agree,
            "score_difference": score_difference,
        },
    )


def test_compare_looks_at_names_and_scores():
    figures = tflite.compare("red", LABELS, np.array([0.2, 0.8]), np.array([0.6, 0.4]))
    assert figures == pytest.approx({"correct": 0, "expected_correct": 1, "agree": 0, "score_difference": 0.4})


def test_a_class_that_the_model_does_not_know_is_wrong_for_both():
    figures = tflite.compare("green", LABELS, np.array([0.2, 0.8]), np.array([0.1, 0.9]))
    assert (figures["correct"], figures["expected_correct"], figures["agree"]) == (0, 0, 1)


def test_scores_that_are_not_finite_recognise_nothing():
    figures = tflite.compare("blue", LABELS, np.array([0.9, 0.1]), np.array([np.nan, 0.4]))
    assert (figures["correct"], figures["agree"], figures["score_difference"]) == (0, 0, np.inf)
    assert tflite.judge_accuracy([measurement(1.0, score_difference=np.inf)], 0.01).reason


@pytest.mark.parametrize(("lost", "withheld"), [(0, False), (2, False), (3, True)])
def test_a_variant_may_lose_as_much_accuracy_as_is_allowed(lost, withheld):
    judgement = tflite.judge_accuracy([measurement(float(i >= lost)) for i in range(200)], max_drop=0.01)
    assert judgement.metrics["accuracy"] == pytest.approx(1 - lost / 200)
    assert judgement.metrics["accuracy_drop"] == pytest.approx(lost / 200)
    assert bool(judgement.reason) == withheld


def test_one_photo_of_a_few_is_not_held_against_a_variant():
    assert tflite.judge_accuracy([measurement(0.0), *[measurement(1.0)] * 9], max_drop=0.01).reason == ""
    reason = tflite.judge_accuracy([*[measurement(0.0)] * 2, *[measurement(1.0)] * 8], max_drop=0.01).reason
    assert reason == "accuracy 0.800 is 0.200 below the SavedModel's 1.000 on 10 photos (at most 0.01 is allowed)"


class Served(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def prepare(self, image_bytes):
        decode = lambda data: tf.image.resize(tf.io.decode_png(data, channels=3), [4, 4])  # noqa: E731
        return tf.cast(tf.map_fn(decode, image_bytes, fn_output_signature=tf.float32), tf.uint8)


def test_samples_are_photos_as_the_served_model_prepares_them(tmp_path):
    tf.saved_model.save(Served(), str(tmp_path / "Format-Serving"))
    (tmp_path / "model.json").write_text(json.dumps({"labels": LABELS}))
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 10, 20)).save(picture, "PNG")
    features = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture.getvalue()])),
        "image/class/text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"red"])),
    }
    record = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    (part,) = tflite.parts(tmp_path, ClassifierTFLiteOptions())
    (sample,) = part.samples([record])
    assert sample.group == "red"
    assert sample.inputs["image"].dtype == np.float32
    np.testing.assert_array_equal(sample.inputs["image"], np.broadcast_to([200, 10, 20], (1, 4, 4, 3)))
    assert part.saved_model == tmp_path / "tflite/classifier"
