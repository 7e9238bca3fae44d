"""Operators that do not react to each deviation: dead band, hysteresis, noisy measurement."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gridarium.agents.bounded.common import Bounded
from gridarium.environment.parameters import number

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Decider

_STREAM = "behaviour/trigger"


@dataclass(frozen=True, eq=False)
class DeadBand(Bounded):
    """Lets a deviation pass that the rules would have answered; exact at a width of 0.

    Parameters
    ----------
    width_mw : float
        Largest deviation, up or down, that is left alone.
    """

    roles = frozenset({"operator"})
    departs_by = ("width_mw",)
    width_mw: float = number(0.0, 0, 1e5)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """Whether to solve again: only outside the band."""
        return plan and abs(signal.mw) > self.width_mw


@dataclass(frozen=True, eq=False)
class Hysteresis(Bounded):
    """Begins to react late and goes on longer than it needed to begin; exact where both limits are 0.

    Parameters
    ----------
    begins_mw : float
        Deviation above which it begins to react.
    ends_mw : float
        Deviation below which it rests again; counts as `begins_mw` where it is larger.
    """

    roles = frozenset({"operator"})
    departs_by = ("begins_mw",)
    begins_mw: float = number(0.0, 0, 1e5)
    ends_mw: float = number(0.0, 0, 1e5)
    awake: list[int] = field(default_factory=list, init=False, repr=False)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """Whether to solve again: the limit depends on whether it did so last time."""
        limit = min(self.ends_mw, self.begins_mw) if self.awake else self.begins_mw
        reacts = bool(plan and abs(signal.mw) > limit)
        self.awake[:] = [signal.period] if reacts else []
        return reacts


@dataclass(frozen=True, eq=False)
class NoisyMeasurement(Bounded):
    """Misreads the deviation by a bias and a normal error; exact where both are 0.

    Parameters
    ----------
    scale_mw, bias_mw : float
        Standard deviation and mean of the error, drawn anew each quarter.
    """

    roles = frozenset({"operator"})
    departs_by = ("scale_mw", "bias_mw")
    scale_mw: float = number(0.0, 0, 1e5)
    bias_mw: float = number(0.0, -1e5, 1e5)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """The deviation as read."""
        error = float(agent.stream(f"{_STREAM}/measurement").standard_normal())
        return replace(signal, mw=signal.mw + self.bias_mw + self.scale_mw * error)
