"""Accounting, duplicates, splits, reading and the cache key, on folders of drawn images."""

import os
from collections import Counter

import pytest

from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.inspection import inspection
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import fingerprint, storage
from components.image_folder_example_gen.vocabulary.files import Duplicate, Picture, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable
from components.image_folder_example_gen.whole_folder import duplicates
from tests.components.image_folder_example_gen import corpus

OPTIONS = IngestOptions()


def picture(name: str, label: str = "cat", split: str = "", sha256: str = "00") -> Picture:
    return Picture(Source(name.encode(), name, label, split, 9, 0), sha256, "jpeg", True, 64, 64, 0.5, 0.2, 0.1, 0.3)


def write(root, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def test_every_file_is_accounted_for(tmp_path):
    images = [corpus.save(corpus.photo(seed=seed), "JPEG") for seed in range(8)]
    write(tmp_path, {f"cat/{i}.jpg": data for i, data in enumerate(images[:5])})
    write(tmp_path, {f"dog/{i}.jpg": data for i, data in enumerate(images[5:])})
    write(
        tmp_path,
        {"cat/copy.jpg": images[0], "dog/conflict.jpg": images[1], "cat/page.jpg": b"<html>", "cat/note.txt": b""},
    )
    report = scan(tmp_path, OPTIONS)
    assert (report.seen, report.examples, report.rejected, report.duplicates, report.ignored) == (12, 7, 3, 1, 1)
    assert report.reasons == {"conflict": 2, "not_an_image": 1}
    assert report.classes == {"cat": 4, "dog": 3}
    assert sum(report.sizes.values()) == 7
    assert Counter({label: n for split in report.splits.values() for label, n in split.items()}).keys() == {
        "cat",
        "dog",
    }


def test_an_empty_folder_has_an_empty_account(tmp_path):
    report = scan(tmp_path, OPTIONS)
    assert (report.seen, report.classes, report.splits) == (0, {}, {})


def test_copies_of_one_class_collapse_to_the_first_by_name():
    kept, others = duplicates.resolve([picture("b"), picture("a"), picture("c")])
    assert kept.source.name == "a"
    assert others == [Duplicate("b", "a"), Duplicate("c", "a")]


def test_the_copy_in_the_eval_folder_is_kept():
    kept, _ = duplicates.resolve([picture("a", split="train"), picture("b", split="eval")])
    assert kept.source.name == "b"


def test_copies_in_two_classes_are_all_rejected():
    kept, others = duplicates.resolve([picture("a"), picture("b", "dog"), picture("c", "dog")])
    assert kept is None
    assert [(type(each), each.reason) for each in others] == [(Refusal, Reason.CONFLICT)] * 3


@pytest.mark.parametrize("fraction", [0.001, 0.999])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_small_classes_have_an_image_in_either_split(tmp_path, fraction, number):
    write(tmp_path, {f"cat/{seed}.jpg": corpus.save(corpus.photo(seed=seed), "JPEG") for seed in range(number)})
    found = scan(tmp_path, IngestOptions(eval_fraction=fraction)).splits
    assert set(found) == ({"train"} if number == 1 else {"train", "eval"})


def test_reading_says_what_is_wrong(tmp_path):
    (tmp_path / "large").write_bytes(bytes(100))
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("large", Reason.TOO_LARGE), ("pipe", Reason.NOT_A_FILE), ("gone", Reason.VANISHED)):
        with pytest.raises(Unusable) as caught:
            storage.read(os.fsencode(tmp_path / name), 99)
        assert caught.value.reason is reason


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, who may read everything
    with pytest.raises(Unusable) as caught:
        storage.read(os.fsencode(tmp_path / "secret"), 99)
    assert (caught.value.reason, caught.value.detail) == (Reason.UNREADABLE, "Permission denied")


def test_a_file_that_is_gone_is_a_refusal_not_an_error(tmp_path):
    source = Source(os.fsencode(tmp_path / "gone.jpg"), "gone.jpg", "cat", "", 9, 0)
    assert inspection.examine(source, OPTIONS) == Refusal("gone.jpg", "cat", Reason.VANISHED, "no longer there", 9)


def test_the_fingerprint_sees_what_the_usual_one_misses(tmp_path):
    write(tmp_path, {"cat/1.jpg": b"one", "cat/2.jpg": b"two"})
    for name in ("1.jpg", "2.jpg"):
        os.utime(tmp_path / "cat" / name, ns=(1, 1))
    before = fingerprint.fingerprint(tmp_path, OPTIONS)
    assert fingerprint.fingerprint(tmp_path, OPTIONS) == before
    (tmp_path / "cat" / "1.jpg").rename(tmp_path / "cat" / "3.jpg")
    renamed = fingerprint.fingerprint(tmp_path, OPTIONS)
    os.utime(tmp_path / "cat" / "3.jpg", ns=(2, 2))
    touched = fingerprint.fingerprint(tmp_path, OPTIONS)
    (tmp_path / "dog").mkdir()
    assert len({before, renamed, touched, fingerprint.fingerprint(tmp_path, OPTIONS)}) == 4


def test_what_holds_more_than_one_picture_is_told(tmp_path):
    images = [corpus.photo(seed=seed) for seed in range(4)]
    animation = [image.quantize(32) for image in images[2:]]
    contents = {
        "cat/scan.tif": corpus.save(images[0], "TIFF", save_all=True, append_images=images[1:]),
        "cat/copy.tif": corpus.save(images[0], "TIFF", save_all=True, append_images=images[1:]),  # not used, not told
        "dog/film.gif": corpus.save(animation[0], "GIF", save_all=True, append_images=animation[1:]),
        "dog/plain.jpg": corpus.save(images[3], "JPEG"),
    }
    write(tmp_path, contents)
    report = scan(tmp_path, OPTIONS)
    assert (report.seen, report.examples, report.first_only) == (4, 3, {"pages": 1, "frames": 1})
    assert report.first_only_said() == "1 file with several frames, 1 file with several pages: only the first is used"


@pytest.mark.assets
def test_real_photos(assets):
    report = scan(assets / "photos" / "kodak", OPTIONS)
    assert (report.seen, report.examples, report.sizes) == (24, 24, {"512-1023": 24})
