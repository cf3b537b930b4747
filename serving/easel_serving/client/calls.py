"""The models' contract as calls: which signature takes and gives what. Pure; nothing here talks to a server."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from easel_serving.client.options import Options
from easel_serving.images import formats, prepare
from easel_serving.protocol.errors import ServingError

MAX_ROWS = 16
"""Images in one request: the server's own batches are no larger (`batching.config`)."""

MAX_BYTES = 16 << 20
"""Bytes of images in one request; an image that is larger travels alone."""

Tensors = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Call:
    """One request: `inputs` are object arrays of bytes [N] or float32 arrays with N rows; `outputs` their names."""

    model: str
    version: int | str | None
    signature: str
    inputs: Tensors
    outputs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Classification:
    """What a classifier says of one photo; scores are 0..1 and sum to 1, the highest first."""

    label: str
    score: float
    scores: dict[str, float]


def classify(photos: Sequence[prepare.Source], options: Options) -> list[Call]:
    """The requests that classify photos.

    Raises:
        ServingError: a photo is not an image that can be read; here as in all of these functions.
    """
    encoded = _encode(photos, "photo")
    return [
        _call(options.classifier, options, "serving_default", ("classes", "scores", "label"), image_bytes=batch)
        for batch in _batches(encoded)
    ]


def classifications(answers: Sequence[Tensors]) -> list[Classification]:
    """The results of `classify`, in the order of the photos."""
    found = []
    for outputs in answers:
        for classes, scores, label in zip(outputs["classes"], outputs["scores"], outputs["label"], strict=True):
            ranked = sorted(zip(classes, scores, strict=True), key=lambda item: -item[1])
            by_label = {name.decode(): float(score) for name, score in ranked}
            found.append(Classification(label.decode(), by_label[label.decode()], by_label))
    return found


def stylize(contents: Sequence[prepare.Source], style: prepare.Source, strength: float, options: Options) -> list[Call]:
    """The requests that paint photos in the manner of a painting: an image, or the name of one that the model knows."""
    if not 0.0 <= strength <= 1.0:
        raise ServingError(f"strength {strength}: must be between 0 and 1")
    if isinstance(style, str) and not Path(style).is_file():
        if Path(style).suffix.lower() in formats.SUFFIXES:
            raise ServingError(f"{style}: no such file")
        signature, name, value = "stylize_named", "style_name", style.encode()
    else:
        signature, name, value = "serving_default", "style_bytes", prepare.encode(style, "style")
    calls = []
    for batch in _batches(_encode(contents, "content"), extra=len(value) if name == "style_bytes" else 0):
        inputs = {
            "content_bytes": batch,
            name: [value] * len(batch),
            "strength": np.full(len(batch), strength, np.float32),
        }
        calls.append(_call(options.style, options, signature, ("stylized_bytes",), **inputs))
    return calls


def stylize_code(contents: Sequence[prepare.Source], code: np.ndarray, options: Options) -> list[Call]:
    """The requests that paint photos by a style code [D], one of `encode_style` or a mix of several."""
    code = np.asarray(code, np.float32)
    if code.ndim != 1:
        raise ServingError(f"style code: one row of numbers is expected, not an array of shape {list(code.shape)}")
    return [
        _call(
            options.style,
            options,
            "stylize",
            ("stylized_bytes",),
            content_bytes=batch,
            style_code=np.tile(code, (len(batch), 1)),
        )
        for batch in _batches(_encode(contents, "content"))
    ]


def pictures(answers: Sequence[Tensors]) -> list[bytes]:
    """The results of `stylize` and `stylize_code`, in the order of the photos: files, JPEG or PNG."""
    return [picture for outputs in answers for picture in outputs["stylized_bytes"]]


def encode_style(paintings: Sequence[prepare.Source], options: Options) -> list[Call]:
    """The requests that read the style codes of paintings."""
    return [
        _call(options.style, options, "encode_style", ("style_code",), style_bytes=batch)
        for batch in _batches(_encode(paintings, "style"))
    ]


def codes(answers: Sequence[Tensors]) -> list[np.ndarray]:
    """The results of `encode_style`, in the order of the paintings: float32 [D] each."""
    return [code for outputs in answers for code in outputs["style_code"]]


def _call(model: str, options: Options, signature: str, outputs: tuple[str, ...], **inputs: Sequence) -> Call:
    return Call(model, options.version, signature, {name: _tensor(value) for name, value in inputs.items()}, outputs)


def _tensor(value: Sequence) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    tensor = np.empty(len(value), object)
    tensor[:] = value
    return tensor


def _encode(sources: Sequence[prepare.Source], what: str) -> list[bytes]:
    if not sources:
        raise ServingError(f"no {what} was given")
    return [
        prepare.encode(source, what if len(sources) == 1 else f"{what} {number}")
        for number, source in enumerate(sources, 1)
    ]


def _batches(encoded: Sequence[bytes], extra: int = 0) -> Iterator[list[bytes]]:
    """Cuts files into batches of at most `MAX_ROWS` files and `MAX_BYTES` bytes, `extra` bytes added to each file."""
    batch: list[bytes] = []
    size = 0
    for data in encoded:
        if batch and (len(batch) == MAX_ROWS or size + len(data) + extra > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(data)
        size += len(data) + extra
    if batch:
        yield batch
