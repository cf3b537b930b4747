"""Curves and ranges from statistics that TFDV made."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from pipeline.pages.data import charts


def dataset(values):
    return tfdv.generate_statistics_from_dataframe(pd.DataFrame({"x": np.asarray(values, float)})).datasets[0]


def area(path: str) -> float:
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"-?[\d.]+ -?[\d.]+", path)]
    (_, ground), *_ = points
    assert points[-1][1] == ground == charts.HEIGHT
    assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in points)
    return sum((x2 - x1) * (2 * ground - y1 - y2) / 2 for (x1, y1), (x2, y2) in itertools.pairwise(points))


def test_curves_share_an_axis_and_cover_the_same_area_whatever_the_number_of_images():
    rng = np.random.default_rng(0)
    chart = charts.chart("x", {"train": dataset(rng.normal(0, 1, 900)), "eval": dataset(rng.normal(2, 0.5, 90))}, {}, 9)
    assert [curve.name for curve in chart.curves] == ["train", "eval"]
    assert area(chart.curves[0].path) == pytest.approx(area(chart.curves[1].path), rel=0.05)


def test_a_single_value_among_many_is_a_narrow_step_and_a_constant_is_no_curve():
    chart = charts.chart("x", {"train": dataset([3] * 50), "eval": dataset([3] * 20 + [9])}, {}, 9)
    assert area(chart.curves[0].path) == pytest.approx(area(chart.curves[1].path), rel=0.15)
    constant = charts.chart("x", {"train": dataset([3] * 50)}, {"cat": dataset([3])}, 9)
    assert (constant.low, constant.high, constant.curves, constant.ranges) == (3, 3, (), ())


def test_ranges_are_the_middle_eighty_per_cent_and_are_left_out_of_many_classes():
    of_class = {"cat": dataset(np.linspace(0, 100, 1001))}
    whole = {"train": dataset(np.linspace(0, 200, 1001))}
    (found,) = charts.chart("x", whole, of_class, 9).ranges
    assert (found.left, found.width, found.median) == pytest.approx((5, 40, 25), abs=1)
    assert charts.chart("x", whole, of_class, 0).ranges == ()


def test_what_no_image_has_is_not_drawn():
    assert charts.chart("y", {"train": dataset([1, 2])}, {}, 9) is None
    assert charts.chart("x", {}, {}, 9) is None
