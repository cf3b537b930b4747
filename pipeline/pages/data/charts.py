"""What the page draws: histograms as SVG paths, ranges as percentages. Pure functions of TFDV's statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts import statistics

WIDTH, HEIGHT = 320, 110
"""Of the drawings' coordinates."""
_Dataset = statistics_pb2.DatasetFeatureStatistics
_Histogram = statistics_pb2.Histogram


@dataclass(frozen=True)
class Curve:
    """One distribution as the `d` of an SVG path, closed along the ground."""

    name: str
    path: str


@dataclass(frozen=True)
class Range:
    """Where a class's values lie, in per cent of the axis: from the first to the ninth decile, and the median."""

    label: str
    left: float
    width: float
    median: float
    value: float


@dataclass(frozen=True)
class Chart:
    """One measure: its curves and ranges over the axis from `low` to `high`. A constant measure has no curves."""

    low: float
    high: float
    curves: tuple[Curve, ...]
    ranges: tuple[Range, ...]


def chart(
    feature: str, datasets: Mapping[str, _Dataset], classes: Mapping[str, _Dataset], most_classes: int
) -> Chart | None:
    """Draws one measure.

    Args:
        feature: its name.
        datasets: what the curves show, by name, such as `train` and `eval`; those without images are left out.
        classes: what the ranges show, by class.
        most_classes: of more classes than these no ranges are drawn.

    Returns:
        None when no image has the measure.
    """
    found = {name: statistics.feature(dataset, feature) for name, dataset in datasets.items() if dataset.num_examples}
    shown = {name: each for name, each in found.items() if each}
    if not shown:
        return None
    low = min(each.num_stats.min for each in shown.values())
    high = max(each.num_stats.max for each in shown.values())
    if low == high:
        return Chart(low, high, (), ())
    densities = {name: _density(each, low, high) for name, each in shown.items()}
    top = max(height for steps in densities.values() for _, _, height in steps)
    curves = tuple(Curve(name, _path(steps, low, high, top)) for name, steps in densities.items())
    few = len(classes) <= most_classes
    ranges = [_range(label, dataset, feature, low, high) for label, dataset in classes.items() if few]
    return Chart(low, high, curves, tuple(each for each in ranges if each))


def _density(
    feature: statistics_pb2.FeatureNameStatistics, low: float, high: float
) -> Sequence[tuple[float, float, float]]:
    """Steps `(from, to, share per unit)`; a single value becomes a narrow step."""
    buckets = statistics.histogram(feature, _Histogram.STANDARD)
    total = sum(bucket.sample_count for bucket in buckets)
    narrow = (high - low) / 40
    steps = []
    for bucket in buckets:
        start, end = bucket.low_value, bucket.high_value
        if end - start < narrow:
            start = min(max(start - narrow / 2, low), high - narrow)
            end = start + narrow
        steps.append((start, end, bucket.sample_count / total / (end - start)))
    return steps


def _path(steps: Sequence[tuple[float, float, float]], low: float, high: float, top: float) -> str:
    def x(value: float) -> str:
        return f"{(value - low) / (high - low) * WIDTH:.1f}"

    def y(height: float) -> str:
        return f"{HEIGHT - height / top * (HEIGHT - 4):.1f}"

    outline = "".join(f"L{x(start)} {y(height)}L{x(end)} {y(height)}" for start, end, height in steps)
    return f"M{x(steps[0][0])} {HEIGHT}{outline}L{x(steps[-1][1])} {HEIGHT}Z"


def _range(label: str, dataset: _Dataset, feature: str, low: float, high: float) -> Range | None:
    deciles = statistics.deciles(dataset).get(feature)
    if not deciles:
        return None
    first, median, last = ((deciles[rank] - low) / (high - low) * 100 for rank in (1, 5, 9))
    return Range(label, round(first, 1), round(last - first, 1), round(median, 1), deciles[5])
