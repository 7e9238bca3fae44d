"""Consumers that do not pick the best plan: quantal choice, satisficing, habit, loss aversion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gridarium.agents.bounded.common import Bounded
from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError
from gridarium.environment.parameters import count, flag, number
from gridarium.market.messages.tariffs import TariffSignal

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Chooser, Decider

_STREAM = "behaviour/choice"
_BISECTIONS = 40


def planner(agent: Decider) -> Chooser:
    """The agent as one that has plans to choose among.

    Raises
    ------
    GridariumError
        If it has none.
    """
    if not hasattr(agent, "plans"):
        raise GridariumError(f"agent {agent.name}: its behaviour is for those who have load plans")
    return cast("Chooser", agent)


def bill_money(consumer: Chooser, load_mw: Array, price_per_mwh: Array) -> float:
    """What a load costs, money per day."""
    return float(price_per_mwh @ load_mw) * consumer.horizon.step_h


def logit_probabilities(value: Array, temperature: float) -> Array:
    """Probabilities of logit choice; value and temperature (above 0) in the same unit.

    Notes
    -----
    ``p_k = exp(v_k / T) / sum_j exp(v_j / T)`` [1]_.

    References
    ----------
    .. [1] D. McFadden, Conditional logit analysis of qualitative choice behavior, 1974, in P. Zarembka
       (ed.), Frontiers in Econometrics
    """
    weight = np.exp((value - np.max(value)) / temperature)
    return np.asarray(weight / weight.sum())


@dataclass(frozen=True, eq=False)
class Menu(Bounded):
    """The plans that a consumer thinks of: the best, the last one, the usual load, and some others.

    Parameters
    ----------
    vertices : int
        Plans that are cheapest under random prices; drawn once.
    perturbations : int
        Plans near the best, displaced in a random direction and made feasible again; the directions
        are drawn once.
    spread_share : float
        Standard deviation of the displacement, as a share of the peak load.
    """

    vertices: int = count(4, 0, 100)
    perturbations: int = count(2, 0, 100)
    spread_share: float = number(0.05, 0, 1)
    corners: list[Array] = field(default_factory=list, init=False, repr=False)
    directions: list[Array] = field(default_factory=list, init=False, repr=False)

    def begin_day(self, agent: Decider, day: int) -> None:
        """Think of other corners: those of another day may not be feasible."""
        self.corners.clear()

    def candidates(self, agent: Decider, best_mw: Array) -> dict[int, Array]:
        """Feasible plans that differ, each by the number of its kind; 0 is the best one."""
        consumer = planner(agent)
        plans = [
            best_mw,
            consumer.plans.base_mw,
            *self._corners(consumer),
            *self._neighbours(consumer, best_mw),
            consumer.plan_mw,
        ]
        first = {load.tobytes(): kind for kind, load in reversed(list(enumerate(plans)))}
        return {kind: plans[kind] for kind in sorted(first.values())}

    def _corners(self, consumer: Chooser) -> Sequence[Array]:
        if len(self.corners) < self.vertices:
            self.corners.extend(random_vertices(consumer, self.vertices))
        return self.corners

    def _neighbours(self, consumer: Chooser, best_mw: Array) -> Sequence[Array]:
        if len(self.directions) < self.perturbations:
            stream = consumer.stream(f"{_STREAM}/perturbations")
            self.directions.extend(stream.standard_normal((self.perturbations, len(best_mw))))
        reach_mw = self.spread_share * float(np.max(consumer.plans.base_mw))
        return [consumer.plans.nearest(best_mw + reach_mw * each) for each in self.directions]


def random_vertices(consumer: Chooser, count: int) -> list[Array]:
    """Corners of the feasible set, cheapest under prices drawn from (0, 1]."""
    prices = 1.0 - consumer.stream(f"{_STREAM}/vertices").random((count, len(consumer.plans.base_mw)))
    return [consumer.plans.cheapest(price) for price in prices]


@dataclass(frozen=True, eq=False)
class QuantalChoice(Menu):
    """Prefers better plans, but not surely: logit choice among candidates; exact at a temperature of 0.

    Parameters
    ----------
    temperature_share : float
        Money that is too little to decide reliably, as a share of the bill of the best plan.
    redraw : bool
        Whether tastes are drawn anew for each signal instead of once a day. Either way every choice has
        logit probabilities; but with fickle tastes a negotiation hardly ever converges.

    Notes
    -----
    Logit is the choice of the highest ``v_k + T g_k`` with a taste ``g_k`` from the standard Gumbel
    distribution [1]_; such choices that meet in a market form a quantal response equilibrium [2]_.

    References
    ----------
    .. [1] D. McFadden, Conditional logit analysis of qualitative choice behavior, 1974
    .. [2] R. McKelvey and T. Palfrey, Quantal response equilibria, 1995, doi:10.1006/game.1995.1023
    """

    departs_by = ("temperature_share",)
    temperature_share: float = number(0.0, 0, 100)
    redraw: bool = flag()
    tastes: list[Array] = field(default_factory=list, init=False, repr=False)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The candidate of the highest value, taste included."""
        if self.temperature_share == 0.0:
            return plan
        consumer, tastes = planner(agent), self._tastes(agent)
        menu = self.candidates(agent, plan)
        temperature = self.temperature_share * abs(bill_money(consumer, plan, signal.price_per_mwh))
        return max(
            menu.items(),
            key=lambda item: consumer.value_money(item[1], signal) + temperature * tastes[item[0]],
        )[1]

    def _tastes(self, agent: Decider) -> Array:
        """A taste for each kind of plan, whether or not it is on the menu now."""
        if self.redraw or not self.tastes:
            kinds = 3 + self.vertices + self.perturbations
            self.tastes[:] = [agent.stream(f"{_STREAM}/tastes").gumbel(size=kinds)]
        return self.tastes[0]


