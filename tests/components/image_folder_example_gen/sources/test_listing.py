"""Layouts, side-cars and traps of the file system."""

import os
import socket
import tracemalloc

import pytest

from components.image_folder_example_gen.ingest import scan
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import fingerprint, layouts, listing
from components.image_folder_example_gen.vocabulary.files import Ignored, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason
from trainer.base.errors import UserError


def fill(root, *names: str | bytes) -> None:
    for name in names:
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"content")


def found(root, layout="auto", follow_links=False) -> dict:
    folders = layouts.folders(root, layout, follow_links)
    entries = [each for folder in folders for each in listing.walk(folder, follow_links)]
    by_name = {each.name: each for each in entries}
    assert len(by_name) == len(entries), "a file was listed twice"
    return by_name


def placed(root, **how) -> dict[str, tuple[str, str]]:
    return {name: (each.label, each.split) for name, each in found(root, **how).items() if isinstance(each, Source)}


def reasons(root, **how) -> dict[str, Reason]:
    return {name: each.reason for name, each in found(root, **how).items() if isinstance(each, Refusal)}


def test_class_folders(tmp_path):
    fill(tmp_path, "cat/1.jpg", "cat/deep/er/2.jpg", "dog/1.jpg")
    assert placed(tmp_path) == {"cat/1.jpg": ("cat", ""), "cat/deep/er/2.jpg": ("cat", ""), "dog/1.jpg": ("dog", "")}


def test_an_empty_class_folder_is_a_class(tmp_path):
    fill(tmp_path, "cat/1.jpg")
    (tmp_path / "dog").mkdir()
    assert [folder.label for folder in layouts.folders(tmp_path)] == ["", "cat", "dog"]


@pytest.mark.parametrize("name", ["test", "val", "validation", "Valid", "TEST"])
def test_split_folders(tmp_path, name):
    fill(tmp_path, "train/cat/1.jpg", f"{name}/cat/2.jpg")
    assert placed(tmp_path) == {"train/cat/1.jpg": ("cat", "train"), f"{name}/cat/2.jpg": ("cat", "eval")}


def test_validation_images_train_where_there_is_a_test_folder(tmp_path):
    fill(tmp_path, "train/cat/1.jpg", "val/cat/2.jpg", "test/cat/3.jpg")
    assert [split for _, (_, split) in sorted(placed(tmp_path).items())] == ["eval", "train", "train"]


def test_a_class_called_test_is_a_class_without_a_train_folder(tmp_path):
    fill(tmp_path, "test/1.jpg", "other/2.jpg")
    assert placed(tmp_path) == {"test/1.jpg": ("test", ""), "other/2.jpg": ("other", "")}


def test_split_folders_without_classes(tmp_path):
    fill(tmp_path, "train/1.jpg", "test/2.jpg")
    assert placed(tmp_path) == {"train/1.jpg": ("", "train"), "test/2.jpg": ("", "eval")}


def test_flat_folder(tmp_path):
    fill(tmp_path, "1.jpg", "2.png")
    (tmp_path / "empty").mkdir()
    assert placed(tmp_path) == {"1.jpg": ("", ""), "2.png": ("", "")}


def test_a_flat_layout_can_be_asked_for(tmp_path):
    fill(tmp_path, "monet/1.jpg", "2.jpg")
    assert placed(tmp_path, layout="flat") == {"monet/1.jpg": ("", ""), "2.jpg": ("", "")}


def test_what_lies_beside_the_folders_is_rejected(tmp_path):
    fill(tmp_path / "classes", "cat/1.jpg", "loose.jpg")
    fill(tmp_path / "splits", "train/cat/1.jpg", "test/cat/2.jpg", "train/loose.jpg", "top.jpg", "extra/cat/3.jpg")
    assert reasons(tmp_path / "classes") == {"loose.jpg": Reason.OUTSIDE_LAYOUT}
    lost = reasons(tmp_path / "splits")
    assert lost == dict.fromkeys(("train/loose.jpg", "top.jpg", "extra/cat/3.jpg"), Reason.OUTSIDE_LAYOUT)


