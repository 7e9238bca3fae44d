"""The exchange rounds of a TIES: a price with a target, a dispatch that decides on the targets, its dual."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.correspondence import Correspondence
from gridarium.agents.transmission.exchange_dispatch import ExchangeStep
from gridarium.agents.transmission.ties_day import CarbonJudgement, TiesDay
from gridarium.agents.transmission.ties_negotiation import Before, Posted, Pricing, TiesNegotiation
from gridarium.agents.transmission.ties_planner import TiesPlanner
from gridarium.environment.arrays import Array, Flags, series
from gridarium.environment.errors import SolveError
from gridarium.market.active_set import ActiveRule, ActiveSet
from gridarium.market.admm import ExchangeAdmm
from gridarium.market.admm_rounds import (
    DEFAULT_PENALTY,
    Answered,
    PenaltyShares,
    Residuals,
    default_penalty_per_mw2h,
    flexibility_shares,
)
from gridarium.market.admm_rounds import Posted as Targets
from gridarium.market.admm_variants import MEMORY, RELAXATION, VariantName, make_variant
from gridarium.market.messages.tariffs import LoadPlan, Pull, TariffSignal

_REFRESH = 0.1
"""Share of the distance from rest at which losses were seen last; nearer than that they are seen again."""


@dataclass(frozen=True)
class ExchangeRules:
    """How exchange rounds go.

    Parameters
    ----------
    variant : str
        Way from round to round.
    penalty : float
        R at first: the norm of the price over that of the load, times this; above 0.
    shares : {"flexibility", "equal"}
        How R is parted: rho of a follower goes by the inverse of its flexibility, or of its load if one tells
        none; or is the same for every single grid.
    damping : float
        Share of the way to the carbon factors and green shares of the last dispatch that a round takes.
    relaxation, memory
        Of the variants that have them.
    active : {"all", "random", "priority", "round-robin"}
        Whom a round asks.
    active_share : float
        Of the followers that are asked, unless all are.
    round_s : float, optional
        How long a round waits for answers once one has come; late ones count when they come. None waits for
        all.
    commitments : int
        Most that are tried, each until its loads are at rest; 1 holds the first one, which is then reviewed.
    """

    variant: VariantName = "anderson"
    penalty: float = DEFAULT_PENALTY
    shares: PenaltyShares = "flexibility"
    damping: float = 1.0
    relaxation: float = RELAXATION
    memory: int = MEMORY
    active: ActiveRule = "all"
    active_share: float = 0.5
    round_s: float | None = None
    commitments: int = 1


class ExchangeNegotiation(TiesNegotiation):
    """Rounds of ADMM: the TIES coordinates, its followers solve the subproblems.

    Each round posts one price of energy and, to each follower, a target and the weight of its distance. The
    dispatch for the loads heard decides on the next targets under the same weights; what a further MWh then
    costs is the next price.

    Parameters
    ----------
    leader, today, planner, pricing, before
        As of any negotiation.
    rules : ExchangeRules
    replicas : mapping of str to int
        How many equal grids stand behind a follower, where there is more than one.

    Raises
    ------
    ScenarioError
        If energy costs nothing at base load, or a follower expects to take nothing all day.

    Notes
    -----
    D.1.5, W.11: follower r of w_r replicas minimises ``cost(l) + y l + rho_r / 2 (l - z_r)^2``; all replicas
    of one are a single one with the penalty ``rho_r / w_r``. The price posted leaves out what the system's
    own carbon costs at the factor told, where that carbon is charged for apart (W.1).
    """

    goes_on = True

    def __init__(
        self,
        leader: GridAgent,
        today: TiesDay,
        planner: TiesPlanner,
        pricing: Pricing,
        before: Before,
        rules: ExchangeRules,
        replicas: Mapping[str, int],
    ) -> None:
        super().__init__(leader, today, planner, pricing, before)
        self._rules = rules
        self._replicas = np.array([float(replicas.get(name, 1)) for name in today.followers])
        self._active = ActiveSet(rules.active, rules.active_share, leader.stream("active set"))
        if rules.round_s is not None:
            self.listening = Correspondence(leader, today.rules, rules.round_s)
        self._admm: ExchangeAdmm | None = None
        self._step: ExchangeStep
        self._answered: Answered
        self._asked: Answered
        self._has_answered: Flags = np.zeros(len(self._replicas), dtype=bool)
        self._losses_seen_at = math.inf
        self._residuals = Residuals(math.inf, math.inf, 1.0, 1.0)
        self._is_supplied = True
        self._factor = self._green = np.zeros(0)
        self._own_money: dict[str, float | None] = {}
        self._units: Flags
        self._level: float
        self._credit_per_mwh: Array = np.zeros(today.horizon.n_step)

    # What it posts.

    def first(self, round_: int) -> Mapping[str, TariffSignal]:
        """The price of supply at the loads known so far, which are the first targets; or the next ones."""
        today = self._today
        if self._admm is not None and today.on is self._units and today.level == self._level:
            return self.revise(round_)
        self._begin()
        if self._admm is None:
            self._planner.dispatch(today)
            price = self._at_base()
            self._penalty = self._penalties(price)
        else:
            self._see_losses(math.inf)
            # What rounds have learned goes on under other units, or at another level of carbon prices.
            price, self._penalty = self._admm.posted.price_per_mwh, self._admm.posted.penalty_per_mw2h
        self._units, self._level = today.on, today.level
        start = Targets(price, today.loads, self._penalty)
        variant = make_variant(self._rules.variant, self._rules.relaxation, self._rules.memory)
        self._admm = ExchangeAdmm(self._supply, start, variant)
        self._admm.begin()
        self._answered = self._asked = Answered.of(start, today.loads)
        self._has_answered = np.zeros(len(today.followers), dtype=bool)
        self._call_for()
        self._scale = self._wanted
        return self._exchange(round_, self._wanted, np.ones(len(today.followers), dtype=bool))

    @property
    def last_step(self) -> ExchangeStep:
        """What it has made of the last answers."""
        return self._step

    @property
    def _running(self) -> ExchangeAdmm:
        assert self._admm is not None, "no round was posted yet"
        return self._admm

    def _at_base(self) -> Array:
        """What a further MWh costs at the base loads, which the units are committed for."""
        today, planner = self._today, self._planner
        forecast = planner.heard(today)
        return planner.merit_order.solve(planner.owner, forecast, today.on, today.state).price_per_mwh

    def _penalties(self, price_per_mwh: Array) -> Array:
        """rho / w of each follower."""
        sizes = self._replicas if self._rules.shares == "equal" else self._flexibility()
        load_mw = self._today.base.sum(axis=0)
        usual = default_penalty_per_mw2h(price_per_mwh, load_mw, flexibility_shares(sizes))
        return self._rules.penalty / DEFAULT_PENALTY * usual

    def _flexibility(self) -> Array:
        """What each follower tells, or its mean load if one tells none, MW."""
        today = self._today
        told = [today.flexibility_mw[name] for name in today.followers]
        return np.abs(today.base).mean(axis=1) if None in told else np.array(told, dtype=float)

    def revise(self, round_: int) -> Mapping[str, TariffSignal]:
        """The price that the leader picks, knowing the one that answers call for, and the next targets."""
        self._round_of_game += 1
        return self._exchange(round_, self._chosen(round_, self._wanted), self._to_ask())

    def conclude(self) -> None:
        """Dispatch for the loads heard last, unless that is done."""
        if not self._is_supplied:
            self._planner.dispatch(self._today)

    def cost_to_all_money(self) -> float | None:
        """Supply with starts and stops, and what followers tell that their plans cost them."""
        today = self._today
        untold = [name for name in today.followers if self._own_money.get(name) is None]
        if untold:
            raise SolveError(f"agent {self._leader.name}: {untold} have not told what their plans cost them")
        if not self._is_supplied:
            self._is_supplied = self._planner.try_dispatch(today)
        if not self._is_supplied:
            return None
        own = sum(money for money in self._own_money.values() if money is not None)
        return today.plan.cost_money + self._planner.switching_money(today) + own

    def proposals(self) -> Iterator[Flags]:
        """For loads that would follow the commitment, then for loads as they are."""
        posted = self._running.posted
        pull = posted.supply_penalty_per_mw2h
        yield self._planner.commit_with_draw(self._today, posted.price_per_mwh, pull)
        better = self._planner.review(self._today)
        if better is not None:
            yield better

    def _to_ask(self) -> Flags:
        """Whom the next round asks, among those who owe no answer."""
        owing = self.listening.awaited if isinstance(self.listening, Correspondence) else frozenset()
        idle = np.array([name not in owing for name in self._today.followers])
        urgency = self._answered.urgency(self._running.posted)
        return self._active.choose(idle, np.where(self._has_answered, urgency, np.inf))

    def _exchange(self, round_: int, posted: Posted, to_ask: Flags) -> Mapping[str, TariffSignal]:
        """Post prices with the targets that the answers call for, to those who are asked."""
        self._credit_per_mwh = self._own_carbon()
        today, admm = self._today, self._running
        price = posted.energy_per_mwh + self._credit_per_mwh
        admm.posted = now = replace(admm.posted, price_per_mwh=price)
        self._pulls = {
            name: Pull(series(target), float(penalty * copies))
            for name, target, penalty, copies in zip(
                today.followers, now.target_mw, now.penalty_per_mw2h, self._replicas, strict=True
            )
        }
        today.supply_price_per_mwh = price
        news = Answered.of(now, today.loads)
        self._asked = self._asked.with_new(news, to_ask)
        signals = self._post(round_, posted)
        return {name: signals[name] for name, asked in zip(today.followers, to_ask, strict=True) if asked}

    # What it makes of the answers.

    def judge(
        self, round_: int, answers: Mapping[str, LoadPlan], silent: frozenset[str], closing: bool
    ) -> CarbonJudgement:
        """Decide on the next targets and price; at rest, and on the way there, see what the network loses."""
        today = self._today
        self._hear(round_, answers)
        self._own_money |= {name: plan.own_money for name, plan in answers.items()}
        self._share()
        self._is_supplied = False
        heard = np.array([name in answers for name in today.followers])
        self._has_answered = self._has_answered | heard
        new = self._asked._replace(loads_mw=today.loads)
        self._answered = self._answered.with_new(new, heard)._replace(loads_mw=today.loads)
        if heard.any():
            self._residuals = self._running.hear_some(self._answered, heard)
        self._call_for()
        moved = _moved(self._posted, self._wanted) / self._rules.damping
        distance = max(self._residuals.largest, moved)
        if distance <= max(today.rules.tolerance, _REFRESH * self._losses_seen_at):
            distance = max(distance, self._see_losses(distance))
        # Rest is that of loads which the network has supplied.
        if not self._is_supplied:
            distance = max(distance, 2.0 * today.rules.tolerance)
        unheard = len(silent) + int((~self._has_answered).sum())
        found, step = self._residuals, self._step
        return CarbonJudgement(
            distance,
            unheard,
            False,
            found.primal,
            max(found.dual, moved),
            1.0,
            step.emission_tco2,
            step.cost_money,
        )

    def _see_losses(self, distance: float) -> float:
        """Dispatch over the network for the loads heard; by how much its losses are others than those known.

        Relative to the load; without a flow that supplies the loads, nothing is seen, and losses stay.
        """
        today = self._today
        before = today.loss_mw
        self._is_supplied, self._losses_seen_at = self._planner.try_dispatch(today), distance
        if not self._is_supplied or before is None or today.loss_mw is None:
            return 0.0
        return float(np.linalg.norm(today.loss_mw - before) / np.linalg.norm(today.loads.sum(axis=0)))

    def _supply(self, heard_mw: Array, price_per_mwh: Array, pull_per_mw2h: float) -> Array:
        """The supplier's step of ADMM, kept for what else it tells."""
        self._step = self._planner.exchange(self._today, heard_mw, price_per_mwh, pull_per_mw2h)
        return self._step.price_per_mwh

    def _own_carbon(self) -> Array:
        """What of the price of supply is the system's own carbon, where that is charged for apart."""
        if self._pricing.energy == "marginal-with-carbon":
            return np.zeros_like(self._factor)
        return np.asarray(self._step.carbon_per_tco2 * self._factor)

    def _call_for(self) -> None:
        """Decide on the signals that answers call for; factors and shares go a part of the way to them."""
        step, share = self._step, self._rules.damping
        if self._factor.size:
            self._factor = self._factor + share * (step.factor_tco2_per_mwh - self._factor)
            self._green = self._green + share * (step.green_share - self._green)
        else:
            self._factor, self._green = step.factor_tco2_per_mwh, step.green_share
        energy = self._running.posted.price_per_mwh - self._own_carbon()
        self._wanted = self._priced(energy, self._factor, self._green)


def _moved(posted: Posted, wanted: Posted) -> float:
    """Largest distance of carbon factors and prices posted from those called for, relative to the largest."""
    return max(
        float(np.abs(new - old).max() / max(float(np.abs(new).max()), 1e-9))
        for old, new in zip(posted.kinds[1:], wanted.kinds[1:], strict=True)
    )
