"""The frames of the live view, drawn into a recorded console."""

import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.progress.events import Node
from pipeline.terminal.live import LiveView

LANES = {"photos": ["read images", "statistics"], "classifier": ["gate", "train", "evaluate", "push"]}
NODES = [Node(f"{lane}.{title}", lane, title) for lane, titles in LANES.items() for title in titles]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def frame(view, height=40, width=100):
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    console.print(view)
    return console.file.getvalue()


def view_of(clock):
    view = LiveView(Console(file=io.StringIO(), force_terminal=True), "easel run c.yaml", clock)
    view.plan(NODES)
    return view


def line_of(text, title):
    return next(line for line in text.splitlines() if title in line)


def words(text, title):
    return " ".join(line_of(text, title).split())


def test_the_tree_shows_lanes_states_clocks_and_counts(clock):
    view = view_of(clock)
    view.log_path(Path("/w/1.log"))
    view.node_started("photos.read images")
    view.node_progress("photos.read images", {"ingested": 1258, "rejected": 4})
    clock.now += 65
    view.node_finished("photos.read images", "done")
    view.node_finished("photos.statistics", "cached")
    view.node_started("classifier.gate")
    view.node_finished("classifier.gate", "stopped")
    text = frame(view)
    assert "easel run c.yaml" in text
    assert "1:05" in text.splitlines()[0]
    assert "log /w/1.log" in text
    assert words(text, "read images") == "├ ✓ read images 1,258 ingested · 4 rejected 1:05"
    assert words(text, "statistics") == "└ ✓ statistics cached"
    assert words(text, "gate") == "├ ■ gate stopped"
    assert words(text, "push") == "└ · push"
    assert text.index("photos") < text.index("classifier")


def test_what_is_done_before_the_first_node_and_after_the_last_is_said(clock):
    view = LiveView(Console(file=io.StringIO(), force_terminal=True), "easel run c.yaml", clock)
    view.phase("loading TensorFlow and TFX")
    assert "loading TensorFlow and TFX" in frame(view)
    view.plan(NODES)
    view.node_started("photos.read images")
    assert "loading" not in frame(view)
    view.phase("drawing the report")
    assert len(frame(view, height=12).splitlines()) <= 12
    assert "drawing the report" in frame(view).splitlines()[-1]


def test_a_run_that_came_to_nothing_new_ends_with_why():
    file = io.StringIO()
    with LiveView(Console(file=file, width=100, height=8, force_terminal=True), "run") as view:
        view.phase("looking at the folders")
        view.phase("nothing changed since run r1")
    assert "nothing changed since run r1" in file.getvalue().split("\x1b[2K")[-1]


def test_a_training_node_has_a_bar_and_says_what_is_left(clock):
    view = view_of(clock)
    view.node_started("classifier.train")
    view.node_progress("classifier.train", {"step": 100, "steps": 400, "loss": 2.0})
    clock.now += 30
    view.node_progress("classifier.train", {"step": 200, "steps": 400, "loss": 1.5})
    line = line_of(frame(view), "train")
    assert line.count("━") == line.count("─") == 7
    assert "step 200/400 · loss 1.500" in line
    assert "1:00 left" in line


def test_a_new_phase_is_timed_anew(clock):
    view = view_of(clock)
    view.node_started("classifier.train")
    view.node_progress("classifier.train", {"photos": 100, "of": 100})
    clock.now += 500
    view.node_progress("classifier.train", {"epoch": 1, "epochs": 3})
    clock.now += 10
    view.node_progress("classifier.train", {"epoch": 2, "epochs": 3})
    line = line_of(frame(view), "train")
    assert "epoch 2/3 · 0:10 left" in line
    assert "photos" not in line


@pytest.mark.parametrize("values", [{"step": 5, "steps": 0}, {"step": "x", "steps": 3}, {"step": 9, "steps": 3}])
def test_odd_steps_do_not_break_the_frame(clock, values):
    view = view_of(clock)
    view.node_started("classifier.train")
    view.node_progress("classifier.train", values)
    assert "train" in frame(view)


def test_a_low_terminal_shares_lines_but_hides_nothing_that_runs_or_failed(clock):
    view = view_of(clock)
    for node in ("photos.read images", "photos.statistics"):
        view.node_started(node)
        view.node_finished(node, "done")
    view.node_finished("classifier.gate", "failed")
    view.node_started("classifier.train")
    text = frame(view, height=10)
    assert "2 done" in text
    assert "read images, statistics" in text
    assert words(text, "gate") == "├ ✗ gate failed"
    assert "2 waiting" in text
    assert len(text.splitlines()) <= 10


@pytest.mark.parametrize("width", [20, 40, 80, 300])
def test_no_line_is_wider_than_the_terminal_or_the_eye(clock, width):
    view = view_of(clock)
    view.node_started("classifier.train")
    view.node_progress("classifier.train", {"note": "x" * 400})
    assert all(len(line) <= min(width, 110) for line in frame(view, width=width).splitlines())


def test_an_unplanned_node_is_shown_all_the_same(clock):
    view = view_of(clock)
    view.node_started("surprise")
    assert "surprise" in frame(view)


def test_events_from_many_threads_draw_a_whole_last_frame():
    file = io.StringIO()
    with LiveView(Console(file=file, width=100, height=8, force_terminal=True), "run") as view:
        view.plan(NODES)

        def work(node):
            view.node_started(node.id)
            for step in range(50):
                view.node_progress(node.id, {"step": step, "steps": 50})
            view.node_finished(node.id, "done")

        threads = [threading.Thread(target=work, args=(node,)) for node in NODES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    last = file.getvalue().split("easel run")[-1]
    assert all(node.title in last for node in NODES)
