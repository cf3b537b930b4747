"""The networks that ship with this package: painting before anything was trained, and enlarging pictures.

    version = shipped.version()
    version.codes["hokusai-great-wave"]

Files, in the folder `style` beside this module: `manifest.json` (what was measured, and the SHA-256 of the others),
`card.md`, `styles.json` (names and codes of well-known paintings, no pictures), `weights.safetensors` (what a training
starts from) and `tflite/`. In the folder `superresolution`: `manifest.json`, `card.md` and, of the network for each
factor, weights and `tflite/`. All of them are data; nothing runs when they are read.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import files
from easel_serving.registry.directory import Directory, Version

FORMAT = 1
"""Of the folder; a newer one is refused."""
NAME = "shipped"
MANIFEST, CARD, BANK, WEIGHTS = "manifest.json", "card.md", "styles.json", "weights.safetensors"
FOLDER = Path(__file__).parent / "style"
SUPER_RESOLUTION = Path(__file__).parent / "superresolution"

_TEXT, _NUMBERS = ({"dtype": dtype, "shape": [-1]} for dtype in ("string", "float32"))
_CODES = {"dtype": "float32", "shape": [-1, -1]}
_PAINTED = {"stylized_bytes": _TEXT}
SIGNATURES = {
    name: {"inputs": inputs, "outputs": outputs}
    for name, inputs, outputs in (
        ("serving_default", {"content_bytes": _TEXT, "strength": _NUMBERS, "style_bytes": _TEXT}, _PAINTED),
        ("encode_style", {"style_bytes": _TEXT}, {"style_code": _CODES}),
        ("stylize", {"content_bytes": _TEXT, "style_code": _CODES}, _PAINTED),
        ("stylize_named", {"content_bytes": _TEXT, "strength": _NUMBERS, "style_name": _TEXT}, _PAINTED),
    )
}
"""What every style network answers, as manifests say it."""


class Shelf(Directory):
    """A serving directory that has the shipped network, too, as the model `shipped`, where no model has that name."""

    def version(self, name: str, number: int) -> Version:
        """See `Directory`."""
        return self.shipped if name == NAME and name not in self.models() else super().version(name, number)

    @functools.cached_property
    def shipped(self) -> Version:
        """The shipped network, whose files are compared with their digests once; errors as for `version`."""
        return version()


def stands_in(directory: Directory) -> bool:
    """Whether the shipped network is to paint: no style network was ever pushed.

    One that was pushed and does not serve now is missed, not replaced.
    """
    return "style" not in directory.kinds() and NAME not in directory.models()


def word(directory: Directory) -> str:
    """The line that says so."""
    return (
        f"no style network serves in {directory.root} yet: the one that ships with Easel paints "
        "(`easel models` names its paintings)"
    )


def version(folder: Path = FOLDER) -> Version:
    """The shipped network as a version, without a SavedModel: its codes, its manifest and verified TFLite variants.

    Raises:
        ServingError: it is not there, was made for a newer Easel, or a file is not what its SHA-256 says.
    """
    manifest = verified(folder)
    # There is no SavedModel: what needs one finds no file in this place.
    return Version(
        NAME, manifest["version"], folder / "saved_model", folder, {**manifest, "signatures": SIGNATURES}, ()
    )


def has_shape(network: Mapping[str, Any]) -> bool:
    """Whether the shipped network is of the shape that a configuration's `style.network` says; errors as `version`."""
    return version().manifest["network"] == network


def weights(folder: Path = FOLDER) -> Path:
    """The file of weights that a training starts from, verified; errors as for `version`."""
    return version(folder).manifest_dir / WEIGHTS


def bank(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The known paintings, `{"name", "artist", "title", "year", "code"}` each; errors as for `version`."""
    return json.loads((version(folder).manifest_dir / BANK).read_text(encoding="utf-8"))


def enlargers(folder: Path = SUPER_RESOLUTION) -> dict[int, Path]:
    """The super-resolution networks' float16 TFLite files by the factor by which they enlarge; errors as `version`."""
    manifest = verified(folder, "super-resolution network")
    return {factor: folder / "tflite" / f"x{factor}.float16.tflite" for factor in manifest["factors"]}


def verified(folder: Path, what: str = "style network", package: str = "easel-serving") -> dict[str, Any]:
    """The manifest of a folder of files that ship, each of which was compared with its SHA-256 there.

    Args:
        folder: where they lie.
        what: they are, for errors.
        package: that they come with, likewise.

    Raises:
        ServingError: see `version`.
    """
    manifest = _manifest(folder, what, package)
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise ServingError(f"{path}: missing; install {package} again")
        if files.sha256(path) != digest:
            raise ServingError(f"{path}: damaged or exchanged (its SHA-256 is another); install {package} again")
    return manifest


def _manifest(folder: Path, what: str, package: str) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        number, parts = int(manifest["format"]), (int(manifest["version"]), dict(manifest["files"]))
    except OSError as error:
        raise ServingError(f"{path}: no {what} is installed there; install {package} again") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ServingError(f"{path}: not a manifest of the shipped {what}; install {package} again") from error
    if number > FORMAT:
        raise ServingError(f"{path}: format {number} is newer than this {package}, which reads {FORMAT}; update it")
    return manifest | dict(zip(("version", "files"), parts, strict=True))
