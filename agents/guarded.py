"""Behaviours as agents ask them: what a hook raises is told with agent and day, what it returns checked.

This is the one place where that is done; the exact behaviour needs none of it and is asked directly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from gridarium.agents.behaviour import Behaviour, Composed, Decider
from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError, InputError, UserCodeError
from gridarium.environment.user_code import error_and_line, is_own
from gridarium.market.messages.leasing import Accept, Counter

_ANSWERS = (Accept, Counter)
"""What an offer may be answered by."""


def guarded(behaviour: Behaviour) -> Behaviour:
    """A behaviour whose hooks are looked after, each of a composed one by itself; the exact one stays."""
    if type(behaviour) is Behaviour or isinstance(behaviour, Guarded):
        return behaviour
    if type(behaviour) is Composed:
        return Composed([guarded(one) for one in behaviour.behaviours])
    return Guarded(behaviour)


def own_answer(agent: Decider, day: int, given: Any, meant: Array) -> Array:
    """The answer that an agent has worked out: of a class from elsewhere it is checked as a choice is.

    Parameters
    ----------
    agent : Decider
    day : int
    given : ndarray
    meant : ndarray
        Finite numbers of the shape that it has to have.

    Raises
    ------
    UserCodeError
        If it is of another shape, or not finite.
    """
    kind = type(agent)
    if is_own(kind.__module__):
        return given  # type: ignore[no-any-return]
    source = f"best_response of agent {kind.__module__}:{kind.__qualname__}"
    return _Checker(agent, source, day).numbers("plan", given, meant)


class Guarded(Behaviour):
    """A behaviour that raises nothing but errors of gridarium, and gives back what agents can go on with.

    Errors of gridarium pass as they are, but for those of an input: what a hook raises is none. A wish to end
    the process is an error like others; only ctrl-C passes.

    Parameters
    ----------
    inner : Behaviour

    Raises
    ------
    UserCodeError
        From each hook: if the behaviour raises something, or gives back something of another type or shape
        than it was given, or numbers that are not finite. Names agent, day or period, and behaviour.
    """

    def __init__(self, inner: Behaviour) -> None:
        self.inner = inner
        self._day: int | None = None

    def begin_day(self, agent: Decider, day: int) -> None:
        """Let it get ready."""
        self._day = day
        self._ask(agent, "begin_day", f"day {day}", day)

    def foresee(self, agent: Decider, forecast_mw: Array) -> Array:
        """Its forecast: finite numbers in the shape of the agent's own."""
        day = getattr(getattr(agent, "handling", None), "day", None)
        given = self._ask(agent, "foresee", "" if day is None else f"day {day}", forecast_mw)
        return self._checker(agent, "foresee", day).numbers("forecast", given, forecast_mw)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """Its signal: of the same kind, with finite numbers in the same shapes."""
        given = self._ask(agent, "perceive", self._when(agent, signal), signal)
        if given is not signal:
            self._checker(agent, "perceive", self._day_of(signal)).like("signal", given, signal)
        return given

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """Its choice: of the same kind as the best one, with finite numbers in the same shape."""
        given = self._ask(agent, "choose", self._when(agent, signal), signal, plan)
        checker = self._checker(agent, "choose", self._day_of(signal))
        if isinstance(plan, np.ndarray):
            return checker.numbers("plan", given, plan)
        if given is not plan and plan is not None:
            checker.like("plan", given, plan)
        return given

    def act(self, agent: Decider, period: int, planned: float) -> float:
        """Its action: a finite number."""
        given = self._ask(agent, "act", f"period {period}", period, planned)
        is_number = isinstance(given, Real) or (isinstance(given, np.ndarray) and given.ndim == 0)
        if not is_number or isinstance(given, bool) or not math.isfinite(float(given)):
            error = self._checker(agent, "act", None)
            raise error.refusal(f"period {period}", "power", "must be a finite number, MW", given)
        return float(given)

    def _ask(self, agent: Decider, hook: str, when: str, *args: Any) -> Any:
        try:
            return getattr(self.inner, hook)(agent, *args)
        except InputError as error:
            raise self._raised(agent, hook, when, error) from error
        except GridariumError:
            raise
        except (Exception, SystemExit) as error:
            raise self._raised(agent, hook, when, error) from error

    def _raised(self, agent: Decider, hook: str, when: str, error: BaseException) -> UserCodeError:
        what = f"behaviour {self._name} raised {error_and_line(error, type(self.inner).__module__)} in {hook}"
        return UserCodeError(f"{_who(agent, when)}: {what}")

    def _checker(self, agent: Decider, hook: str, day: int | None) -> _Checker:
        return _Checker(agent, f"{hook} of behaviour {self._name}", day)

    @property
    def _name(self) -> str:
        return f"{type(self.inner).__module__}:{type(self.inner).__qualname__}"

    def _day_of(self, signal: Any) -> int | None:
        day = getattr(signal, "day", self._day)
        return day if isinstance(day, int) else self._day

    def _when(self, agent: Decider, signal: Any) -> str:
        """Of which period or day a signal is, as far as it or the agent can tell."""
        if (period := getattr(signal, "period", None)) is not None:
            return f"period {period}"
        if (day := self._day_of(signal)) is not None:
            return f"day {day}"
        running = getattr(getattr(agent, "world", None), "periods_done", None)
        return "" if running is None else f"period {running}"