def test_hidden_files_and_sidecars_are_ignored(tmp_path):
    names = [".DS_Store", "cat/Thumbs.db", "cat/1.xmp", ".git/deep/object", "__MACOSX/cat/._1.jpg", "cat/.hidden/2.jpg"]
    fill(tmp_path, "cat/1.jpg", *names)
    ignored = [name for name, each in found(tmp_path).items() if isinstance(each, Ignored)]
    assert sorted(ignored) == sorted(names)
    assert list(placed(tmp_path)) == ["cat/1.jpg"]


def test_names_of_every_kind(tmp_path):
    odd = [b"caf\xe9/1.jpg", b"blank s/2 2.jpg", "\N{CAT FACE}/3\n.jpg".encode(), b"cat/\xff\xfe.jpg"]
    fill(tmp_path, *odd)
    sources = [each for each in found(tmp_path).values() if isinstance(each, Source)]
    assert sorted(os.path.relpath(each.path, os.fsencode(tmp_path)) for each in sources) == sorted(odd)
    assert {each.label for each in sources} == {r"caf\xe9", "blank s", "\N{CAT FACE}", "cat"}
    for each in sources:
        each.name.encode()


def test_a_folder_whose_name_cannot_be_a_label_is_rejected(tmp_path):
    fill(tmp_path, "two\nlines/1.jpg", " /2.jpg", "cat/3.jpg")
    assert reasons(tmp_path) == {"two\nlines/1.jpg": Reason.CLASS_NAME, " /2.jpg": Reason.CLASS_NAME}


