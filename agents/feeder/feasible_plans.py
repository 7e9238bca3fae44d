"""The loads that a consumer could keep to, whether or not they are its best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons


class FeasiblePlans:
    """Feasible loads of one consumer, MW, each of shape (n_period,); the material of bounded choices.

    What the battery takes of a load is remembered with it, for a load alone does not tell. Only what
    `note` has seen is known, so the consumer must have solved its problem once.

    - `note`: the load of a solution
    - `cheapest`: a vertex of what is feasible; under random prices a random one
    - `nearest`: the projection of any load
    - `between`: a mixture of two

    Parameters
    ----------
    world : Commons
    owner : str
        The consumer, named in errors.
    problem : callable
        Returns its compiled problem.
    load_of, battery_of : callable
        Load of a solution, and what the battery takes of it; of None: the base load.
    """

    def __init__(
        self,
        world: Commons,
        owner: str,
        problem: Callable[[], LocalProblem],
        load_of: Callable[[Solution | None], Array],
        battery_of: Callable[[Solution | None], Array],
    ) -> None:
        self._world, self._owner, self._problem = world, owner, problem
        self._load_of, self._battery_of = load_of, battery_of
        self._last: Solution | None = None
        self._idle = np.zeros_like(self.base_mw)
        self._known = {self.base_mw.tobytes(): self._idle}

    @property
    def base_mw(self) -> Array:
        """The load without any shift, and with an idle battery."""
        return self._load_of(None)

    def note(self, solution: Solution | None) -> Array:
        """Load of a solution of the consumer's own problem; None where there is no load to shift."""
        self._last = solution
        return self._remember(solution)

    def battery_mw(self, load_mw: Array) -> Array:
        """What the battery takes of a load; of a load from elsewhere, what it takes of the last one noted."""
        if not self._has_battery:
            return self._idle
        known = self._known.get(load_mw.tobytes())
        return self._battery_of(self._last) if known is None else known

    def cheapest(self, price: Array) -> Array:
        """The load with the lowest bill under positive prices, comfort aside; always a vertex."""
        if self._last is None:
            return self.base_mw
        form, signals = self._last.form, self._last.signals
        # Keyed by identity as the bound of suboptimality is: forms live as long as the process.
        solver = self._world.shared(("vertices", id(form)), lambda: HighsSolver(form.without_cost()))
        cost = np.zeros_like(form.cost)
        for name, sign in (("shift", 1.0), ("charge", 1.0), ("discharge", -1.0)):
            if name in form.decisions:
                block = form.decisions[name]
                cost[block.start : block.stop] = sign * price
        x = solver.solve(form.at(signals)._replace(cost=cost))
        return self._remember(Solution(form, x, signals))

    def nearest(self, load_mw: Array) -> Array:
        """The feasible load nearest to any load; a battery goes on serving the last tariff noted."""
        return self._project(self._consumed_mw(load_mw))

    def between(self, first_mw: Array, second_mw: Array, weight: float) -> Array:
        """The mixture with a weight in [0, 1] on the second; a battery goes on serving the last tariff noted.

        The feasible set is convex, but a battery that charges in one plan and discharges in the other
        cannot do both, so that with one only what is consumed is mixed.
        """
        if not self._has_battery:
            return np.asarray((1.0 - weight) * first_mw + weight * second_mw)
        first, second = self._consumed_mw(first_mw), self._consumed_mw(second_mw)
        return self._project((1.0 - weight) * first + weight * second)

    @property
    def _has_battery(self) -> bool:
        return self._last is not None and "charge" in self._last.form.decisions

    def _consumed_mw(self, load_mw: Array) -> Array:
        return load_mw - self.battery_mw(load_mw)

    def _project(self, consumed_mw: Array) -> Array:
        """The load that consumes as nearly so as can be.

        Notes
        -----
        The consumer's problem is a projection of the shift it wants, so it projects any other one too.
        """
        if self._last is None:
            return self.base_mw
        signals = {
            name: self._last.signals[block.start : block.stop].reshape(block.shape)
            for name, block in self._last.form.signals.items()
        }
        signals["wanted_shift"] = (consumed_mw - self.base_mw) / float(np.max(self.base_mw))
        return self._remember(self._problem().solve(self._owner, **signals))

    def _remember(self, solution: Solution | None) -> Array:
        load = self._load_of(solution)
        if self._has_battery:
            self._known[load.tobytes()] = self._battery_of(solution)
        return load