class _Checker:
    """Holds what a hook gave back against what it was given.

    Parameters
    ----------
    agent : Decider
    source : str
        Hook and behaviour.
    day : int or None
        To which series belong.
    """

    def __init__(self, agent: Decider, source: str, day: int | None) -> None:
        self._agent, self._source, self._day = agent, source, day

    def numbers(self, name: str, given: Any, meant: Array) -> Array:
        """Return finite numbers in the shape of others, whatever kind of sequence they are."""
        when = "" if self._day is None else f"day {self._day}"
        allowed = f"must have shape {meant.shape}"
        if given is None:
            raise self.refusal(when, name, allowed, None)
        try:
            values = np.asarray(given)
            # Objects may hold numbers; a text or a complex number is none.
            casting: Literal["unsafe", "same_kind"] = "unsafe" if values.dtype == object else "same_kind"
            values = values.astype(np.float64, casting=casting, copy=False)
        except (TypeError, ValueError) as error:
            raise self.refusal(when, name, f"must be numbers of shape {meant.shape}", given) from error
        if values.shape != meant.shape:
            raise UserCodeError(self._message(when, name, allowed, str(values.shape)))
        if not np.isfinite(values).all() and np.isfinite(meant).all():
            place = tuple(int(axis) for axis in np.argwhere(~np.isfinite(values))[0])
            raise self.refusal(self._where(values.shape, place), name, "must be finite", float(values[place]))
        return values

    def like(self, name: str, given: Any, meant: Any) -> None:
        """See to it that something is of the kind of something else, all the numbers in it included."""
        kinds, shown = _kinds_of(meant)
        fits = isinstance(given, kinds) and (bool in kinds or not isinstance(given, bool))
        if not fits:
            raise self.refusal(self._of_day, name, f"must be {shown}", given)
        if isinstance(meant, Mapping) and given.keys() != meant.keys():
            allowed = f"must be of {', '.join(map(str, meant))}"
            raise self.refusal(self._of_day, name, allowed, sorted(map(str, given)))
        for part, value in _parts(meant):
            inner = given[part] if isinstance(given, Mapping) else getattr(given, part, None)
            if isinstance(value, np.ndarray):
                self.numbers(f"{name}.{part}", inner, value)
            elif isinstance(value, Real | Mapping):
                self.like(f"{name}.{part}", inner, value)
        if isinstance(meant, Real) and not math.isfinite(given) and math.isfinite(meant):
            raise self.refusal(self._of_day, name, "must be finite", given)

    def refusal(self, when: str, name: str, allowed: str, given: Any) -> UserCodeError:
        """The error of something that was given back."""
        shown = repr(given)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return UserCodeError(self._message(when, name, allowed, shown))

    def _message(self, when: str, name: str, allowed: str, shown: str) -> str:
        return f"{_who(self._agent, when)}: {name} {allowed}, got {shown}, from {self._source}"

    @property
    def _of_day(self) -> str:
        return "" if self._day is None else f"day {self._day}"

    def _where(self, shape: tuple[int, ...], place: tuple[int, ...]) -> str:
        """Settlement period of a value in a series of a day, or else its place in it."""
        horizon = getattr(self._agent, "horizon", None)
        if horizon is None or self._day is None or shape[-1] != horizon.n_step:
            value = f"value {', '.join(map(str, place))}"
            return f"{self._of_day}, {value}" if self._of_day else value
        return f"period {horizon.periods(self._day).start + horizon.per_step * place[-1]}"


def _who(agent: Decider, when: str) -> str:
    return f"agent {agent.name}" + (f", {when}" if when else "")


def _kinds_of(meant: Any) -> tuple[tuple[type, ...], str]:
    """What may stand for a value, and how that is said."""
    if isinstance(meant, bool | np.bool_):
        return (bool, np.bool_), "true or false"
    if isinstance(meant, Real):
        return (Real,), "a number"
    if isinstance(meant, Mapping):
        return (Mapping,), "a mapping"
    kinds = _ANSWERS if isinstance(meant, _ANSWERS) else (type(meant),)
    return kinds, " or ".join(kind.__name__ for kind in kinds)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    """What a message or a mapping is made of, by name."""
    if isinstance(value, Mapping):
        return value.items()
    if is_dataclass(value):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    return zip(value._fields, value, strict=True) if hasattr(value, "_fields") else ()
