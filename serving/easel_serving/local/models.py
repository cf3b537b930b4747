"""The versions that serve, in this process, for `easel classify` and `easel stylize`. Needs LiteRT or TensorFlow."""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from easel_serving import shipped
from easel_serving.images import prepare
from easel_serving.protocol.errors import ServingError
from easel_serving.registry.directory import CANARY, STABLE, Version, known_style

if TYPE_CHECKING:
    from easel_serving.models.saved_model import SavedModel
    from easel_serving.models.tflite.models import Style
    from easel_serving.painting.tiled import TiledEngine

Runtime = Literal["auto", "tflite", "tensorflow"]

BATCH = 16
"""Photos that TensorFlow classifies at once: more does not make a processor faster and takes memory."""

_Made = TypeVar("_Made")
_Classify = Callable[[Sequence[bytes]], dict[str, np.ndarray]]


class LocalModels:
    """The stable versions of a serving directory, loaded when they are first used.

    Where no style network was ever pushed, the one that ships paints (`easel_serving.shipped`).

    Args:
        serving_dir: the registry's directory; it need not be there.
        runtime: `tflite` computes with LiteRT and the version's verified float32 or float16 variants, which starts in a
            second and answers the same within their tolerance; `tensorflow` with the SavedModel; `auto` with LiteRT
            where it can, else with TensorFlow.
        warn: hears in a line why `auto` takes TensorFlow, and that what ships is painted with; None is the log.
    """

    def __init__(self, serving_dir: str | Path, runtime: Runtime = "auto", warn: Callable[[str], object] | None = None):
        self._directory = shipped.Shelf(serving_dir)
        self._runtime, self._warn = runtime, warn or logging.getLogger("easel.serving").warning
        self._loaded: dict[Path, SavedModel] = {}
        self._classifiers: dict[Path, _Classify] = {}
        self._painters: dict[Path, Style] = {}

    def classify(self, paths: Sequence[str | Path], model: str | None = None) -> list[dict[str, Any]]:
        """Labels photos. The name may be left out while only one classifier serves.

        Returns:
            `{"path", "label", "score", "scores": {label: score}}` for each photo, in order; scores are 0..1.

        Raises:
            ServingError: no classifier serves, or a file is not an image that can be read.
        """
        answers = []
        for answer in self.classified(paths, model):
            if "error" in answer:
                raise ServingError(answer["error"])
            answers.append(answer)
        return answers

    def classified(self, paths: Iterable[str | Path], model: str | None = None) -> Iterator[dict[str, Any]]:
        """Labels photos one after another: yields what `classify` returns, or `{"path", "error"}` for a bad file."""
        version = self.version("classifier", model)
        if version.path not in self._classifiers:
            self._classifiers[version.path] = self._computed(version, _lite_classifier, self._full_classifier)
        classify, rest = self._classifiers[version.path], iter(paths)
        size = BATCH if version.path in self._loaded else 1
        while batch := list(itertools.islice(rest, size)):
            files = [_read(path) for path in batch]
            answers = iter(_answers(classify, [data for data in files if isinstance(data, bytes)]))
            for path, data in zip(batch, files, strict=True):
                yield {"path": str(path), **(next(answers) if isinstance(data, bytes) else data)}

    def stylize(
        self, content: str | Path | bytes, style: str | Path | bytes, strength: float = 1.0, model: str | None = None
    ) -> bytes:
        """Paints a photo in the manner of a painting, by the SavedModel's signatures and so with TensorFlow.

        What ships with Easel paints with LiteRT. The style is a painting's file or its bytes, or the name of one that
        the model knows (see `styles`); strength goes from 0 (the photo itself) to 1. The model's name may be left out
        while only one serves.

        Returns:
            The painted photo, JPEG or PNG as the model was configured.

        Raises:
            ServingError: no style network serves, an image cannot be read, or no painting has that name.
        """
        if not 0.0 <= strength <= 1.0:
            raise ServingError(f"strength {strength}: must be between 0 and 1")
        version = self.painter(model)
        inputs = {"content_bytes": [_image(content, "content")], "strength": [strength]}
        if isinstance(style, bytes) or Path(style).is_file():
            signature, inputs["style_bytes"] = "serving_default", [_image(style, "style")]
        else:
            signature = "stylize_named"
            inputs["style_name"] = [known_style(str(style), version.styles, version.title).encode()]
        run = self._run if version.present else self._run_lite
        return run(version, signature, **inputs)["stylized_bytes"][0]

    def engine(self, model: str | None = None) -> "TiledEngine":
        """The style network for `easel_serving.painting` (which needs OpenCV); `model` and errors as for `stylize`."""
        return self._computed(self.painter(model), _lite_engine, _full_engine)

    def styles(self, model: str | None = None) -> list[str]:
        """The names of the paintings that the style network knows, in its order."""
        return self.painter(model).styles

    def version(self, kind: str, name: str | None = None) -> Version:
        """The version of a `classifier` or `style` network that serves now; `name` and errors as for `stylize`."""
        found = [version for version in map(self._directory.stable, self._directory.models()) if version]
        found = [version for version in found if version.manifest.get("kind") == kind]
        named = [version for version in found if name in (None, version.model)]
        if not named:
            what = f"no {kind} named {name}" if name else f"no {kind}"
            waiting = (self._directory.labelled(model, CANARY) for model in self._directory.models())
            waiting = [each for each in waiting if each and each.manifest.get("kind") == kind]
            way = "`easel run` pushes one, of a configuration that `easel init` writes for your folders"
            if waiting and name in (None, waiting[0].model):
                way = f"`easel models promote {waiting[0].model} {waiting[0].number}` makes it of the canary"
            raise ServingError(f"{self._directory.root}: {what} serves here (label {STABLE}); {way}")
        if len(named) > 1:
            raise ServingError(f"{self._directory.root}: name one of {', '.join(version.model for version in named)}")
        return named[0]

    def painter(self, name: str | None = None) -> Version:
        """The style network to paint with: what serves, or what ships while none was ever pushed."""
        if name not in (None, shipped.NAME) or not shipped.stands_in(self._directory):
            return self.version("style", name)
        version = self._directory.shipped
        self._warn(shipped.word(self._directory))
        return version

    def _computed(self, version: Version, lite: Callable[[Version], _Made], full: Callable[[Version], _Made]) -> _Made:
        """What LiteRT (`lite`) or TensorFlow (`full`) computes with, as the runtime asks."""
        if self._runtime != "tensorflow":
            try:
                return lite(version)
            except (ImportError, ServingError) as error:
                reason = f"LiteRT cannot run here ({error})" if isinstance(error, ImportError) else str(error)
            if self._runtime == "tflite" or not version.present:
                raise ServingError(reason)
            self._warn(f"{reason}; TensorFlow computes instead, which takes longer to start")
        if not version.present:
            raise ServingError(f"{version.title}: it has TFLite variants alone, no SavedModel; leave --runtime out")
        try:
            return full(version)
        except ImportError as error:
            raise ServingError(f"{version.title}: TensorFlow cannot run here ({error})") from error

    def _full_classifier(self, version: Version) -> _Classify:
        self._load(version)
        return lambda encoded: self._run(version, "serving_default", image_bytes=encoded)

    def _load(self, version: Version) -> "SavedModel":
        from easel_serving.models.saved_model import SavedModel

        if version.path not in self._loaded:
            self._loaded[version.path] = SavedModel(version.path)
        return self._loaded[version.path]

    def _run_lite(self, version: Version, signature: str, **inputs: Sequence[bytes | float]) -> dict[str, np.ndarray]:
        from easel_serving.models.tflite import models

        if version.path not in self._painters:
            self._painters[version.path] = models.Style(version, any_size=True)
        return self._painters[version.path].signatures[signature](inputs)

    def _run(self, version: Version, signature: str, **inputs: Sequence[bytes | float]) -> dict[str, np.ndarray]:
        loaded = self._load(version)
        from easel_serving.models.saved_model import tf
        from easel_serving.models.tf_errors import one_line

        try:
            types = loaded.inputs(signature)
            return loaded(signature, {name: np.array(inputs[name], types[name]) for name in inputs})
        except tf.errors.OpError as error:
            raise ServingError(f"{version.title}: {one_line(error)}") from error


