import io
import re
from pathlib import Path

import pytest

from pipeline.progress.events import Node
from pipeline.progress.wording import duration, line_of, number
from pipeline.terminal.plain import PlainView, describe

NODES = [Node("a", "photos", "read images"), Node("b", "classifier", "train")]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Timer:
    """A `threading.Timer` whose time comes when the test says so."""

    made = []

    def __init__(self, seconds, call):
        self.seconds, self.call, self.canceled = seconds, call, False
        self.made.append(self)

    def start(self):
        pass

    def cancel(self):
        self.canceled = True


def lines(stream):
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().splitlines()]


def test_plain_lines_tell_starts_ends_and_counts_of_what_takes_a_while():
    stream, clock = io.StringIO(), Clock()
    with PlainView(stream, clock=clock, timer=Timer) as view:
        view.log_path(Path("/w/1.log"))
        view.phase("loading TensorFlow and TFX")
        view.plan(NODES)
        view.node_started("a")
        clock.now = 1
        Timer.made[-1].call()
        view.node_progress("a", {"ingested": 1200, "rejected": 3})
        clock.now = 61
        view.node_finished("a", "done")
        view.node_finished("b", "cached")
    assert lines(stream) == [
        "log: /w/1.log",
        "loading TensorFlow and TFX",
        "2 steps: photos, classifier",
        "photos / read images: started",
        "photos / read images: done in 1:01 (1,200 ingested · 3 rejected)",
        "classifier / train: cached",
    ]


def test_what_takes_under_a_second_shares_a_line_and_what_went_wrong_never_does():
    stream, clock = io.StringIO(), Clock()
    nodes = [Node(str(index), "photos", f"step {index}") for index in range(46)]
    with PlainView(stream, clock=clock, timer=Timer) as view:
        view.plan(nodes)
        for node in nodes:
            view.node_started(node.id)
            if node.id == "20":
                clock.now += 7
            view.node_finished(node.id, "stopped" if node.id == "30" else "cached" if node.id < "2" else "done")
    assert all(timer.canceled for timer in Timer.made[-46:])
    assert lines(stream) == [
        "46 steps: photos",
        "20 short steps: 12 cached, 8 done",
        "photos / step 20: done in 0:07",
        "9 short steps: 9 done",
        "photos / step 30: STOPPED in 0:00",
        "15 short steps: 15 done",
    ]


def test_a_step_that_ended_is_not_announced():
    stream = io.StringIO()
    with PlainView(stream, timer=Timer) as view:
        view.plan(NODES)
        view.node_started("a")
        view.node_finished("a", "done")
        Timer.made[-1].call()  # it was on its way when it was cancelled
    assert lines(stream)[1:] == ["photos / read images: done"]


def test_plain_counts_are_rate_limited():
    stream, clock = io.StringIO(), Clock()
    view = PlainView(stream, every=30, clock=clock, timer=Timer)
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


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no luck\nmore"), "no luck"),
        (ValueError("in user code:\n\n    File x.py, line 1, in f\n\n    TypeError: none\n"), "TypeError: none"),
        (RuntimeError("Traceback (most recent call last):\n  File ...\nOSError: full"), "OSError: full"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_the_line_of_a_fault_is_the_one_that_says_what_is_wrong(error, line):
    assert line_of(error) == line
