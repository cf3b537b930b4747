"""Links the assets' photos and paintings into the folders that `data/configs/pretrained.yaml` reads.

    python -m data.pretraining.arrange ASSETS FOLDER

`FOLDER/photos` is what is painted, `FOLDER/paintings/span-1` what is learned from, `FOLDER/paintings/span-2` what is
held out: whole artists (`unseen_artists.txt`) and five paintings (`unseen_paintings.txt`). Nothing is copied.
"""

import argparse
import shutil
from importlib import resources
from pathlib import Path

LEARNED, UNSEEN = "paintings/span-1", "paintings/span-2"


def arrange(assets: Path, folder: Path) -> dict[str, int]:
    """Makes the folders anew; how many files each has.

    Raises:
      FileNotFoundError: the assets are not there.
    """
    artists, paintings = listed("unseen_artists.txt"), listed("unseen_paintings.txt")
    photos = [*_images(assets / "pretraining/photos"), *_images(assets / "photos/unsplash_1280")]
    links = {f"photos/{path.name}": path for path in photos}
    for path in _images(assets / "pretraining/paintings"):
        links[f"{UNSEEN if artist(path) in artists else LEARNED}/{path.name}"] = path
    for path in _images(assets / "paintings"):
        links[f"{UNSEEN if path.stem in paintings else LEARNED}/{path.name}"] = path
    for name in ("photos", LEARNED, UNSEEN):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for name, path in links.items():
        (folder / name).symlink_to(path.resolve())
    return {name: len(list((folder / name).iterdir())) for name in ("photos", LEARNED, UNSEEN)}


def artist(path: Path) -> str:
    """Who painted a file of `pretraining/paintings`, `ARTIST__TITLE.jpg`."""
    return path.stem.partition("__")[0]


def listed(name: str) -> frozenset[str]:
    """The lines of one of this package's lists, without comments."""
    lines = resources.files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _images(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.jpg"))
    if not found:
        raise FileNotFoundError(f"{folder}: no photos or paintings there; EASEL_ASSETS is the folder of the assets")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    for name, count in arrange(given.assets, given.folder).items():
        print(f"{count:5} {given.folder / name}")
