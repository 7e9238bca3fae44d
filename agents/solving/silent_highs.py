"""HiGHS objects that keep quiet from the start and run whoever else in the process uses HiGHS."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import highspy

_STDOUT = 1
_GREETING = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A process forked in between would be born with stdout redirected and the lock held by nobody.
    os.register_at_fork(
        before=_GREETING.acquire, after_in_parent=_GREETING.release, after_in_child=_GREETING.release
    )


def new_highs() -> highspy.Highs:
    """A HiGHS object that prints nothing; every one in this process is to come from here.

    Notes
    -----
    From release 1.16 on, HiGHS names itself on stdout when the first object of a process is made, before
    ``output_flag`` can be set. The first one is made with stdout redirected, below Python's ``sys.stdout``.
    """
    with _GREETING:
        _greet()
    highs = _Highs()
    highs.setOptionValue("output_flag", False)
    return highs


class _Highs(highspy.Highs):
    """Takes the threads over that another library's HiGHS has set up, where it may not have as many.

    Of all objects of a thread the first run decides how many threads HiGHS has there; every object that is
    told another number, as ours are for the sake of workers, then refuses to run.
    """

    def run(self) -> highspy.HighsStatus:
        """Solve the model."""
        status: highspy.HighsStatus = super().run()
        if status == highspy.HighsStatus.kError:
            # Older releases know only the other name.
            is_new = hasattr(self, "resetThreadScheduler")
            (self.resetThreadScheduler if is_new else self.resetGlobalScheduler)(True)
            status = super().run()
        return status


@cache
def _greet() -> None:
    """Let HiGHS say, once and to nobody, what it says in a process."""
    with _stdout_to_nobody():
        highspy.Highs()


@contextmanager
def _stdout_to_nobody() -> Iterator[None]:
    """Redirect the file descriptor of stdout, which C libraries write to, to the null device."""
    _flush_c_streams()
    try:
        kept = os.dup(_STDOUT)
    except OSError:
        # Closed: there is nobody to disturb.
        yield
        return
    nobody = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nobody, _STDOUT)
        yield
    finally:
        _flush_c_streams()
        os.dup2(kept, _STDOUT)
        os.close(nobody)
        os.close(kept)


def _flush_c_streams() -> None:
    """Write out what C libraries still hold in their buffers, where this process shares its C library."""
    try:
        ctypes.CDLL(None).fflush(None)
    except (OSError, TypeError, AttributeError):
        # Elsewhere, as on Windows, a library's C streams cannot be reached; HiGHS flushes its own.
        return
