"""Errors, named by what they mean; every message gives name, value, unit, range and place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class GridariumError(Exception):
    """Root of every error that gridarium raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input.

    Parameters
    ----------
    place : str
        Dotted path inside the file, or the file itself.
    value : object
        What was found there.
    allowed : str
        What would have been accepted, with unit and range.
    """

    place: str
    value: object
    allowed: str

    def __str__(self) -> str:
        shown = repr(self.value)
        if len(shown) > 80:
            # Of a path the end tells more than the beginning.
            shown = f"{shown[:25]}...{shown[-52:]}"
        return f"{self.place}: got {shown}; {self.allowed}"


class InputError(GridariumError):
    """Input that cannot be used; carries every fault that was found, not only the first."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        # Errors are rebuilt from their arguments when they cross a process.
        super().__init__(source, self.faults)

    def __str__(self) -> str:
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return "\n".join([f"{self.source}: {count}", *(f"  {fault}" for fault in self.faults)])


class ScenarioError(InputError):
    """A scenario or study file that cannot be run."""


class ProfileError(InputError):
    """A profile file with a wrong length, column or value."""


class NetworkError(InputError):
    """A network that is no radial feeder, or that lacks what was asked of it."""


class UserCodeError(GridariumError):
    """An agent, a behaviour or a rule from outside gridarium that raised something, or gave back nonsense."""


class MeterError(GridariumError):
    """A power that no meter can count."""


class PowerFlowError(GridariumError):
    """An AC power flow that found no solution."""


class MessageError(GridariumError):
    """A message that cannot be sent or understood."""


class UnheardError(MessageError):
    """Agents of which nothing has come before a gate closed; carries who waited, and for whom."""

    def __init__(self, waits: str, missing: str, silent: Iterable[str]) -> None:
        self.waits, self.missing, self.silent = waits, missing, tuple(sorted(silent))
        # Errors are rebuilt from their arguments when they cross a process.
        super().__init__(waits, missing, self.silent)

    def __str__(self) -> str:
        return f"agent {self.waits}: {self.missing} {', '.join(self.silent)} before the gate closed"


class SecurityError(InputError):
    """A certificate, session or authority that cannot be as it was asked for."""


class LedgerError(GridariumError):
    """A booking that would not balance, or a ledger that was altered."""


class StorageError(GridariumError):
    """A storage or attribute tank driven outside its limits."""


class UnitError(GridariumError):
    """A generating unit with impossible ratings."""


class SolveError(GridariumError):
    """A local optimisation that has no usable answer."""


class InfeasibleError(SolveError):
    """No decision satisfies all constraints."""


class UnboundedError(SolveError):
    """The objective improves without limit."""


class SolverLimitError(SolveError):
    """A solver stopped at its limit of iterations, nodes, rounds or time."""


class TimeLimitError(SolverLimitError):
    """A solver ran into its time limit, which is ample: the run has failed, no clock decides a result."""


class RelaxationError(SolveError):
    """A relaxation whose answer is not a physical one and could not be repaired."""
