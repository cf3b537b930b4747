"""TFLite metadata, which phone libraries read: what the picture must look like and what the scores are called.

The format is that of `metadata_schema.fbs` in tflite-support: a FlatBuffer `M001` under the name TFLITE_METADATA in the
model, and the files that it refers to in a ZIP archive after the model's end. The library that writes it has no wheels
for the Pythons that we run on; the dozen fields that a classifier needs are written here.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from trainer.tflite import file

ENTRY, IDENTIFIER = b"TFLITE_METADATA", b"M001"
LABELS = "labels.txt"

_MIN_PARSER_VERSION = "1.0.0"
_RGB, _AXIS_LABELS = 1, 2
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES, _NORMALIZATION = 1, 2, 1  # places in the schema's unions

Write = Callable[[flatbuffers.Builder, int], None]
"""Puts one field of a table at its place."""


def with_classifier_metadata(content: bytes, labels: Sequence[str], name: str, side: int) -> bytes:
    """The TFLite file of a classifier with its metadata; it runs as before.

    Args:
        content: one input, pixels 0..255 RGB [1, side, side, 3], normalised inside; one output, scores [1, K].
        labels: K class names.
        name: of the model.
        side: in pixels.
    """
    model = file.unpacked(content)
    buffer = schema.BufferT()
    buffer.data = list(_metadata(labels, name, side))
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = ENTRY, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    whole = io.BytesIO(file.packed(model))
    with zipfile.ZipFile(whole, "a") as archive:
        # A fixed date: the same model gives the same bytes.
        archive.writestr(zipfile.ZipInfo(LABELS), "".join(f"{label}\n" for label in labels))
    return whole.getvalue()


def _metadata(labels: Sequence[str], name: str, side: int) -> bytes:
    builder = flatbuffers.Builder(1024)
    image = _tensor(
        builder,
        "image",
        f"The photo, RGB, {side} x {side} pixels, 0..255; it is normalised inside.",
        _IMAGE_PROPERTIES,
        _table(builder, {0: _byte(_RGB), 1: _offset(_table(builder, {0: _uint(side), 1: _uint(side)}))}),
        {
            4: _offset(_vector(builder, [_normalisation(builder)])),
            5: _offset(_table(builder, {0: _floats(builder, [255.0]), 1: _floats(builder, [0.0])})),
        },
    )
    named = _table(
        builder,
        {0: _text(builder, LABELS), 1: _text(builder, "The names of the classes."), 2: _byte(_AXIS_LABELS)},
    )
    scores = _tensor(
        builder,
        "scores",
        f"The probability of each of the {len(labels)} classes.",
        _FEATURE_PROPERTIES,
        _table(builder, {}),
        {
            5: _offset(_table(builder, {0: _floats(builder, [1.0]), 1: _floats(builder, [0.0])})),
            6: _offset(_vector(builder, [named])),
        },
    )
    graph = _table(
        builder, {2: _offset(_vector(builder, [image])), 3: _offset(_vector(builder, [scores]))}
    )  # SubGraphMetadata
    root = _table(
        builder,
        {
            0: _text(builder, name),
            1: _text(builder, "Image classifier made by Easel."),
            3: _offset(_vector(builder, [graph])),
            7: _text(builder, _MIN_PARSER_VERSION),
        },
    )  # ModelMetadata
    builder.Finish(root, IDENTIFIER)
    return bytes(builder.Output())


def _tensor(
    builder: flatbuffers.Builder, name: str, description: str, kind: int, properties: int, more: Mapping[int, Write]
) -> int:
    """TensorMetadata: what it contains is a union, whose kind and value are two fields."""
    content = _table(builder, {0: _byte(kind), 1: _offset(properties)})
    fields = {0: _text(builder, name), 1: _text(builder, description), 3: _offset(content)}
    return _table(builder, {**fields, **more})


def _normalisation(builder: flatbuffers.Builder) -> int:
    """ProcessUnit: (pixel - 0) / 1, because the network takes pixels as they are."""
    options = _table(builder, {0: _floats(builder, [0.0]), 1: _floats(builder, [1.0])})
    return _table(builder, {0: _byte(_NORMALIZATION), 1: _offset(options)})


def _table(builder: flatbuffers.Builder, fields: Mapping[int, Write]) -> int:
    builder.StartObject(max(fields, default=-1) + 1)
    for slot, write in fields.items():
        write(builder, slot)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return builder.EndVector()


def _floats(builder: flatbuffers.Builder, values: Sequence[float]) -> Write:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return _offset(builder.EndVector())


def _text(builder: flatbuffers.Builder, text: str) -> Write:
    return _offset(builder.CreateString(text))


def _offset(value: int) -> Write:
    return lambda builder, slot: builder.PrependUOffsetTRelativeSlot(slot, value, 0)


def _byte(value: int) -> Write:
    return lambda builder, slot: builder.PrependInt8Slot(slot, value, 0)


def _uint(value: int) -> Write:
    return lambda builder, slot: builder.PrependUint32Slot(slot, value, 0)
