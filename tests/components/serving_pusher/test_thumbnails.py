import io
import json

import pytest
import tensorflow as tf
from PIL import Image

from components.serving_pusher import thumbnails


def example(name, colour):
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(buffer, "PNG")
    features = {"image/filename": name.encode(), "image/class/text": b"", "image/encoded": buffer.getvalue()}
    feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature))


def test_each_painting_of_the_bank_is_shown_once(tmp_path):
    paintings = [example("old/wave.jpg", "blue"), example("new/wave.png", "red"), example("other.jpg", "green")]
    description = {"styles": [{"name": "gone"}, {"name": "wave"}]}
    thumbnails.write(tmp_path, description, [], paintings)
    assert json.loads((tmp_path / "pictures/index.json").read_text()) == {"wave": ["0000.jpg"]}
    shown = Image.open(tmp_path / "pictures/0000.jpg")
    assert shown.size == (20, 10)
    assert shown.getpixel((5, 5))[2] > 200


def test_reads_no_further_than_it_must(tmp_path):
    def endless():
        yield example("wave.jpg", "blue")
        pytest.fail("one more was read")

    thumbnails.write(tmp_path, {"styles": [{"name": "wave"}]}, [], endless())


@pytest.mark.parametrize("description", [{"labels": ["a"]}, {"styles": []}, {}])
def test_nothing_is_written_without_pictures(tmp_path, description):
    thumbnails.write(tmp_path, description, [], [example("x.jpg", "red")])
    assert list(tmp_path.iterdir()) == []
