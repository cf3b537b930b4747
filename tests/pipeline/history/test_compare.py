"""Two versions whose answers are known, on eval photos whose classes are known."""

import numpy as np
import pytest
import tensorflow as tf
from easel_serving.registry.directory import Version
from sklearn.metrics import f1_score

from pipeline.history import compare
from pipeline.planning import snapshot
from tests.trainer.classifier.pictures import TableModel, example

TRUTH = ["cat", "dog", "emu", "dog"]
FIRST = (["cat", "dog"], [[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.2, 0.8]])
SECOND = (["emu", "dog", "cat"], [[0.1, 0.1, 0.8], [0.1, 0.6, 0.3], [0.7, 0.2, 0.1], [0.3, 0.6, 0.1]])


@pytest.fixture
def versions(tmp_path):
    found = []
    for number, contents in enumerate((FIRST, SECOND), 1):
        model = TableModel(*contents)
        tf.saved_model.save(model, str(tmp_path / str(number)), signatures={"classify": model.classify})
        manifest = {"kind": "classifier", "lineage": {"configuration": {"name": "easel", "workspace": str(tmp_path)}}}
        found.append(Version("pets", number, tmp_path / str(number), tmp_path, manifest, ()))
    return tuple(found)


@pytest.fixture
def split(tmp_path):
    folder = tmp_path / "examples" / "Split-eval"
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data-0.gz"), "GZIP") as writer:
        for row, name in enumerate(TRUTH):
            writer.write(example(**{"row": row, "image/class/text": name.encode()}))
    return folder


def test_both_are_measured_on_the_same_photos_by_class_name(versions, split):
    found = compare.measure(versions, split)
    assert found.photos == 4
    assert {number: metrics["accuracy"] for number, metrics in found.metrics.items()} == {1: 0.5, 2: 1.0}
    expected = f1_score(TRUTH, ["cat", "cat", "cat", "dog"], average="macro")
    assert found.metrics[1]["macro_f1"] == pytest.approx(expected)
    low, mean, high = found.gain
    assert (mean, low <= mean <= high) == (0.5, True)
    assert np.isfinite(found.gain).all()


def test_without_a_workspace_or_a_version_there_is_nothing_to_measure_on(versions, tmp_path):
    assert snapshot.eval_split(versions) is None  # no metadata there
    gone = Version("pets", 3, tmp_path / "gone", tmp_path, versions[0].manifest, ())
    assert snapshot.eval_split((versions[0], gone)) is None
