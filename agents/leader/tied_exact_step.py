"""A step of a tied leader that knows the response as it is, with its kinks."""

from __future__ import annotations

import highspy
import numpy as np

from gridarium.agents.leader.convex_step_problem import Reach, SingleLevelPoint
from gridarium.agents.leader.tied_live_step import Directions, LiveTiedStep, TiedAnswer
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_step_problem import TiedAnchor, build_exact_step_model
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.agents.solving.highs_solver import integer_model, run_in_time
from gridarium.agents.solving.standard_form import StandardForm
from gridarium.environment.arrays import Array

NODE_LIMIT = 200

_ROOM = 1e-6
"""Room left beside the reach of multipliers, money/MWh, so that rounding cuts nothing off."""


class ExactTiedStep(LiveTiedStep):
    """Only price times load is a line at the price; binaries stand where a follower meets or leaves a limit.

    Parameters
    ----------
    problem : TiedProblem

    Notes
    -----
    Prices within a radius move a multiplier of energy neutrality by no more than it, and a margin by no more
    than twice as much (C12 to C16), so most binaries are fixed.
    """

    def __init__(self, problem: TiedProblem) -> None:
        super().__init__(problem, build_exact_step_model(problem), _integer_model)

    def within(self, plan: TiedPlan, radius: float, radius_mw: float | None = None) -> TiedAnswer | None:
        """The best step from a plan of prices within a radius, money/MWh; None where none was found.

        Parameters
        ----------
        plan : TiedPlan
        radius : float
        radius_mw : float, optional
            What units may move, and either way where they rest. Without it they may do anything, but power
            keeps its way.
        """
        self._reach(plan.price_per_mwh, radius)
        if radius_mw is None:
            self.direct(Directions.of(plan))
        else:
            self.keep_near(plan, radius_mw, Directions.open_at_rest(plan))
        run_in_time(self._highs, "leader")
        if self._highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return self._read(np.array(self._highs.getSolution().col_value))

    def _reach(self, price: Array, radius: float) -> None:
        """Bounds of prices, multipliers and shifts, and binaries that they decide."""
        led = self.problem.as_led()
        point = SingleLevelPoint.answering(led, price)
        reach, room = Reach.of(led, point, radius), radius + _ROOM
        self._bound("price", price - radius, price + radius)
        nu = point.neutral_price_per_mwh
        self._bound("neutral", nu - room, nu + room)
        self._bound("shift", reach.least_shift.ravel(), reach.most_shift.ravel())
        up = np.array([one.most_up_mw for one in led.followers])
        down = np.array([one.most_down_mw for one in led.followers])
        nothing = np.zeros(up.size)
        for name, most, always in (
            ("upper", reach.most_upper, reach.least_shift >= up),
            ("lower", reach.most_lower, reach.most_shift <= -down),
        ):
            self._bound(name, nothing, most.ravel())
            may = most > 0.0
            self._bound(f"at_{name}", (may & always).ravel().astype(float), may.ravel().astype(float))
        self._send_tie(TiedAnchor(price, self.problem.loads(price).sum(axis=0), np.zeros((0, 0))))


def _integer_model(form: StandardForm) -> highspy.Highs:
    return integer_model(form, form.at(np.zeros(0)), {"mip_rel_gap": 1e-9, "mip_max_nodes": NODE_LIMIT})
