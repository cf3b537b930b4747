"""The two kinds of models by their contract's signatures, computed with TFLite networks.

What differs from the SavedModel: files are decoded by Pillow; the fastest transformer takes 384 x 384 pixels, so that a
larger photo is painted at that size and enlarged. The float ones paint any size.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from easel_serving.images import arrays, formats, prepare
from easel_serving.models.tflite import network, transformer, variants
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.example_protos import bytes_feature
from easel_serving.registry.directory import Version

_FADE = 0.25
"""Below this strength the photo itself is faded in, as the SavedModel does (`trainer.style.export.signatures`)."""
_SMALLEST_SIDE, _MULTIPLE = 64, 4

Rows = Mapping[str, np.ndarray]
Signature = Callable[[Rows], dict[str, np.ndarray]]


def build(version: Version) -> "Classifier | Style":
    """The model of a version; raises ServingError for one of another kind or without verified variants."""
    kinds = {"classifier": Classifier, "style": Style}
    kind = version.manifest.get("kind")
    if kind not in kinds:
        raise ServingError(f"{version.manifest_dir}: a model of kind {kind!r} has no TFLite variants")
    return kinds[kind](version)


class Classifier:
    """`image_bytes` or serialized Examples -> `classes`, `scores` (and `label`)."""

    def __init__(self, version: Version, among: Sequence[str] | None = None):
        self._network = network.Network(variants.find(version, "classifier", among))
        self._labels = [label.encode() for label in version.manifest["labels"]]
        self._aspect = _configured(version, "classifier", "aspect", "squash")
        self._side = self._network.shape("image")[1]
        self.signatures: dict[str, Signature] = {"serving_default": self.serve, "classify": self.classify}

    def serve(self, rows: Rows) -> dict[str, np.ndarray]:
        """`image_bytes` [N] -> `classes` [N, K], `scores` float32 [N, K], `label` [N]."""
        named = self._named(rows["image_bytes"])
        best = named["scores"].argmax(axis=1)
        return {**named, "label": named["classes"][np.arange(len(best)), best]}

    def classify(self, rows: Rows) -> dict[str, np.ndarray]:
        """`inputs` [N], serialized Examples with `image/encoded` -> `classes` [N, K], `scores` float32 [N, K]."""
        return self._named([bytes_feature(example, "image/encoded") for example in rows["inputs"]])

    def _named(self, files: Any) -> dict[str, np.ndarray]:
        classes = np.tile(np.array(self._labels, object), (len(files), 1))
        return {"classes": classes, "scores": _table([self._scores(data) for data in files], len(self._labels))}

    def _scores(self, data: bytes) -> np.ndarray:
        image = arrays.resize(_pixels(data), self._side, self._side, self._aspect)
        return self._network(image=image[np.newaxis].astype(np.float32))["scores"]


class Style:
    """Photos and paintings, names or codes -> painted photos.

    Args:
        version: a style network's.
        any_size: whether photos are painted at their own size, by a float variant, not at 384 pixels by the fastest.
    """

    def __init__(self, version: Version, any_size: bool = False):
        among = variants.FLOATS if any_size else None
        styles = json.loads((version.manifest_dir / "styles.json").read_text())
        self._bank = {style["name"].encode(): np.array(style["code"], np.float32) for style in styles}
        self._max_side = _configured(version, "style", "max_side", 1024)
        self._format = _configured(version, "style", "format", "jpeg")
        self._predictor = network.Network(variants.find(version, "predictor", among))
        self._paint = (_Whole if any_size else _Square)(variants.find(version, "transformer", among))
        self._style_side = self._predictor.shape("style")[1]
        self._code_size = self._predictor.shape("style_code")[1]
        self.signatures: dict[str, Signature] = {
            "serving_default": self.serve,
            "encode_style": self.encode_style,
            "stylize": self.stylize,
            "stylize_named": self.stylize_named,
        }

    def serve(self, rows: Rows) -> dict[str, np.ndarray]:
        """`content_bytes`, `style_bytes` [N], `strength` float32 [N] -> `stylized_bytes` [N]."""
        codes = [self._code(_pixels(data)) for data in rows["style_bytes"]]
        return self._mixed(rows["content_bytes"], codes, rows["strength"])

    def encode_style(self, rows: Rows) -> dict[str, np.ndarray]:
        """`style_bytes` [N] -> `style_code` float32 [N, D]."""
        codes = [self._code(_pixels(data)) for data in rows["style_bytes"]]
        return {"style_code": _table(codes, self._code_size)}

    def stylize(self, rows: Rows) -> dict[str, np.ndarray]:
        """`content_bytes` [N], `style_code` float32 [N, D] -> `stylized_bytes` [N]."""
        codes = rows["style_code"]
        if codes.ndim != 2 or codes.shape[1] != self._code_size:
            raise ServingError(
                f"style_code: {self._code_size} numbers are expected for each photo, not {codes.shape[-1]}"
            )
        if not np.isfinite(codes).all():
            raise ServingError("style_code: some numbers are not finite")
        painted = [
            self._paint(self._photo(data), code) for data, code in zip(rows["content_bytes"], codes, strict=True)
        ]
        return self._encoded(painted)

    def stylize_named(self, rows: Rows) -> dict[str, np.ndarray]:
        """`content_bytes`, `style_name` [N], `strength` float32 [N] -> `stylized_bytes` [N]."""
        codes = [self._known(name) for name in rows["style_name"]]
        return self._mixed(rows["content_bytes"], codes, rows["strength"])

    def _known(self, name: bytes) -> np.ndarray:
        if name not in self._bank:
            known = ", ".join(known.decode() for known in self._bank)
            raise ServingError(f"no painting is called {name.decode(errors='replace')}; the paintings are: {known}")
        return self._bank[name]

    def _mixed(self, files: np.ndarray, codes: list[np.ndarray], strengths: np.ndarray) -> dict[str, np.ndarray]:
        return self._encoded(
            [
                self._between(self._photo(data), code, float(strength))
                for data, code, strength in zip(files, codes, strengths, strict=True)
            ]
        )

    def _between(self, photo: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        """Codes between the photo's own and the painting's: 0 is the photo, 1 the painting's style."""
        if not 0.0 <= strength <= 1.0:
            raise ServingError(f"strength: not a number in 0..1: {strength:g}")
        if strength == 0.0:
            return photo
        if strength == 1.0:
            return self._paint(photo, code)
        own = self._code(photo)
        painted = self._paint(photo, own + np.float32(strength) * (code - own)).astype(np.float32)
        share = min(strength / _FADE, 1.0)
        return arrays.to_uint8(share * painted + (1 - share) * photo.astype(np.float32))

    def _photo(self, data: bytes) -> np.ndarray:
        return arrays.bound(_pixels(data), self._max_side)

    def _code(self, image: np.ndarray) -> np.ndarray:
        painting = arrays.resize(image, self._style_side, self._style_side, "crop")
        return self._predictor(style=painting[np.newaxis].astype(np.float32))["style_code"][0]

    def _encoded(self, painted: list[np.ndarray]) -> dict[str, np.ndarray]:
        return {
            "stylized_bytes": np.array([*(arrays.encode(image, self._format) for image in painted), None], object)[:-1]
        }


