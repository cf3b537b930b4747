"""Spans: TFX's patterns and numbers, and a window over the latest."""

import datetime

import pytest

from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import fingerprint, layouts, listing, spans
from components.image_folder_example_gen.vocabulary.files import Source
from tests.components.image_folder_example_gen import corpus
from trainer.base.errors import UserError


def fill(root, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(corpus.save(corpus.photo(seed=number), "JPEG"))


def test_the_latest_spans_in_order(tmp_path):
    fill(tmp_path, *(f"span-{number}/cat/{number}.jpg" for number in (1, 2, 10, 9)), "span-x/cat/5.jpg", "other/6.jpg")
    pattern = tmp_path / "span-{SPAN}"
    assert [each.number for each in spans.find(pattern)] == [1, 2, 9, 10]
    assert [each.name for each in spans.find(pattern, 2)] == ["span-9", "span-10"]
    folders = layouts.folders(pattern, window=2)
    sources = [each for folder in folders for each in listing.walk(folder, False) if isinstance(each, Source)]
    assert {(each.name, each.label) for each in sources} == {("span-9/cat/9.jpg", "cat"), ("span-10/cat/10.jpg", "cat")}


def test_numbers_are_those_of_tfx(tmp_path):
    from tfx.components.example_gen import utils
    from tfx.proto import example_gen_pb2

    fill(tmp_path, "2024-02-29/cat/1.jpg", "2024-03-01/cat/2.jpg", "n7/cat/1.jpg", "n31/cat/1.jpg")
    for pattern in ("{YYYY}-{MM}-{DD}", "n{SPAN}"):
        split = example_gen_pb2.Input.Split(name="all", pattern=pattern + "/*/*")
        tfx_span, *_ = utils.calculate_splits_fingerprint_span_and_version(f"{tmp_path}/", [split])[1:]
        assert spans.find(tmp_path / pattern)[-1].number == tfx_span
    [day] = [each for each in spans.find(tmp_path / "{YYYY}-{MM}-{DD}") if each.name == "2024-02-29"]
    assert datetime.date(1970, 1, 1) + datetime.timedelta(day.number) == datetime.date(2024, 2, 29)


def test_widths_and_versions(tmp_path):
    fill(tmp_path, "s0001/v1/cat/1.jpg", "s0001/v2/cat/2.jpg", "s0002/v1/cat/3.jpg", "s3/v1/cat/4.jpg")
    found = spans.find(tmp_path / "s{SPAN:4}" / "v{VERSION}")
    assert [(each.number, each.version, each.name) for each in found] == [(1, 2, "s0001/v2"), (2, 1, "s0002/v1")]
    assert spans.base(tmp_path / "s{SPAN:4}" / "v{VERSION}") == str(tmp_path)


WRONG = ["{YYYY}-{MM}", "{SPAN}/{SPAN}", "v{VERSION}", "{SPAN}-{YYYY}-{MM}-{DD}", "none-{SPAN}", "{YYYY}.{MM}.{DD}"]


@pytest.mark.parametrize("pattern", WRONG)
def test_what_is_no_pattern_or_matches_nothing_is_told(tmp_path, pattern):
    (tmp_path / "2024-01").mkdir()
    (tmp_path / "2024.13.77").mkdir()
    with pytest.raises(UserError):
        spans.find(tmp_path / pattern)


def test_copies_in_other_spans_count_as_copies(tmp_path):
    fill(tmp_path, "span-1/cat/1.jpg", "span-1/cat/2.jpg", "span-1/cat/3.jpg")
    image = corpus.photo(seed=0)
    fill(tmp_path, "span-2/cat/again.jpg")  # the same bytes as the first of the first span
    (tmp_path / "span-2" / "cat" / "smaller.png").write_bytes(corpus.save(image.resize((80, 66)), "PNG"))
    report = scan(tmp_path / "span-{SPAN}", IngestOptions())
    assert (report.examples, report.duplicates) == (4, 1)
    assert (report.near_duplicates.groups, report.near_duplicates.images) == (1, 2)
    assert scan(tmp_path / "span-{SPAN}", IngestOptions(spans=1)).examples == 2


def test_the_latest_span_is_evaluated_when_asked(tmp_path):
    pattern, options = tmp_path / "span-{SPAN}", IngestOptions(evaluate_latest_span=True)
    fill(tmp_path, *(f"span-1/cat/{number}.jpg" for number in range(5)))
    assert set(scan(pattern, options).splits) == {"train", "eval"}
    image = corpus.photo(seed=0)
    (tmp_path / "span-2" / "cat").mkdir(parents=True)
    (tmp_path / "span-2" / "cat" / "near.png").write_bytes(corpus.save(image.resize((80, 66)), "PNG"))
    (tmp_path / "span-2" / "cat" / "new.jpg").write_bytes(corpus.save(corpus.photo(seed=9), "JPEG"))
    before = fingerprint.fingerprint(pattern, IngestOptions())
    assert fingerprint.fingerprint(pattern, options) != before
    found = scan(pattern, options)
    assert {split: sum(counts.values()) for split, counts in found.splits.items()} == {"train": 4, "eval": 2}
    assert found.reasons == {"near_duplicate": 1}


def test_a_new_span_changes_the_fingerprint_and_one_behind_the_window_does_not(tmp_path):
    fill(tmp_path, "span-5/cat/1.jpg", "span-6/cat/1.jpg")
    pattern, options = tmp_path / "span-{SPAN}", IngestOptions(spans=2)
    before = fingerprint.fingerprint(pattern, options)
    fill(tmp_path, "span-4/cat/1.jpg")
    assert fingerprint.fingerprint(pattern, options) == before
    fill(tmp_path, "span-7/cat/1.jpg")
    assert fingerprint.fingerprint(pattern, options) != before
