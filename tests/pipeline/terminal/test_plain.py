import io
import re
from pathlib import Path

import pytest

from pipeline.progress.events import Node
from pipeline.progress.wording import duration, number
from pipeline.terminal.plain import PlainView, describe

NODES = [Node("a", "photos", "read images"), Node("b", "classifier", "train")]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_plain_lines_tell_starts_ends_and_counts():
    stream, clock = io.StringIO(), Clock()
    with PlainView(stream, clock=clock) as view:
        view.log_path(Path("/w/1.log"))
        view.plan(NODES)
        view.node_started("a")
        view.node_progress("a", {"ingested": 1200, "rejected": 3})
        clock.now = 61
        view.node_finished("a", "done")
        view.node_finished("b", "cached")
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().splitlines()]
    assert lines == [
        "log: /w/1.log",
        "2 steps: photos, classifier",
        "photos / read images: started",
        "photos / read images: done in 1:01 (1,200 ingested · 3 rejected)",
        "classifier / train: cached",
    ]


def test_plain_counts_are_rate_limited():
    stream, clock = io.StringIO(), Clock()
    view = PlainView(stream, every=30, clock=clock)
    view.plan(NODES)
    view.node_started("b")
    for second in range(100):
        clock.now = second
        view.node_progress("b", {"step": second, "steps": 100})
    assert stream.getvalue().count("step ") == 3
    assert "step 90/100" in stream.getvalue()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"step": 10, "steps": 4000, "loss": 1.23456}, "step 10/4,000 · loss 1.235"),
        ({"macro_f1": 0.9}, "macro f1 0.900"),
        ({"approved": "no", "why": "too poor"}, "approved no · why too poor"),
        ({"photos": 100, "of": 400}, "photos 100/400"),
        ({"rejected": 4, "seen": 9}, "4 rejected · 9 seen"),
        ({}, ""),
    ],
)
def test_counts_in_words(values, text):
    assert describe(values) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12345, "12,345"),
        (0.0, "0.000"),
        (0.5, "0.500"),
        (0.00123, "0.00123"),
        (12345.6, "12,346"),
        ("x", "x"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (7.9, "0:07"), (751, "12:31"), (3723, "1:02:03")])
def test_durations(seconds, text):
    assert duration(seconds) == text
