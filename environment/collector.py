"""Rarer searches for garbage while a run holds millions of live objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLD = (100_000, 50, 100)


@contextmanager
def rare_collections(spare_existing: bool = False) -> Iterator[None]:
    """Search for reference cycles rarely.

    Messages and events are freed as soon as nobody holds them; cycles hardly arise. Python would still
    search all that is alive again and again, which costs more the larger the world is.

    Parameters
    ----------
    spare_existing : bool
        Whether to search once now and to leave out what exists already; worth it before a long run.
    """
    before = gc.get_threshold()
    if spare_existing:
        gc.collect()
        gc.freeze()
    gc.set_threshold(*_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if spare_existing:
            gc.unfreeze()
