"""Rarer searches for garbage while a run holds millions of live objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLD = (100_000, 50, 100)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Search for reference cycles rarely, and not among what exists already.

    Messages and events are freed as soon as nobody holds them; cycles hardly arise. Python would still
    search all that is alive again and again, which costs more the larger the world is.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
