"""The commands list a folder as ingest does."""

import os

from PIL import Image

from components.image_folder_example_gen.inspection import photos
from tests.components.image_folder_example_gen import corpus


def test_every_format_is_found_and_side_cars_are_not(tmp_path):
    image = corpus.photo()
    kinds = {"a.jpg": "JPEG", "b.avif": "AVIF", "c.JFIF": "JPEG", "d.mpo": "MPO", "deep/e.heic": "HEIF", "bare": "PNG"}
    for name, kind in kinds.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(corpus.save(image, kind))
    for name in ("._a.jpg", ".hidden.png", "notes.txt", "a.xmp", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"Mac OS X")
    (tmp_path / "broken.jpg").write_bytes(b"nonsense")  # named like a photo: it gets its error
    (tmp_path / "film.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    found = photos.photos(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found.files] == sorted([*kinds, "broken.jpg"])
    assert found.passed_over == [(tmp_path / "film.mov", "no image"), (tmp_path / "gone.jpg", "points at nothing")]


def test_links_are_followed_and_names_are_as_given(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "real" / "1.png")
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen" / "one.png").symlink_to(tmp_path / "real" / "1.png")
    (tmp_path / "chosen" / os.fsdecode(b"caf\xe9.png")).symlink_to(tmp_path / "real" / "1.png")
    (tmp_path / "alias").symlink_to(tmp_path / "chosen")
    monkeypatch.chdir(tmp_path)
    folder = photos.Path("alias")
    assert photos.photos(folder).files == [folder / os.fsdecode(b"caf\xe9.png"), folder / "one.png"]
