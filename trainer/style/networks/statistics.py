"""The statistics that instance norms work with, taken out of the network and put into it.

A picture that is painted in parts shows no seams only if every part is normalised with the mean and variance of the
whole (Ulyanov et al. 2016, section 3, defines them over the whole picture). `noted` collects them while a network is
called, `given` puts them in the place of a part's own; neither changes the network or its weights.
"""

import contextlib
import contextvars
from collections.abc import Iterator, Sequence

import tensorflow as tf
from keras import ops

Moments = tuple[tf.Tensor, tf.Tensor]
"""Means and variances of the channels, each float32 [N, 1, 1, C]."""

_noted: contextvars.ContextVar[list[Moments] | None] = contextvars.ContextVar("noted", default=None)
_given: contextvars.ContextVar[Iterator[Moments] | None] = contextvars.ContextVar("given", default=None)


def moments(features: tf.Tensor) -> Moments:
    """What a norm normalises float32 [N, h, w, C] with: their own statistics over positions, or what is `given`."""
    source = _given.get()
    if source is not None:
        return next(source)
    mean = ops.mean(features, (1, 2), keepdims=True)
    found = mean, ops.mean(ops.square(features - mean), (1, 2), keepdims=True)
    notes = _noted.get()
    if notes is not None:
        notes.append(found)
    return found


@contextlib.contextmanager
def noted() -> Iterator[list[Moments]]:
    """Yields a list that a network called meanwhile fills: the moments of its norms, in their order."""
    notes: list[Moments] = []
    token = _noted.set(notes)
    try:
        yield notes
    finally:
        _noted.reset(token)


@contextlib.contextmanager
def given(found: Sequence[Moments]) -> Iterator[None]:
    """A network called meanwhile, once, normalises with these, in the order of its norms."""
    token = _given.set(iter(found))
    try:
        yield
    finally:
        _given.reset(token)
