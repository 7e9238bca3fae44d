"""What ended a piece of work, in one line whoever raised it: the project, a user's code or the machine."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

from gridarium.environment.errors import GridariumError
from gridarium.environment.user_code import last_step

_PLACE = "raised_in"
"""Attribute of an error that has lost its traceback: where it was raised."""
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class ExitError(GridariumError):
    """Code that was to run called `sys.exit`, or ended itself in another way that is no error."""


class ForeignError(GridariumError):
    """Stands for an error of somebody's code that cannot cross a process itself."""


def in_one_line(error: BaseException) -> str:
    """Return one line that says what ended the work; of anything but the project's own errors also where.

    >>> in_one_line(GridariumError("agent dso: no forecast")), in_one_line(MemoryError())
    ('agent dso: no forecast', 'MemoryError: out of memory')
    """
    if isinstance(error, GridariumError):
        return str(error)
    return f"{type(error).__name__}: {reason_of(error)}"


def reason_of(error: BaseException) -> str:
    """Return what an error says, never nothing; of anything but the project's own errors also where."""
    said = str(error).strip() if not isinstance(error, SystemExit) else f"sys.exit({error.code!r}) was called"
    said = said or ("out of memory" if isinstance(error, MemoryError) else "no message")
    place = "" if isinstance(error, GridariumError) else place_of(error)
    return f"{said} ({place})" if place else said


def place_of(error: BaseException) -> str:
    """Return file, line and function in which an error was raised: the last that is of no library.

    Empty where nobody knows any more.
    """
    if kept := getattr(error, _PLACE, ""):
        return str(kept)
    step = last_step(error, lambda frame: not frame.f_code.co_filename.startswith((*_LIBRARIES, "<")))
    if step is None:
        return ""
    code = step[0].f_code
    return f"{Path(code.co_filename).name}, line {step[1]}, in {code.co_name}"


def settled(error: BaseException) -> Exception:
    """Return an error that can be kept and cross a process: without frames, which hold a whole world.

    What its traceback said is a note; whoever ended the process by it is an `ExitError`.
    """
    place = place_of(error)
    text = "".join(traceback.format_exception(error))
    kept = error if isinstance(error, Exception) else ExitError(reason_of(error))
    if kept.__traceback__ is not None or kept is not error:
        kept.add_note(f"Raised at:\n{text}")
    setattr(kept, _PLACE, place)
    kept.__cause__ = kept.__context__ = None
    return kept.with_traceback(None)