@dataclass(frozen=True, eq=False)
class Satisficing(Menu):
    """Takes the first plan that is good enough [1]_; exact at an aspiration of 1.

    The last plan is looked at first, then the others in a random order; if none will do, it thinks
    hard and finds the best one.

    Parameters
    ----------
    aspiration_share : float
        What is good enough: a share of what the best plan gains over the usual load.

    References
    ----------
    .. [1] H. A. Simon, A behavioral model of rational choice, 1955, doi:10.2307/1884852
    """

    departs_by = ("aspiration_share",)
    aspiration_share: float = number(1.0, 0, 1)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The first plan that reaches the aspiration."""
        if self.aspiration_share == 1.0:
            return plan
        consumer = planner(agent)
        idle, best = (consumer.value_money(load, signal) for load in (consumer.plans.base_mw, plan))
        aspiration = idle + self.aspiration_share * (best - idle)
        menu = list(self.candidates(agent, plan).values())
        order = agent.stream(f"{_STREAM}/search").permutation(len(menu))
        searched = [consumer.plan_mw, *(menu[place] for place in order)]
        return next((load for load in searched if consumer.value_money(load, signal) >= aspiration), plan)


@dataclass(frozen=True, eq=False)
class Habit(Bounded):
    """Sticks to what it did before [1]_; exact where all parameters are 0.

    Parameters
    ----------
    last_weight : float
        Weight of the plan told last. It slows the negotiation and leaves its outcome where it is.
    usual_weight : float
        Weight of the usual load.
    inertia_share : float
        Gain over the last plan, as a share of its bill, that is not worth a change.

    References
    ----------
    .. [1] W. Samuelson and R. Zeckhauser, Status quo bias in decision making, 1988, doi:10.1007/BF00055564
    """

    departs_by = ("last_weight", "usual_weight", "inertia_share")
    last_weight: float = number(0.0, 0, 1)
    usual_weight: float = number(0.0, 0, 1)
    inertia_share: float = number(0.0, 0, 100)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The last plan, or the new one drawn towards the last and the usual one."""
        consumer = planner(agent)
        last = consumer.plan_mw
        if self.inertia_share > 0.0:
            gain = consumer.value_money(plan, signal) - consumer.value_money(last, signal)
            if gain <= self.inertia_share * abs(bill_money(consumer, last, signal.price_per_mwh)):
                return last
        for weight, old in ((self.last_weight, last), (self.usual_weight, consumer.plans.base_mw)):
            if weight > 0.0:
                plan = consumer.plans.between(plan, old, weight)
        return plan


@dataclass(frozen=True, eq=False)
class LossAversion(Bounded):
    """Minds a bill above the last one more than money; exact at an aversion of 1.

    Parameters
    ----------
    aversion : float
        Weight of what is paid beyond the reference; 2.25 was measured [1]_.
    against_usual : bool
        Whether the reference stays the bill of the usual load under the usual tariff. Otherwise it is the
        bill of the plan told last; before the first plan both are the same.

    Notes
    -----
    Maximises ``U(P) - B(P) - (aversion - 1) max(0, B(P) - B_ref)``. By its optimality condition that is the
    best response to m times the price: m = 1 if the bill stays below the reference, m = aversion if it
    exceeds it even so, and otherwise the m between at which the two are equal, found by bisection.

    References
    ----------
    .. [1] A. Tversky and D. Kahneman, Advances in prospect theory, 1992, doi:10.1007/BF00122574
    """

    departs_by = ("aversion",)
    aversion: float = number(1.0, 1, 100)
    against_usual: bool = flag()
    last_bill_money: list[float] = field(default_factory=list, init=False, repr=False)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The plan that weighs losses more than gains."""
        if self.aversion == 1.0:
            return plan
        consumer, price = planner(agent), signal.price_per_mwh
        if not self.last_bill_money:
            usual = bill_money(consumer, consumer.plans.base_mw, signal.reference_price_per_mwh)
            self.last_bill_money.append(usual)
        chosen = plan
        if bill_money(consumer, plan, price) > self.last_bill_money[0]:
            chosen = self._against_loss(consumer, signal, self.last_bill_money[0])
        if not self.against_usual:
            self.last_bill_money[0] = bill_money(consumer, chosen, price)
        return chosen

    def _against_loss(self, consumer: Chooser, signal: TariffSignal, reference_money: float) -> Array:
        """The best response to the least multiple of the price whose bill is no loss, or to the largest."""
        price = signal.price_per_mwh

        def response(multiple: float) -> Array:
            return consumer.best_response(replace(signal, price_per_mwh=multiple * price))

        low, high = 1.0, self.aversion
        plan = response(high)
        if bill_money(consumer, plan, price) > reference_money:
            return plan
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            tried = response(middle)
            if bill_money(consumer, tried, price) > reference_money:
                low = middle
            else:
                high, plan = middle, tried
        return plan
