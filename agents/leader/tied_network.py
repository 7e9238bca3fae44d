"""From one bus to the network: a climb on power flows, until price, units, pools and network agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from gridarium.agents.leader.tied_exact_step import ExactTiedStep
from gridarium.agents.leader.tied_live_step import Directions, TiedAnswer
from gridarium.agents.leader.tied_polish import POLISH_RADII_PER_MWH
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import ACCEPTED, TRUSTED, TiedOptions, TiedOutcome, TiedSequence
from gridarium.agents.leader.tied_step import TiedStep
from gridarium.agents.leader.tied_supply import BarrierPlace, NetworkTangent, TiedPlan
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError

SETTLE_ROUNDS, SETTLED = 4, 1e-5
"""Times that climbing and holding alternate, and the gain, relative to gross sales, that ends it."""

HOLD_ROUNDS = 12
"""Times that the network is tried out while storages are held."""

HOLD_LOSS_MW = 1e-6
"""Change of the losses of a period, and distance of a unit from its set point, that end the holding."""

MW_PER_PRICE = 0.03
"""What units may move where prices move by a money/MWh, MW."""

CORRECTED = 0.1
"""What a price may be corrected by after a step, relative to the radius."""

STILL = 3e-3
"""Promised gain that counts as none, relative to what all would pay more if prices rose by the radius."""

LEAST_RADIUS_PER_MWH = 0.004
"""Radius of prices at which a climb on the network ends, money/MWh."""

FLOW_ROUNDS = 4
"""Times that losses are taken anew while units other than storages make up for them."""


@dataclass(frozen=True)
class NetworkState:
    """What the network makes of a plan.

    Parameters
    ----------
    plan : TiedPlan
        With what units do and what passes the head as the network carries it.
    losses : NetworkTangent
        Of each period, at this plan.
    barriers : mapping of BarrierPlace to NetworkTangent
        Limits that are near.
    missed_mw : float
        Largest distance of a unit from its set point.
    is_kept : bool
        Whether the limits of the network are kept.
    """

    plan: TiedPlan
    losses: NetworkTangent
    barriers: Mapping[BarrierPlace, NetworkTangent] = field(default_factory=dict)
    missed_mw: float = 0.0
    is_kept: bool = True


class Network(Protocol):
    """Carries plans."""

    def carry(self, plan: TiedPlan, loads_mw: Array) -> NetworkState | None:
        """What becomes of a plan for loads of shape (n_follower, n_period); None without supply.

        Units leave their set points where these would break a limit.
        """

    def flow(self, plan: TiedPlan, loads_mw: Array) -> NetworkState | None:
        """The power flow of a plan as it is, with reactive power as it was carried last; None without one."""


@dataclass(frozen=True)
class SettledPlan:
    """A price whose tie holds on the network.

    Parameters
    ----------
    problem : TiedProblem
        With losses and barriers at the plan.
    outcome : TiedOutcome
        Its plan is as the network carries it.
    """

    problem: TiedProblem
    outcome: TiedOutcome


def settle_on_network(
    problem: TiedProblem, outcome: TiedOutcome, network: Network, options: TiedOptions | None = None
) -> SettledPlan:
    """Bring an outcome of one bus, or of older losses, to the network.

    Parameters
    ----------
    problem : TiedProblem
    outcome : TiedOutcome
        Where a search has ended.
    network : Network
    options : TiedOptions, optional

    Raises
    ------
    InfeasibleError
        If the loads cannot be supplied, or no price goes with what the network carries.

    Notes
    -----
    Storages are held, and prices, loads, pools and other units give way until the network carries just what
    is planned; then everything moves, on the power flows of what is tried. Both are done again as long as
    that pays.
    """
    try:
        best = hold_on_network(problem, outcome, network, options)
    except InfeasibleError:
        # With storages as they are no price may go with the network, though with others one does.
        best = None
    here = best or SettledPlan(problem, outcome)
    for _ in range(SETTLE_ROUNDS):
        climb = NetworkClimb(here.problem, network, options or TiedOptions())
        climbed = climb.from_plan(here.outcome.plan)
        here = hold_on_network(climb.problem, climbed, network, options)
        gained = np.inf if best is None else here.outcome.profit_money - best.outcome.profit_money
        if best is None or gained > 0.0:
            best = here
        if gained <= SETTLED * problem.sales():
            break
    assert best is not None
    return best


def hold_on_network(
    problem: TiedProblem, outcome: TiedOutcome, network: Network, options: TiedOptions | None = None
) -> SettledPlan:
    """Hold storages as the network carries them, and let all else give way until nothing moves any more.

    Raises
    ------
    InfeasibleError
        If the loads cannot be supplied, or no price goes with what the network carries.
    """
    for _ in range(HOLD_ROUNDS):
        state = _carried(problem, outcome.plan, network)
        moved, problem = _seen(problem, state)
        held = TiedSequence(problem, options, held=state.plan).climb(outcome.plan.price_per_mwh)
        if held is None or not np.isfinite(held.profit_money):
            raise InfeasibleError("leader: no price goes with what the network carries")
        outcome = held
        if moved <= HOLD_LOSS_MW and state.missed_mw <= HOLD_LOSS_MW:
            break
    return SettledPlan(problem, outcome)


def value_on_network(
    problem: TiedProblem, plan: TiedPlan, loads_mw: Array, network: Network
) -> TiedAnswer | None:
    """A plan for loads as heard, under its price and with its storages; None without supply.

    Parameters
    ----------
    problem : TiedProblem
    plan : TiedPlan
    loads_mw : ndarray, shape (n_follower, n_period)
    network : Network
    """
    state = network.carry(plan, loads_mw)
    if state is None:
        return None
    sequence = TiedSequence(_seen(problem, state)[1], held=state.plan)
    return sequence.value(plan.price_per_mwh, load_mw=loads_mw.sum(axis=0))


class NetworkClimb:
    """Steps of price and units within a trust region, each valued on its own power flow.

    Parameters
    ----------
    problem : TiedProblem
    network : Network
    options : TiedOptions

    - `problem`: with losses and limits as the network had them at the plan it has come to

    Notes
    -----
    Losses bend, so a step on their tangents alone would send storages from one end to the other; within a
    radius it cannot, and the radius falls where tangents promise what the power flow does not give.
    """

    def __init__(self, problem: TiedProblem, network: Network, options: TiedOptions) -> None:
        self.problem, self._network, self._options = problem, network, options
        self._step: TiedStep
        self._exact: ExactTiedStep

    def from_plan(self, plan: TiedPlan) -> TiedOutcome:
        """Climb from a plan until no step promises anything.

        Raises
        ------
        InfeasibleError
            If the loads cannot be supplied.
        """
        state = _carried(self.problem, plan, self._network)
        self.problem = _seen(self.problem, state)[1]
        self._step, self._exact = TiedStep(self.problem), ExactTiedStep(self.problem)
        here = self._valued(state.plan) or _Valued(TiedAnswer(state.plan, -np.inf, np.inf), state)
        here, taken = self._climb(here, self._options.radius_per_mwh, self._hoped)
        here, more = self._climb(here, POLISH_RADII_PER_MWH[0], self._exactly)
        self.problem = self._with(here.state)
        answer = here.answer
        return TiedOutcome(answer.plan, self.problem.profit(answer.plan), 0.0, 0.0, taken + more)

    def _climb(self, here: _Valued, radius: float, hope: _Hope) -> tuple[_Valued, int]:
        options, taken = self._options, 0
        rate = STILL * float(self.problem.base_mw.sum()) * self.problem.period_h
        while taken < options.step_limit and radius >= LEAST_RADIUS_PER_MWH:
            hoped = hope(here, radius)
            taken += 1
            promised = -np.inf if hoped is None else hoped.merit_money - here.answer.merit_money
            if hoped is None or promised <= rate * radius:
                radius /= 3.0
                continue
            there = self._valued(hoped.plan, CORRECTED * radius)
            gained = -np.inf if there is None else there.answer.merit_money - here.answer.merit_money
            if there is not None and gained >= ACCEPTED * promised:
                here = there
                if gained >= TRUSTED * promised:
                    radius = min(2.0 * radius, options.most_radius_per_mwh)
            else:
                radius /= 3.0
        return here, taken

    def _hoped(self, here: _Valued, radius: float) -> TiedAnswer | None:
        """The best step on the lines at a plan, with power going one way in every storage and at the head."""
        plan, step = here.answer.plan, self._step
        step.see(here.state.losses, here.state.barriers)
        step.anchor_at(plan.price_per_mwh)
        step.keep_near(plan, MW_PER_PRICE * radius)
        hoped = step.within(radius)
        if hoped is None:
            return None
        step.keep_near(plan, MW_PER_PRICE * radius, Directions.of(hoped.plan))
        return step.within(radius)

    def _exactly(self, here: _Valued, radius: float) -> TiedAnswer | None:
        """The same with the answers as they are, kinks included."""
        self._exact.see(here.state.losses, here.state.barriers)
        return self._exact.within(here.answer.plan, radius, MW_PER_PRICE * radius)

    def _valued(self, plan: TiedPlan, correction: float = 0.0) -> _Valued | None:
        """What a plan is worth with storages as in it; None where the network does not carry it.

        A step on lines misses the tie by its square, which would outweigh what it gains; prices are corrected
        for that within a radius of their own.
        """
        best = None
        for _ in range(FLOW_ROUNDS):
            state = self._network.flow(plan, self.problem.loads(plan.price_per_mwh))
            if state is None or not state.is_kept:
                break
            self._step.see(state.losses, state.barriers)
            self._step.hold(plan)
            answer = self._step.at(plan.price_per_mwh)
            if answer is None:
                break
            if best is None or answer.merit_money > best.answer.merit_money:
                best = _Valued(answer, state)
            following = answer
            if correction > 0.0 and answer.untied_money > 0.0:
                following = self._step.within(correction) or answer
            moved = _apart(following.plan, plan)
            if moved <= HOLD_LOSS_MW:
                break
            plan = following.plan
        return best

    def _with(self, state: NetworkState) -> TiedProblem:
        supply = replace(self.problem.supply, losses=state.losses, barriers=state.barriers)
        return replace(self.problem, supply=supply)


@dataclass(frozen=True)
class _Valued:
    answer: TiedAnswer
    state: NetworkState


_Hope = Callable[[_Valued, float], TiedAnswer | None]


def _apart(one: TiedPlan, other: TiedPlan) -> float:
    """Largest distance of loads, turbines and renewables of two plans, MW."""
    return max(
        float(np.abs(one.load_mw - other.load_mw).max()),
        float(np.abs(one.turbine_mw - other.turbine_mw).max(initial=0.0)),
        float(np.abs(one.renewable_mw - other.renewable_mw).max(initial=0.0)),
    )


def _carried(problem: TiedProblem, plan: TiedPlan, network: Network) -> NetworkState:
    state = network.carry(plan, problem.loads(plan.price_per_mwh))
    if state is None:
        raise InfeasibleError("leader: the answers to its price cannot be supplied")
    return state


def _seen(problem: TiedProblem, state: NetworkState) -> tuple[float, TiedProblem]:
    """How far losses were from those of the problem, MW, and the problem with what has been seen."""
    missed = float(np.abs(problem.lost_mw(state.plan) - state.plan.surplus_mw).max())
    supply = replace(problem.supply, losses=state.losses, barriers=state.barriers)
    return missed, replace(problem, supply=supply)
