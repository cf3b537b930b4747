"""What a schema says about images that were only scanned: the checks of `easel schema`, without TFX.

TFDV judges the statistics of a run; here the same bounds are held against single images, which is quicker and can say
which. It knows what a schema of ours can ask of an image: numeric bounds and lists of strings.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tensorflow_metadata.proto.v0 import schema_pb2

from components.artifacts import features
from components.image_folder_example_gen.vocabulary.files import Picture
from components.schema_source.contract import TRAINING

WORST = 10
"""Files named per violation."""


class Violation(NamedTuple):
    """Images outside one line of the schema."""

    feature: str
    allowed: str
    """What the schema allows, such as `at least 0.02`."""
    found: str
    """The range of the values that are outside, or the names that are not listed."""
    images: int
    files: tuple[str, ...]
    """The worst ones, at most `WORST`."""


def values(picture: Picture) -> dict[str, str | float]:
    """The features of an image that a schema can bound."""
    return {
        features.LABEL: picture.source.label,
        features.FORMAT: picture.format,
        features.HEIGHT: picture.height,
        features.WIDTH: picture.width,
        features.CHANNELS: 3,
        features.ASPECT_RATIO: picture.width / picture.height,
        features.BRIGHTNESS: picture.brightness,
        features.CONTRAST: picture.contrast,
        features.SHARPNESS: picture.sharpness,
        features.COLORFULNESS: picture.colorfulness,
        features.NUM_BYTES: picture.source.size,
    }


def violations(
    schema: schema_pb2.Schema, pictures: Iterable[Picture], environment: str = TRAINING
) -> Iterator[Violation]:
    """What the schema would object to, feature by feature.

    The environment `SERVING` leaves out what is asked only of training data: the class.
    """
    measured = [(picture.source.name, values(picture)) for picture in pictures]
    for feature in schema.feature:
        if environment in feature.not_in_environment:
            continue
        rows = [(name, found[feature.name]) for name, found in measured if feature.name in found]
        yield from _strings(feature, schema, rows) if feature.type == schema_pb2.BYTES else _numbers(feature, rows)


def missing_classes(schema: schema_pb2.Schema, pictures: Iterable[Picture]) -> list[str]:
    """The classes of the schema of which there is no image."""
    seen = {picture.source.label for picture in pictures}
    listed = [_allowed(feature, schema) for feature in schema.feature if feature.name == features.LABEL]
    return sorted(set(listed[0] or ()) - seen) if listed else []


def ranges(pictures: Iterable[Picture]) -> dict[str, tuple[float, float]]:
    """The least and the greatest value of each measure."""
    found: dict[str, tuple[float, float]] = {}
    for picture in pictures:
        for name, value in values(picture).items():
            if not isinstance(value, str):
                low, high = found.get(name, (value, value))
                found[name] = min(low, value), max(high, value)
    return found


def _numbers(feature: schema_pb2.Feature, rows: list[tuple[str, float]]) -> Iterator[Violation]:
    kind = feature.WhichOneof("domain_info")
    if kind not in ("int_domain", "float_domain"):
        return
    domain = getattr(feature, kind)
    for side, word, sign in (("min", "at least", 1), ("max", "at most", -1)):
        if domain.HasField(side):
            bound = getattr(domain, side)
            outside = [(sign * value, name) for name, value in rows if sign * value < sign * bound]
            if outside:
                worst = heapq.nsmallest(WORST, outside)
                extremes = sorted((sign * worst[0][0], sign * max(outside)[0]))
                found = _span(*extremes)
                files = tuple(name for _, name in worst)
                yield Violation(feature.name, f"{word} {bound:g}", found, len(outside), files)


def _strings(
    feature: schema_pb2.Feature, schema: schema_pb2.Schema, rows: list[tuple[str, str]]
) -> Iterator[Violation]:
    allowed = _allowed(feature, schema)
    outside = sorted((value, name) for name, value in rows if allowed is not None and value not in allowed)
    if outside:
        names = ", ".join(dict.fromkeys(value for value, _ in outside))
        files = tuple(name for _, name in outside[:WORST])
        yield Violation(feature.name, f"one of {', '.join(sorted(allowed))}", names, len(outside), files)


def _allowed(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> set[str] | None:
    """The strings that a feature may have; None when it may have any."""
    domains = {domain.name: domain for domain in schema.string_domain}
    found = feature.string_domain if feature.HasField("string_domain") else domains.get(feature.domain)
    return None if found is None else set(found.value)


def _span(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
