import numpy as np
import pytest
import tensorflow as tf

from trainer.classifier.input import reading
from trainer.images import encoding


def write(path, pixels, labels):
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image, label in zip(pixels, labels, strict=True):
            feature = {
                "image": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[encoding.serialize(tf.constant(image)).numpy()])
                ),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)


def held_out_pixels(photos):
    return {image.tobytes() for image, _ in photos.part(held_out=True).as_numpy_iterator()}


def test_parts_are_complete_and_do_not_depend_on_the_order_of_the_files(tmp_path, pixels):
    labels = np.arange(30) % 3
    write(tmp_path / "forward.gz", pixels, labels)
    write(tmp_path / "backward-0.gz", pixels[:10:-1], labels[:10:-1])
    write(tmp_path / "backward-1.gz", pixels[10::-1], labels[10::-1])
    forward = reading.read([str(tmp_path / "forward.gz")], 8, 0.2, seed=1)
    backward = reading.read([str(tmp_path / "backward-*.gz")], 8, 0.2, seed=1)
    assert held_out_pixels(forward) == held_out_pixels(backward)
    assert held_out_pixels(forward) != held_out_pixels(reading.read([str(tmp_path / "forward.gz")], 8, 0.2, seed=2))
    seen = [
        (image.tobytes(), label) for part in (True, False) for image, label in forward.part(part).as_numpy_iterator()
    ]
    assert sorted(seen) == sorted((image.tobytes(), label) for image, label in zip(pixels, labels, strict=True))
    np.testing.assert_array_equal(
        forward.part_labels(True), [label for _, label in forward.part(True).as_numpy_iterator()]
    )
    assert (len(forward.part(True)), len(forward.part(False))) == (6, 24)


def test_every_class_is_held_out_in_proportion_but_never_whole():
    labels = np.repeat([0, 1, 2, 3], [100, 10, 2, 1])
    chosen = reading.held_out(np.random.default_rng(0).permutation(113), labels, 0.7)
    assert np.bincount(labels[chosen], minlength=4).tolist() == [70, 7, 1, 0]
    assert not reading.held_out(np.arange(113), labels, 0.0).any()


def test_the_order_changes_from_epoch_to_epoch(tmp_path, pixels):
    write(tmp_path / "photos.gz", pixels, np.arange(30))
    data = reading.shuffled(reading.read([str(tmp_path / "photos.gz")], 8, 0.0, seed=1).part(False), seed=1)
    first, second = ([label for _, label in data.as_numpy_iterator()] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == list(range(30))
