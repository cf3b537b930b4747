"""What a network that ships was made of: the words of its card."""

import csv
import os
import platform
import re
import subprocess
from collections import Counter
from pathlib import Path

from data.pretraining import arrange

_LICENCES = ("Unsplash", "Pexels", "CC0", "CC BY", "Wikimedia Commons", "MIT", "Apache-2.0", "public domain")


def learned(assets: Path) -> list[str]:
    """What was learned from, by licence, as the assets' own lists say."""
    rows = list(csv.DictReader((assets / "pretraining/MANIFEST.csv").open(encoding="utf-8", newline="")))
    unseen = arrange.listed("unseen_artists.txt")
    paintings = [row for row in rows if row["file"].startswith("paintings/") and row["artist"] not in unseen]
    photos = Counter(_licence(row["licence"]) for row in rows if row["file"].startswith("photos/"))
    artists = len({row["artist"] for row in paintings})
    return [
        f"{len(paintings)} public-domain paintings and prints of {artists} artists, and 22 well-known ones",
        "388 photos: 20 of Unsplash, and by licence "
        + ", ".join(f"{name} {count}" for name, count in photos.most_common()),
    ]


def _licence(note: str) -> str:
    """The licence in an entry of the assets' list, which says more."""
    found = (name for name in _LICENCES if name.lower() in note.lower().replace("cc-by", "cc by"))
    return next(found, "others")


def commit() -> str:
    """Of the code; `unknown` outside of a repository."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def processor() -> str:
    """The processor's name, and what it was computed in."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return f"{os.cpu_count()} cores of {name[1] if name else platform.machine()}"
