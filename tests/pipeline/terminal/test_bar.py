"""The bar of commands that work on photos, and the picture above it."""

import io

import numpy as np
import pytest
from rich.console import Console

from pipeline.commands.images import painting_options
from pipeline.terminal.bar import Bar


def terminal(**options):
    return Console(file=io.StringIO(), force_terminal=True, width=100, height=20, **options)


def test_a_single_slow_photo_has_its_share_and_a_picture_that_is_replaced_and_then_stays():
    screen = terminal(color_system=None)
    bar = Bar(1, screen, shown=True)
    bar.name("a[1].jpg")
    bar.done(0.25)
    bar.picture("FIRST")
    bar.picture("SECOND")
    with screen.capture() as frame:
        screen.print(*bar.get_renderables(), sep="\n")
    assert "FIRST" not in frame.get()
    assert "SECOND" in frame.get()
    assert "a[1].jpg" in frame.get()
    assert " 25%" in frame.get()
    bar.keep_picture()
    assert screen.file.getvalue() == "SECOND\n"


def test_without_a_bar_a_picture_is_printed_once():
    screen = terminal(color_system=None)
    bar = Bar(1, screen, shown=False)
    bar.picture("PICTURE")
    bar.keep_picture()
    assert screen.file.getvalue() == "PICTURE\n"


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (3000, 20), (20, 3000)])
def test_a_picture_fits_into_the_terminal(shape):
    lines = painting_options._in_blocks(np.zeros((*shape, 3), np.uint8), 60, 20).plain.splitlines()
    assert 1 <= len(lines) <= 16
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    ("options", "shown"),
    [({"color_system": "truecolor"}, True), ({"color_system": "truecolor", "no_color": True}, False), ({}, False)],
)
def test_a_picture_is_shown_where_there_are_colours(monkeypatch, options, shown):
    monkeypatch.setenv("TERM", "xterm")
    assert painting_options._colourful(terminal(**({"color_system": None} | options))) == shown