def test_links(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    fill(root, "cat/1.jpg", "dog/2.jpg")
    fill(outside, "3.jpg", "birds/4.jpg")
    (root / "cat" / "inside.jpg").symlink_to(root / "dog" / "2.jpg")
    (root / "cat" / "out.jpg").symlink_to(outside / "3.jpg")
    (root / "cat" / "gone.jpg").symlink_to(outside / "nothing")
    (root / "cat" / "loop").symlink_to(root)
    (root / "cat" / "again").symlink_to(root / "dog")
    (root / "bird").symlink_to(outside / "birds")
    assert sorted(placed(root)) == ["cat/1.jpg", "cat/inside.jpg", "dog/2.jpg"]
    always = {
        "cat/gone.jpg": Reason.LINK_BROKEN,
        "cat/loop": Reason.LINK_LOOP,
        "cat/again": Reason.LINK_FOLDER,
    }
    assert reasons(root) == {**always, "cat/out.jpg": Reason.LINK_OUTSIDE, "bird": Reason.LINK_OUTSIDE}
    assert reasons(root, follow_links=True) == always
    assert placed(root, follow_links=True)["bird/4.jpg"] == ("bird", "")


def test_a_linked_folder_outside_that_leads_back_ends(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    fill(root, "cat/1.jpg")
    fill(outside, "2.jpg")
    (root / "cat" / "out").symlink_to(outside)
    (outside / "back").symlink_to(outside)
    assert sorted(placed(root, follow_links=True)) == ["cat/1.jpg", "cat/out/2.jpg"]


def chain(*links: tuple) -> None:
    for link, target in links:
        link.symlink_to(target)


def test_links_that_lead_in_circles_end(tmp_path):
    root, one, other = tmp_path / "root", tmp_path / "one", tmp_path / "other"
    fill(root, "cat/1.jpg", "dog/2.jpg")
    fill(one, "3.jpg", "deep/4.jpg")
    fill(other, "5.jpg")
    chain((root / "cat" / "out", one), (one / "a", other), (one / "b", other), (other / "c", one))
    chain((one / "deep" / "up", tmp_path), (other / "d", one / "deep"))
    seen = found(root, follow_links=True)
    sources = sorted(name for name, each in seen.items() if isinstance(each, Source))
    assert len(sources) == 5
    assert {name.split("/")[-1] for name in sources} == {"1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"}
    circles = {Reason.LINK_FOLDER, Reason.LINK_LOOP}
    assert {each.reason for each in seen.values() if isinstance(each, Refusal)} <= circles
    assert seen.keys() == found(root, follow_links=True).keys()


def test_pipes_are_not_opened(tmp_path):
    fill(tmp_path, "cat/1.jpg")
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    assert reasons(tmp_path) == {"cat/pipe.jpg": Reason.NOT_A_FILE}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        layouts.folders(tmp_path / "nowhere")


def label(root, *lines: str) -> None:
    (root / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")


def test_a_label_file(tmp_path):
    fill(tmp_path, "1.jpg", "deep/2.jpg", "caf\u00e9 \N{CAT FACE}.jpg", "3.jpg", "4.jpg", "unknown.jpg")
    label(
        tmp_path,
        "Path,label,split,note",
        "1.jpg,cat,train,x",
        "./deep/2.jpg,dog,VAL",
        '"caf\u00e9 \N{CAT FACE}.jpg","dog, wet",',
        "3.jpg,cat,",
        "3.jpg,dog,",
        "4.jpg,owl,test",
        "gone.jpg,newt,",
    )
    assert placed(tmp_path) == {
        "1.jpg": ("cat", "train"),
        "deep/2.jpg": ("dog", "train"),  # there is a test set, so the validation images may be trained on
        "caf\u00e9 \N{CAT FACE}.jpg": ("dog, wet", ""),
        "4.jpg": ("owl", "eval"),
    }
    assert reasons(tmp_path) == {
        "3.jpg": Reason.CONFLICT,
        "unknown.jpg": Reason.UNLABELLED,
        "gone.jpg": Reason.MISSING,
    }
    assert isinstance(found(tmp_path)["labels.csv"], Ignored)
    assert layouts.classes(layouts.folders(tmp_path)) == {"cat", "dog", "dog, wet", "owl", "newt"}
    assert placed(tmp_path, layout="flat")["1.jpg"] == ("", "")


@pytest.mark.parametrize(
    ("line", "told"),
    [("1.jpg,,train", "line 3: needs"), (",cat,", "line 3: needs"), ("1.jpg,cat,dogs", "line 3: split")],
)
def test_a_wrong_line_of_a_label_file_is_named(tmp_path, line, told):
    fill(tmp_path, "1.jpg")
    label(tmp_path, "path,label,split", "1.jpg,cat,", line)
    with pytest.raises(UserError, match=told):
        layouts.folders(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"path;label\r\n1.jpg;cat\r\ndeep/2.jpg;dog, wet\r\n",
        b"path\tlabel\n1.jpg\tcat\ndeep/2.jpg\tdog, wet\n",
        b"path|label\n1.jpg|cat\ndeep/2.jpg|dog, wet\n",
        b'filename,class\n1.jpg,cat\ndeep/2.jpg,"dog, wet"\n',
        b'"File Name";"Class-Name";"size"\n"1.jpg";cat;1\n"deep/2.jpg";"dog, wet";2\n',
        b'id, image_path, label\n1, 1.jpg, cat\n2, deep/2.jpg, "dog, wet"\n',
        b"sep=;\r\nimage;category\r\n1.jpg;cat\r\ndeep/2.jpg;dog, wet\r\n",
        b"\xef\xbb\xbf\n\npath;label;;\n1.jpg;cat;;\ndeep/2.jpg;dog, wet;;\n;;;\n",
        "path\tlabel\r\n1.jpg\tcat\r\ndeep/2.jpg\tdog, wet\r\n".encode("utf-16"),
    ],
)
def test_a_label_file_as_spreadsheets_write_it(tmp_path, content):
    fill(tmp_path, "1.jpg", "deep/2.jpg")
    (tmp_path / "Labels.csv").write_bytes(content)
    assert placed(tmp_path) == {"1.jpg": ("cat", ""), "deep/2.jpg": ("dog, wet", "")}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"camera,date\nx,y\n", r"labels.csv: has the columns camera, date; it needs .*`path`.*`label`.* rename it"),
        (b"1.jpg;cat\n2.jpg;dog\n", r"labels.csv: has no header, its first line is that of an image \(1.jpg, cat\)"),
        (b"path,breed\n1.jpg,cat\n", "has the columns path, breed"),
        (b"", "labels.csv: is empty"),
        (b"\n\n", "labels.csv: is empty"),
        (b"path,label\n/data/photos/1.jpg,cat\n", "line 2: /data/photos/1.jpg is an absolute path; write it relative"),
        (b"path,label\n1.jpg,cat\nC:\\photos\\1.jpg,cat\n", r"line 3: C:\\photos\\1.jpg is an absolute path"),
        (b"sep=,\npath,label\n\\\\server\\1.jpg,cat\n", "line 3: .* is an absolute path"),
        (b"path,label\ndeep\\2.jpg,cat\n", r"line 2: there is no deep\\2.jpg; write / between folders"),
        (b"path,label\n../1.jpg,cat\n", "line 2: ../1.jpg leads out of the folder"),
        (b"path,label\n1.jpg,b\xe4r\n", r"line 2: b\\xe4r is not written in UTF-8"),
        (b"path,label\nb\xe4r.jpg,cat\n", r"line 2: b\\xe4r.jpg is not written in UTF-8"),
        (b"path,label\n1.jpg,c\0at\n", "labels.csv: line 2"),
    ],
)
def test_a_label_file_is_never_passed_over(tmp_path, content, told):
    fill(tmp_path, "cat/1.jpg", "dog/2.jpg")
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(UserError, match=told):
        layouts.folders(tmp_path)
    assert layouts.folders(tmp_path, layout="flat")