def _lite_classifier(version: Version) -> _Classify:
    from easel_serving.models.tflite import models, variants

    model = models.Classifier(version, variants.FLOATS)
    return lambda encoded: model.serve({"image_bytes": encoded})


def _lite_engine(version: Version) -> "TiledEngine":
    from easel_serving.painting.lite import LiteEngine

    return LiteEngine(version)


def _full_engine(version: Version) -> "TiledEngine":
    from easel_serving.painting.saved_model import LocalEngine

    return LocalEngine(version.path, version.codes, version.title)


def _answers(classify: _Classify, files: Sequence[bytes]) -> list[dict[str, Any]]:
    """`{"label", "score", "scores"}` for each file, or `{"error"}` where the model cannot read it."""
    if not files:
        return []
    try:
        served = classify(files)
    except ServingError as error:
        if len(files) == 1:
            return [{"error": str(error)}]
        return [answer for data in files for answer in _answers(classify, [data])]
    found = []
    for classes, scores, label in zip(served["classes"], served["scores"], served["label"], strict=True):
        by_label = {name.decode(): float(score) for name, score in zip(classes, scores, strict=True)}
        best = label.decode()
        found.append({"label": best, "score": by_label[best], "scores": by_label})
    return found


def _read(path: str | Path) -> bytes | dict[str, Any]:
    try:
        return prepare.read(path)
    except ServingError as error:
        return {"error": str(error)}


def _image(source: str | Path | bytes, name: str) -> bytes:
    return prepare.convert(source, name) if isinstance(source, bytes) else prepare.read(source)
