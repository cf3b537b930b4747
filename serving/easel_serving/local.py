"""The versions that serve, in this process: what `easel classify` and `easel stylize` use. Needs TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from easel_serving import images
from easel_serving.directory import STABLE, Directory, Version, known_style
from easel_serving.errors import ServingError
from easel_serving.saved_model import SavedModel, tf
from easel_serving.tf_errors import one_line

if TYPE_CHECKING:
    from easel_serving.painting.saved_model import LocalEngine

BATCH = 16
"""Photos classified at once: more does not make a processor faster and takes memory."""


class LocalModels:
    """The stable versions of a serving directory, loaded when they are first used.

    Args:
        serving_dir: the registry's directory.
    """

    def __init__(self, serving_dir: str | Path):
        self._directory = Directory(serving_dir)
        self._loaded: dict[str, SavedModel] = {}

    def classify(self, paths: Sequence[str | Path], model: str | None = None) -> list[dict[str, Any]]:
        """Labels photos.

        Args:
            paths: image files of any common format.
            model: the classifier's name; may be left out while only one serves.

        Returns:
            `{"path", "label", "score", "scores": {label: score}}` for each photo, in order; scores are 0..1.

        Raises:
            ServingError: no classifier serves, or a file is not an image that can be read.
        """
        version = self._version("classifier", model)
        encoded = [images.read(path) for path in paths]
        results = []
        for start in range(0, len(encoded), BATCH):
            served = self._run(version, "serving_default", image_bytes=encoded[start : start + BATCH])
            for classes, scores, label in zip(served["classes"], served["scores"], served["label"], strict=True):
                by_label = {name.decode(): float(score) for name, score in zip(classes, scores, strict=True)}
                path = str(paths[len(results)])
                best = label.decode()
                results.append({"path": path, "label": best, "score": by_label[best], "scores": by_label})
        return results

    def stylize(
        self, content: str | Path | bytes, style: str | Path | bytes, strength: float = 1.0, model: str | None = None
    ) -> bytes:
        """Paints a photo in the manner of a painting.

        Args:
            content: the photo, a file or its bytes.
            style: a painting's file or its bytes, or the name of one that the model knows (see `styles`).
            strength: 0 (the photo itself) to 1.
            model: the style network's name; may be left out while only one serves.

        Returns:
            The painted photo, JPEG or PNG as the model was configured.

        Raises:
            ServingError: no style network serves, an image cannot be read, or no painting has that name.
        """
        if not 0.0 <= strength <= 1.0:
            raise ServingError(f"strength {strength}: must be between 0 and 1")
        version = self._version("style", model)
        inputs = {
            "content_bytes": [_image(content, "content")],
            "strength": [strength],
        }
        if isinstance(style, bytes) or Path(style).is_file():
            inputs["style_bytes"] = [_image(style, "style")]
            served = self._run(version, "serving_default", **inputs)
        else:
            inputs["style_name"] = [known_style(str(style), version.styles, _title(version)).encode()]
            served = self._run(version, "stylize_named", **inputs)
        return served["stylized_bytes"][0]

    def engine(self, model: str | None = None) -> "LocalEngine":
        """The style network for `easel_serving.painting` (which needs OpenCV); `model` and errors as for `stylize`."""
        from easel_serving.painting.saved_model import LocalEngine

        version = self._version("style", model)
        return LocalEngine(version.path, version.codes, _title(version))

    def styles(self, model: str | None = None) -> list[str]:
        """The names of the paintings that the style network knows, in its order."""
        return self._version("style", model).styles

    def _version(self, kind: str, name: str | None) -> Version:
        found = [version for version in map(self._directory.stable, self._directory.models()) if version]
        found = [version for version in found if version.manifest.get("kind") == kind]
        named = [version for version in found if name in (None, version.model)]
        if not named:
            what = f"no {kind} named {name}" if name else f"no {kind}"
            raise ServingError(f"{self._directory.root}: {what} serves here (label {STABLE}); `easel run` pushes one")
        if len(named) > 1:
            raise ServingError(f"{self._directory.root}: name one of {', '.join(version.model for version in named)}")
        return named[0]

    def _run(self, version: Version, signature: str, **inputs: Sequence[bytes | float]) -> dict[str, np.ndarray]:
        key = str(version.path)
        if key not in self._loaded:
            self._loaded[key] = SavedModel(version.path)
        loaded = self._loaded[key]
        try:
            types = loaded.inputs(signature)
            return loaded(signature, {name: np.array(inputs[name], types[name]) for name in inputs})
        except tf.errors.OpError as error:
            raise ServingError(f"{_title(version)}: {one_line(error)}") from error


def _title(version: Version) -> str:
    return f"{version.model} version {version.number}"


def _image(source: str | Path | bytes, name: str) -> bytes:
    return images.convert(source, name) if isinstance(source, bytes) else images.read(source)
