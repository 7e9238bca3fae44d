"""Who is to blame where code that a scenario names raises outside the hooks of a behaviour."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gridarium.agents.base import GridAgent
from gridarium.environment.errors import GridariumError, UserCodeError
from gridarium.environment.user_code import error_and_line
from gridarium.experiments.checking.named_code import named_code
from gridarium.experiments.names.registry import entries
from gridarium.experiments.schema.scenario import Scenario


@contextmanager
def culprit_named(case: Scenario) -> Iterator[None]:
    """Turn what code from outside gridarium raises into an error that names it, its agent and the time.

    Errors of gridarium pass, and so does what its own code raises with nobody else's on the way.

    Parameters
    ----------
    case : Scenario
        Names the code: its packages, and those of the parts that are installed, are where a culprit may be.

    Raises
    ------
    UserCodeError
        If an agent, a rule or a part from outside raises something, or ends the process.
    """
    try:
        yield
    except GridariumError:
        raise
    except (Exception, SystemExit) as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        culprit = _culprit(frames, _packages(case))
        if culprit is None:
            raise
        module, name = culprit
        place = ", ".join(filter(None, (_agent(frames), _time(frames))))
        said = f"{module}:{name} raised {error_and_line(error, module)}"
        raise UserCodeError(f"{place}: {said}" if place else said) from error


def _packages(case: Scenario) -> set[str]:
    """Names of the packages that code from outside is in."""
    targets = [one.target for one in named_code(case)] + [one.target for one in entries("parts").values()]
    found = {target.partition(":")[0].partition(".")[0] for target in targets} - {"gridarium"}
    # Processes that are spawned know the script that started them by another name.
    return found | ({"__mp_main__"} if "__main__" in found else set())


def _culprit(frames: list[FrameType], packages: set[str]) -> tuple[str, str] | None:
    """Module and name of the last function from outside, or else of the class that gridarium's worked for."""
    for frame in reversed(frames):
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] in packages:
            return module, frame.f_code.co_qualname
    for frame in reversed(frames):
        kind = type(frame.f_locals.get("self"))
        if kind.__module__.partition(".")[0] in packages:
            return kind.__module__, f"{kind.__qualname__}.{frame.f_code.co_name}"
    return None


def _agent(frames: list[FrameType]) -> str:
    """The last agent that did something, if it was ready to."""
    agents = [one for one in (frame.f_locals.get("self") for frame in frames) if isinstance(one, GridAgent)]
    return f"agent {agents[-1].name}" if agents and hasattr(agents[-1], "name") else ""


def _time(frames: list[FrameType]) -> str:
    """The settlement period that was at work, or else the time of the simulated clock."""
    for frame in reversed(frames):
        agent, period = frame.f_locals.get("self"), frame.f_locals.get("period")
        if isinstance(agent, GridAgent) and hasattr(agent, "world"):
            now = f"at {agent.world.clock.timestamp:%Y-%m-%d %H:%M}"
            return f"period {period}" if isinstance(period, int) else now
    return ""
