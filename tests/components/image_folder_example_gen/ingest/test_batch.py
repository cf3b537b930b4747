"""Batches are what they were after Beam has moved them, and cost it one pickling."""

import pickle

import pytest

from components.image_folder_example_gen.ingest.batch import Batch, BatchCoder
from components.image_folder_example_gen.vocabulary.files import Ignored, Picture, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason

SOURCES = [Source(b"/p/\xff%d" % i, f"p/{i}", "cat", "", i, i) for i in range(3)]
PICTURES = [
    Picture(each, f"{each.size:064x}", "jpeg", True, 3, 4, 0.5, 0.1, 0.2, 0.3, fingerprint=bytes(192))
    for each in SOURCES
]
MIXED = [Refusal("a", "cat", Reason.EMPTY, "0 bytes", 0), Ignored("b")]


@pytest.mark.parametrize("records", [SOURCES, PICTURES, MIXED, [("digest", "train")], []])
def test_records_come_back_as_they_were(records):
    coder = BatchCoder()
    again = coder.decode(coder.encode(Batch(records))).records
    assert again == records
    assert [type(each) for each in again] == [type(each) for each in records]
    assert all(isinstance(each.source, Source) for each in again if isinstance(each, Picture))


def test_its_size_is_guessed_without_pickling_it(monkeypatch):
    size = len(pickle.dumps(Batch(PICTURES)))
    monkeypatch.setattr(pickle, "dumps", None)
    assert size / 8 < BatchCoder().estimate_size(Batch(PICTURES)) < size * 8
