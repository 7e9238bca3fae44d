"""Physical optima of problems with cones and switches: a relaxation where it is exact, else refined plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.solving.cone_solver import ConeOptions, ConeSolver
from gridarium.agents.solving.highs_solver import IntegerCompletion
from gridarium.agents.solving.physics import Physics
from gridarium.agents.solving.standard_form import Multipliers, Numbers, StandardForm
from gridarium.agents.solving.switches import Switches
from gridarium.agents.solving.tight_cones import FINE, ROUGH, Accuracy, TightConeSolver, TightPoint
from gridarium.environment.arrays import Array
from gridarium.environment.errors import RelaxationError, SolveError, SolverLimitError, TimeLimitError

RELAXED_ROUNDS = 12
"""Quadratic programmes of a relaxation; one that takes more burns energy, and only its bound is of use."""
TRIES = 4
"""Other states of the switches that are tried in one solve at most."""
WORTH = 1e-4
"""Least gain for which the switches change, relative to the cost: what gains less only makes plans jump."""
_CLOSED = 1e-6
"""Most that a closed decision may differ from zero, in its own unit."""


class ExactPlanner:
    """The best physical point that it finds, and a lower bound of the cost of all.

    The relaxation is solved first. Where its cones hold with equality and its switches are whole, it is the
    optimum. Else a plan is refined from the last one, or from none: cones held to equality at a state of
    the switches, then at others as long as a rough look says that they pay, each proposed by the physics at
    the marginal values of the plan before. One that was worse is not tried again while plans stay near each
    other. The relaxation's optimum remains as bound, or that of its tangents as long as plans are refined.

    Parameters
    ----------
    form : StandardForm
        With a linear objective; its binaries are switches.
    physics : Physics
    """

    def __init__(self, form: StandardForm, physics: Physics) -> None:
        self.form, self.physics = form, physics
        self.relaxation = ConeSolver(form, ConeOptions(round_limit=RELAXED_ROUNDS))
        self.tight = TightConeSolver(form, physics)
        self.refinements, self.bound = 0, -np.inf
        self._switches = Switches(form)
        self._completion = IntegerCompletion(form)
        self._plan: TightPoint | None = None
        self._last: tuple[NDArray[np.bool_], TightPoint] | None = None
        self._worse: list[NDArray[np.bool_]] = []

    @property
    def rounds(self) -> int:
        """Quadratic programmes so far."""
        return self.relaxation.rounds + self.tight.rounds

    def solve(self, numbers: Numbers, signals: Array) -> Array:
        """Decisions at the given numbers; `bound` is then what any physical point costs at least.

        Raises
        ------
        InfeasibleError, UnboundedError, SolverLimitError
            Of the relaxation, whose tangents are asked last where no plan was found; the last one if neither
            it nor a cut of it could be solved.
        RelaxationError
            If the relaxation has an answer, but no physical point was found that keeps all limits.
        """
        self._plan, tightened = None, self.physics.tightened(numbers, signals)
        relaxed = None
        if self._last is None or not self._bound_only(tightened):
            relaxed = self._relax(tightened)
            if not self._is_physical(relaxed, numbers):
                # From a point far away the steps may end where currents are huge and as good as free.
                self.relaxation.forget()
                relaxed = self._relax(tightened)
            if relaxed is not None and self._is_physical(relaxed, numbers):
                x, fits = self._complete(relaxed, numbers)
                if fits:
                    self._last = None
                    return x
        self.refinements += 1
        self._plan = self._refined(relaxed, numbers, signals, tightened)
        if not (self._plan.cone_multiplier < 0.0).any():
            # More current would not pay anywhere: the relaxation may be exact again at the next numbers.
            self._last = None
        return self._plan.x

    def multipliers(self) -> Multipliers:
        """Of the last solve."""
        return self.relaxation.multipliers() if self._plan is None else self._plan.multipliers

    def _is_physical(self, relaxed: Array | None, numbers: Numbers) -> bool:
        """Whether the relaxation has an optimum whose cones hold with equality."""
        return relaxed is not None and not self.relaxation.loose(relaxed, numbers).any()

    def _bound_only(self, numbers: Numbers) -> bool:
        """Whether a bound was found without solving the relaxation again, whose plan is of no use."""
        try:
            self.relaxation.bound_at_last(numbers)
        except SolveError:
            return False
        self.bound = self.relaxation.bound
        return True

    def _relax(self, numbers: Numbers) -> Array | None:
        """The relaxation's optimum; None where only a bound of it is known."""
        try:
            relaxed = self.relaxation.solve_or_bound(numbers)
        except TimeLimitError:
            raise
        except SolverLimitError:
            if not np.isfinite(self.relaxation.bound):
                raise
            relaxed = None
        self.bound = self.relaxation.bound
        return relaxed

    def _complete(self, relaxed: Array, numbers: Numbers) -> tuple[Array, bool]:
        return self._completion.complete(relaxed, numbers) if len(self._switches) else (relaxed, True)

    def _refined(
        self, relaxed: Array | None, numbers: Numbers, signals: Array, tightened: Numbers
    ) -> TightPoint:
        """A refined plan; a relaxation that has not ended is asked again before none counts as found."""
        try:
            return self._refine(relaxed, numbers, signals)
        except RelaxationError:
            if relaxed is None:
                self.relaxation.refute(tightened)
            raise

    def _refine(self, relaxed: Array | None, numbers: Numbers, signals: Array) -> TightPoint:
        state, best = self._first(relaxed, numbers, signals)
        for _ in range(TRIES if len(self._switches) else 0):
            proposed = self.physics.better_switches(best.x, signals, numbers, best.multipliers)
            other_state = np.where(proposed < 0, state, proposed > 0)
            if any(np.array_equal(other_state, known) for known in (state, *self._worse)):
                break
            try:
                other = self._at(other_state, best, numbers, signals)
            except RelaxationError:
                self._worse.append(other_state)
                break
            gain = float(numbers.cost @ (best.x - other.x))
            if gain <= WORTH * (1.0 + abs(float(numbers.cost @ best.x))):
                self._worse.append(other_state)
                break
            self._worse, state, best = [state], other_state, other
        best = self._at(state, best, numbers, signals, FINE)
        self._last = state, best
        return best

    def _first(
        self, relaxed: Array | None, numbers: Numbers, signals: Array
    ) -> tuple[NDArray[np.bool_], TightPoint]:
        """A plan near the relaxation's or the last one, else one from none."""
        state = np.ones(len(self._switches), dtype=np.bool_)
        starts: list[tuple[NDArray[np.bool_], TightPoint]] = []
        if self._last is not None:
            state = self._last[0]
            starts.append(self._last)
            self._last = None
        if relaxed is not None:
            state = self._switches.of(relaxed, state)
            near = self.tight.from_relaxed(relaxed, self.relaxation.multipliers(), numbers, signals)
            if near is not None:
                starts.insert(0, (state, near))
        for known, point in starts:
            try:
                return known, self._at(known, point, numbers, signals)
            except RelaxationError:
                # A start is only a help; without one the search begins anew.
                continue
        self._worse = []
        return state, self._from_none(state, numbers, signals)

    def _from_none(self, state: NDArray[np.bool_], numbers: Numbers, signals: Array) -> TightPoint:
        """The plan at a state of the switches from a start that several tilts of the cost have led to."""
        priced = self._switches.priced(numbers, state)
        first = self.tight.start(priced, signals)
        ends = [first]
        for tilt in self.physics.tilts(numbers):
            tilted = priced._replace(cost=priced.cost + tilt)
            try:
                ends.append(self.tight.improve(first, tilted, signals, ROUGH))
            except RelaxationError:
                # The plain start remains.
                continue
        blend = self.physics.blended(tuple(end.x for end in ends), numbers)
        return self._at(state, replace(ends[-1], x=blend), numbers, signals)

    def _at(
        self,
        state: NDArray[np.bool_],
        point: TightPoint,
        numbers: Numbers,
        signals: Array,
        accuracy: Accuracy = ROUGH,
    ) -> TightPoint:
        """The plan at a state of the switches, from a point."""
        found = self.tight.improve(point, self._switches.priced(numbers, state), signals, accuracy)
        closed = self._switches.closed(state)
        if found.x[closed].max(initial=0.0) > _CLOSED:
            raise RelaxationError("what excludes each other is needed at once")
        x = found.x.copy()
        x[closed] = 0.0
        x[self._switches.integers] = state
        return TightPoint(x, found.cone_multiplier, found.limit_price, found.multipliers)
