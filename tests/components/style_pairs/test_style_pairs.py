import hashlib

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.style_pairs.executor import Executor
from trainer.base.errors import UserError
from trainer.style.options import PairOptions


def ingested(folder, splits):
    """An Examples artifact: split -> file names."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for split, names in splits.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / f"Split-{split}" / "data.gz"), "GZIP") as writer:
            for name in names:
                colour = list(hashlib.sha256(name.encode()).digest()[:3])
                image = tf.io.encode_png(tf.constant([[colour] * 200] * 100, tf.uint8)).numpy()
                values = {
                    "image/filename": name.encode(),
                    "image/key/sha256": hashlib.sha256(image).hexdigest().encode(),
                    "image/encoded": image,
                }
                feature = {k: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for k, v in values.items()}
                writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return artifact


def run(folder, photo_examples, painting_examples, **options):
    output = standard_artifacts.Examples()
    output.uri = str(folder / f"pairs{len(list(folder.iterdir()))}")
    Executor().Do(
        {"photos": [photo_examples], "paintings": [painting_examples]},
        {"examples": [output]},
        {"options": PairOptions(**options).model_dump_json(), "seed": 4},
    )
    assert artifact_utils.decode_split_names(output.split_names) == ["eval"]
    files = tf.io.gfile.glob(f"{output.uri}/Split-eval/*.gz")
    return [tf.train.Example.FromString(r) for r in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()]


def text(example, name):
    return example.features.feature[name].bytes_list.value[0].decode()


@pytest.fixture
def photos(tmp_path):
    return ingested(tmp_path / "photos", {"train": ["x/t.jpg"], "eval": [f"x/{i}.jpg" for i in range(6)]})


@pytest.fixture
def paintings(tmp_path):
    return ingested(tmp_path / "paintings", {"train": ["sea.jpg", "field.png"], "eval": ["wood.jpg"]})


def test_every_chosen_photo_with_every_painting(tmp_path, photos, paintings):
    found = run(tmp_path, photos, paintings, photos=2, side=64)
    assert len(found) == 6
    assert [text(example, "painting") for example in found] == ["field"] * 2 + ["sea"] * 2 + ["wood"] * 2
    assert "t" not in {text(example, "photo") for example in found}
    held_out = {text(e, "painting"): e.features.feature["bucket/unseen"].int64_list.value[0] for e in found}
    assert held_out == {"field": 0, "sea": 0, "wood": 1}
    assert found[0].features.feature["strength"].float_list.value == [1.0]
    assert tf.io.decode_png(found[0].features.feature["style_bytes"].bytes_list.value[0]).shape == (32, 64, 3)


def test_the_choice_is_the_same_every_time(tmp_path, photos, paintings):
    first, second = (run(tmp_path, photos, paintings, photos=2, paintings=2, side=64) for _ in range(2))
    assert first == second
    assert len(first) == 4


def test_paintings_without_an_eval_split_are_fine(tmp_path, photos):
    only = ingested(tmp_path / "only", {"train": ["sea.jpg"]})
    assert len(run(tmp_path, photos, only, photos=9, side=64)) == 6


def test_nothing_to_pair_is_said_with_the_key(tmp_path, paintings):
    none = ingested(tmp_path / "none", {"train": ["a.jpg"], "eval": []})
    with pytest.raises(UserError, match=r"style\.photos"):
        run(tmp_path, none, paintings)
