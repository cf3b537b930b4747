"""Signals in the middle of Beam's work, which is where a run spends most of its time."""

import os
import signal
import time

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.running import interruption
from pipeline.running.beam.arguments import LOCAL


def send(number):
    os.kill(os.getpid(), number)
    time.sleep(5)  # ended by the signal


@pytest.fixture
def foreground():
    """SIGINT as at a terminal: a shell has the processes that it starts in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("foreground")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupt_leaves_a_step_of_beam_as_what_it_is(number, code):
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(KeyboardInterrupt) as caught, interruption.terminable():  # noqa: SIM117
        with beam.Pipeline(options=PipelineOptions(list(LOCAL))) as pipeline:
            pipeline | beam.Create([number]) | beam.Map(send)
    assert interruption.exit_code(caught.value) == code
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == handlers
