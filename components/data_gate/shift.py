"""How far two sets of images are apart, and whether chance explains it."""

import bisect
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from tensorflow_metadata.proto.v0 import anomalies_pb2

_STANDARD_ERRORS = 3.3
"""A share is this far off by chance once in a thousand times."""
_KOLMOGOROV = 1.95
"""Kolmogorov's distribution: as for the shares."""
_TENTH = 0.1
"""Deciles cannot tell distributions that are nearer."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """A set of images: how many, of which classes, and their typical measures."""

    count: int
    labels: Mapping[str, int]
    """Images per class; a flat folder has one class, whose name is empty."""
    deciles: Mapping[str, Sequence[float]]
    """Minimum, the nine deciles and maximum of each numeric feature."""


@dataclasses.dataclass(frozen=True)
class Shift:
    """TFDV's comparison of two sets of images."""

    kind: Literal["skew", "drift"]
    against: str
    """What the images are compared with, in words."""
    now: Summary
    then: Summary
    comparison: anomalies_pb2.Anomalies


class Distance(NamedTuple):
    """Jensen-Shannon divergence of a measure, 0 to 1, and how much of it the configuration allows."""

    feature: str
    value: float
    allowed: float


class Gap(NamedTuple):
    """The class whose share differs most between two sets, and its shares."""

    label: str
    one: float
    other: float

    @property
    def distance(self) -> float:
        """The L-infinity distance of the two label distributions."""
        return abs(self.one - self.other)


def distances(comparison: anomalies_pb2.Anomalies) -> Iterator[Distance]:
    """The divergences that TFDV measured, conspicuous or not."""
    for info in comparison.drift_skew_info:
        for each in info.drift_measurements:
            if each.type == anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE:
                yield Distance(info.path.step[0], each.value, each.threshold)


def conspicuous(shift: Shift) -> Iterable[Distance]:
    """The divergences that are above what is allowed, and are neither chance nor a few images.

    TFDV's histograms have equal widths between the extremes, so that a single photo of another size makes its
    divergence large, and so do small samples. Hence the two-sample test of Kolmogorov and Smirnov has a say, too: its
    statistic, taken from the deciles, knows neither weakness.
    """
    one, other = shift.now, shift.then
    chance = _KOLMOGOROV * math.sqrt(1 / max(one.count, 1) + 1 / max(other.count, 1))
    for each in distances(shift.comparison):
        if each.value > each.allowed:
            moved = largest_share(one.deciles[each.feature], other.deciles[each.feature])
            if moved > max(chance, _TENTH):
                yield each


def largest_share(one: Sequence[float], other: Sequence[float]) -> float:
    """The Kolmogorov-Smirnov statistic of two distributions given by their deciles: 0 when equal, 1 when apart.

    Args:
        one: minimum, the nine deciles and maximum.
        other: likewise.
    """
    gaps = (_below(one, value) - _below(other, value) for value in (*one, *other))
    return round(max(map(abs, gaps)), 9)


def _below(deciles: Sequence[float], value: float) -> float:
    """The share of a distribution that is at most `value`, linear between the deciles."""
    rank = bisect.bisect_right(deciles, value)
    if rank in (0, len(deciles)):
        return float(rank > 0)
    low, high = deciles[rank - 1], deciles[rank]
    return (rank - 1 + (value - low) / (high - low)) / (len(deciles) - 1)


def label_gap(one: Mapping[str, int], other: Mapping[str, int], most: float) -> Gap | None:
    """The class whose share of the images differs most; None if that is at most `most`, or chance explains it."""
    sums = sum(one.values()), sum(other.values())
    if not all(sums):
        return None
    gaps = [Gap(each, one.get(each, 0) / sums[0], other.get(each, 0) / sums[1]) for each in sorted({*one, *other})]
    worst = max(gaps, key=lambda gap: gap.distance)
    together = (one.get(worst.label, 0) + other.get(worst.label, 0)) / sum(sums)
    chance = _STANDARD_ERRORS * math.sqrt(together * (1 - together) * (1 / sums[0] + 1 / sums[1]))
    return worst if worst.distance > max(most, chance) else None
