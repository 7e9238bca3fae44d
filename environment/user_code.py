"""Who is to blame where code from outside gridarium raises: what it raised, in which file and line."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from types import FrameType

_MOST_SHOWN = 300


def is_own(module: str) -> bool:
    """Tell whether a module, by its dotted name, is one of gridarium's."""
    return module.partition(".")[0] == "gridarium"


def error_and_line(error: BaseException, module: str = "") -> str:
    """Say what was raised and where: `KeyError: 'weather' (mine.py, line 7)`.

    Parameters
    ----------
    error : BaseException
    module : str
        Whose line is told where it is among those that led there; the last one otherwise.
    """
    if isinstance(error, SyntaxError) and error.filename is not None:
        place = f"{_shown(error.filename)}, line {error.lineno}"
        return f"{type(error).__name__}: {error.msg} ({place})"
    said = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    said = said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}..."
    step = last_step(error, lambda frame: frame.f_globals.get("__name__") == module)
    place = f"{_shown(step[0].f_code.co_filename)}, line {step[1]}" if step else ""
    return type(error).__name__ + (f": {said}" if said else "") + (f" ({place})" if place else "")


def last_step(error: BaseException, is_meant: Callable[[FrameType], bool]) -> tuple[FrameType, int] | None:
    """Return the last frame of a kind that led to an error, or the last one at all, and its line.

    None where the error has no traceback.
    """
    steps = list(traceback.walk_tb(error.__traceback__))
    meant = [step for step in steps if is_meant(step[0])] or steps
    return meant[-1] if meant else None


def _shown(file: str) -> str:
    """Return the path of a file, relative where it is below the current folder."""
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return file if relative.startswith("..") else relative
