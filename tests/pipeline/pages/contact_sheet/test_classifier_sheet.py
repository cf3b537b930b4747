import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from pipeline.pages.contact_sheet import classifier_sheet
from pipeline.pages.contact_sheet.classifier_findings import choose
from pipeline.pages.contact_sheet.classifier_sheet import Answer
from pipeline.pages.contact_sheet.sheet import Confusion

MATRIX = Confusion(["cat", "dog", "emu"], np.array([[8, 2, 0], [1, 5, 0], [3, 0, 0]]))


def test_the_table_of_classes_is_that_of_scikit_learn_with_the_weakest_first():
    pairs = [(i, j) for (i, j), count in np.ndenumerate(MATRIX.counts) for _ in range(count)]
    expected = np.array(precision_recall_fscore_support(*zip(*pairs, strict=True), zero_division=0)).T
    rows = classifier_sheet.class_table(MATRIX)
    assert [row[0] for row in rows] == ["emu", "cat", "dog"]
    for name, *values in rows:
        assert values == pytest.approx(expected[MATRIX.labels.index(name)].tolist())


def test_the_surest_mistakes_and_the_least_certain_are_chosen():
    kind = [("key", "S1"), ("accuracy", "f4"), ("confidence", "f4")]
    outcomes = np.array([(b"a", 1, 0.9), (b"b", 0, 0.6), (b"c", 0, 0.8), (b"d", 1, 0.4)], kind)
    assert choose(outcomes) == ([b"c", b"b"], [b"d", b"b", b"c", b"a"])


def test_the_pictures_are_drawn(tmp_path):
    photo = np.full((40, 60, 3), (30, 120, 60), np.uint8)
    answers = [
        Answer(photo, "cat", {"dog": 0.9, "cat": 0.1}, np.eye(8)),
        Answer(photo, "dog", {"dog": 0.6, "cat": 0.4}),
    ]
    classifier_sheet.answers(tmp_path / "answers.png", {"mistakes": answers[:1], "least certain": answers[1:]})
    reliability = np.zeros((3, 15))
    reliability[:, 9], reliability[:, 14] = (4, 2.6, 3), (6, 5.8, 6)
    history = {"head": {"loss": [1.0, 0.5], "accuracy": [0.4, 0.7]}, "fine_tune": {"loss": [0.4], "val_loss": [0.5]}}
    classifier_sheet.report(tmp_path / "report.png", "a run", reliability, MATRIX, history)
    for name in ("answers", "report"):
        drawn = np.asarray(Image.open(tmp_path / f"{name}.png").convert("RGB"))
        assert drawn.std() > 5
    colours = np.asarray(Image.open(tmp_path / "answers.png").convert("RGB")).reshape(-1, 3)
    assert (np.abs(colours.astype(int) - photo[0, 0]).max(axis=1) < 4).any()  # the photo is there