def test_a_label_file_may_name_what_other_systems_could_not(tmp_path):
    fill(tmp_path, b"b\xe4r.jpg", "back\\slash.jpg")
    (tmp_path / "labels.csv").write_bytes(b"path,label\nb\xe4r.jpg,bear\nback\\slash.jpg,cat\n")
    assert placed(tmp_path) == {r"b\xe4r.jpg": ("bear", ""), "back\\slash.jpg": ("cat", "")}


def test_a_label_file_that_cannot_be_read_is_told(tmp_path):
    fill(tmp_path, "cat/1.jpg")
    (tmp_path / "labels.csv").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"labels\.csv: cannot be read"):
        layouts.folders(tmp_path)
    (tmp_path / "LABELS.csv").write_text("path,label\n")
    with pytest.raises(UserError, match=r"LABELS.csv and labels.csv; keep one"):
        layouts.folders(tmp_path)


def test_what_is_no_file_is_not_opened(tmp_path):
    root = tmp_path / "root"
    fill(root, "cat/1.jpg")
    (root / "cat" / "null.jpg").symlink_to("/dev/null")
    (root / "cat" / "zero.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(root / "cat" / "socket.jpg"))
        found_reasons = reasons(root, follow_links=True)
    assert found_reasons == dict.fromkeys(("cat/null.jpg", "cat/zero.jpg", "cat/socket.jpg"), Reason.NOT_A_FILE)
    assert reasons(root)["cat/zero.jpg"] is Reason.LINK_OUTSIDE


def test_a_folder_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    fill(tmp_path, "cat/1.jpg", "cat/secret/2.jpg")
    scandir = os.scandir

    def refuse(path):
        if os.fsencode(path).endswith(b"secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # the tests may run as root, who may read everything
    assert reasons(tmp_path) == {"cat/secret": Reason.FOLDER}
    assert list(placed(tmp_path)) == ["cat/1.jpg"]
    for read in (scan.scan, fingerprint.fingerprint):
        with pytest.raises(UserError, match="the system refused to list cat/secret; check the permissions"):
            read(tmp_path, IngestOptions())


def test_classes_that_differ_only_in_case_stay_two(tmp_path):
    fill(tmp_path, "Cat/1.jpg", "cat/2.jpg")
    if len(os.listdir(tmp_path)) < 2:
        pytest.skip("the file system takes both names for one")
    assert placed(tmp_path) == {"Cat/1.jpg": ("Cat", ""), "cat/2.jpg": ("cat", "")}


def test_a_large_folder_is_listed_without_being_held(tmp_path):
    folder = tmp_path / "cat"
    folder.mkdir()
    for number in range(1500):
        os.mknod(f"{folder}/{number}.jpg")
    (listed,) = [each for each in layouts.folders(tmp_path) if each.label == "cat"]
    tracemalloc.start()
    try:
        assert sum(isinstance(each, Source) for each in listing.walk(listed, False)) == 1500
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