class _Square:
    """A transformer for one size: a photo uint8 [H, W, 3] and a code float32 [D] -> the picture like the photo."""

    def __init__(self, path: Path):
        self._network = network.Network(path)
        self._side = self._network.shape("content")[1]

    def __call__(self, photo: np.ndarray, code: np.ndarray) -> np.ndarray:
        small = arrays.bound(photo, self._side)
        content = arrays.mirrored(small, self._side)[np.newaxis].astype(np.float32)
        square = self._network(content=content, style_code=code[np.newaxis])["stylized"][0]
        painted = arrays.unmirrored(arrays.to_uint8(square), *small.shape[:2])
        return painted if small is photo else arrays.resize(painted, *photo.shape[:2])


class _Whole:
    """The same for photos of any size, as the served graph does: with up to three pixels more a side, at least 64."""

    def __init__(self, path: Path):
        self._network, self._turn = transformer.Transformer(path), threading.Lock()

    def __call__(self, photo: np.ndarray, code: np.ndarray) -> np.ndarray:
        scale = max(1.0, _SMALLEST_SIDE / min(photo.shape[:2]))
        room = [int(np.ceil(size * scale / _MULTIPLE)) * _MULTIPLE for size in photo.shape[:2]]
        with self._turn:
            painted = self._network(arrays.resize(photo, *room), code)
        return arrays.resize(arrays.to_uint8(painted), *photo.shape[:2])


def _pixels(data: bytes) -> np.ndarray:
    """Of what the SavedModel decodes, and of nothing else."""
    return prepare.pixels(data, among=formats.SERVED)


def _table(rows: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """float32 [N, columns], also for no rows."""
    return np.array(rows, np.float32).reshape(len(rows), columns)


def _configured(version: Version, lane: str, key: str, default: Any) -> Any:
    """A value of the lane's `image` section in the configuration that made the version."""
    configuration = version.manifest.get("lineage", {}).get("configuration", {})
    return ((configuration.get(lane) or {}).get("image") or {}).get(key, default)
