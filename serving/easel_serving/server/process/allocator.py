"""Memory that is used again instead of being held twice."""

import contextlib
import ctypes
import os

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""


def bound_arenas() -> None:
    """Lets glibc divide memory among as many arenas as there are processors, instead of eight times as many.

    Each arena keeps up to 64 MB of what large batches once took, and TensorFlow's threads use all that there are: the
    server would go on growing for as long as another arena has not yet met a large batch. To be called before threads
    are started; does nothing where the C library has no such setting.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, os.cpu_count() or 1)
