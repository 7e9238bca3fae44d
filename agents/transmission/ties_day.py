"""A day of a TIES: what it was told, has planned and offered, and what came of the rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridarium.agents.told_loads import told_mw
from gridarium.agents.transmission.bulk_system import BulkPlan, BulkState
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.horizon import Horizon
from gridarium.market.carbon_policy import CarbonOffer, Standing
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from gridarium.market.stackelberg import Judgement, NegotiationRules, Round


@dataclass(frozen=True)
class CarbonJudgement(Judgement):
    """What a TIES makes of the answers to its prices; its distance is relative.

    Parameters
    ----------
    load_change, price_change : float
        Largest change of a follower's load since the round before, and largest distance of the prices posted
        from those that the answers call for, each relative to the largest value; in exchange rounds the
        primal residual, and the dual one or the distance of carbon prices.
    damping : float
        That the next step takes.
    emission_tco2, cost_money : float
        Of the dispatch for these answers; in exchange rounds for the next targets.
    """

    load_change: float
    price_change: float
    damping: float
    emission_tco2: float
    cost_money: float


@dataclass(frozen=True)
class UnitReview:
    """The commitment against the best one for the loads heard, money per day; nan where not looked at."""

    held_money: float = float("nan")
    best_money: float = float("nan")


@dataclass
class TiesDay:
    """The state of one day; series in steps of the day, loads of all copies of a follower.

    Parameters
    ----------
    number : int
        From 0.
    horizon : Horizon
    rules : NegotiationRules
        With the gate of this day.
    forced : int
        How often units were committed anew within a negotiation because loads could not be supplied.
    planned_mw, planned_mvar : dict of str to ndarray
        Loads that the plan was made for; renewed prices may move later ones.
    tried_money : ndarray, shape (n_commitment,)
        What each commitment that was tried has come to for everybody; inf where its loads were not supplied.
    supply_price_per_mwh : ndarray, optional
        Of exchange rounds: the price posted last with the own carbon that it leaves out.
    answered_mw : ndarray, optional, shape (n_follower, n_step)
        Loads as answered in the rounds, before the final signals.
    priced_by : Standing, optional
        By what carbon was priced last, at the end of a round.
    called_for : sequence of CarbonOffer
        The carbon factors and prices that it called for, by follower; what is posted goes there step by step.
    """

    number: int
    horizon: Horizon
    rules: NegotiationRules
    base_mw: dict[str, Array] = field(default_factory=dict)
    flexibility_mw: dict[str, float | None] = field(default_factory=dict)
    available_mw: dict[str, Array] = field(default_factory=dict)
    loads_mw: dict[str, Array] = field(default_factory=dict)
    loads_mvar: dict[str, Array] = field(default_factory=dict)
    unit_hours: Flags | None = None
    rounds: list[Round[CarbonJudgement]] = field(default_factory=list)
    signals: dict[str, TariffSignal] = field(default_factory=dict)
    negotiations: int = 0
    revisions: int = 0
    forced: int = 0
    level: float = 1.0
    review: UnitReview = UnitReview()
    cycle_size: float = float("nan")
    renewals: int = 0
    tried_money: Array = field(default_factory=lambda: np.zeros(0))
    state: BulkState = field(init=False)
    terms: TariffSignal = field(init=False)
    on: Flags = field(init=False)
    plan: BulkPlan = field(init=False)
    abatement_tco2: Array = field(init=False)
    alone_tco2: Array = field(init=False)
    interaction: float = float("nan")
    planned_mw: dict[str, Array] = field(default_factory=dict)
    planned_mvar: dict[str, Array] = field(default_factory=dict)
    loss_mw: Array | None = None
    supply_price_per_mwh: Array | None = None
    answered_mw: Array | None = None
    priced_by: Standing | None = None
    called_for: Sequence[CarbonOffer] = ()

    @property
    def is_known(self) -> bool:
        """Whether forecasts have been gathered."""
        return bool(self.base_mw)

    @property
    def followers(self) -> tuple[str, ...]:
        """Names, in the order of all arrays by follower."""
        return tuple(self.base_mw)

    @property
    def base(self) -> Array:
        """Base loads, MW, shape (n_follower, n_step)."""
        return np.array(list(self.base_mw.values()))

    @property
    def loads(self) -> Array:
        """Loads as last heard, MW, shape (n_follower, n_step)."""
        return np.array([self.loads_mw[name] for name in self.base_mw])

    @property
    def available(self) -> Array:
        """What renewable plants could deliver, MW, shape (n_renewable, n_step)."""
        rows = list(self.available_mw.values())
        return np.array(rows).reshape(len(rows), self.horizon.n_step)

    @property
    def lengths(self) -> list[int]:
        """Rounds of each negotiation of the day."""
        ends = [place + 1 for place, one in enumerate(self.rounds) if one.ended]
        return np.diff(ends, prepend=0).tolist()

    @property
    def emission_tco2(self) -> float:
        """Of the plan, over the day, imports included."""
        return float(self.plan.emission_t_per_h.sum()) * self.horizon.step_h

    @property
    def own_tco2(self) -> float:
        """Of its units by the plan, over the day."""
        return float(self.plan.own_t_per_h.sum()) * self.horizon.step_h

    @property
    def personal_tco2(self) -> Array:
        """Carbon that each follower is told to answer for, by its plan, shape (n_follower,)."""
        factors = np.array([self.signals[name].factor_tco2_per_mwh for name in self.base_mw])
        return np.asarray((factors * self.loads).sum(axis=1) * self.horizon.step_h)

    def adopt(self, plan: BulkPlan) -> None:
        """Go by a dispatch of the loads last heard over the network, and by its losses."""
        self.plan, self.loss_mw = plan, plan.loss_mw
        self.planned_mw, self.planned_mvar = dict(self.loads_mw), dict(self.loads_mvar)

    def hear(self, replies: Mapping[str, LoadPlan]) -> None:
        """Take the loads that followers have planned; who stayed silent is taken to keep to the last one."""
        for name, plan in replies.items():
            self.loads_mw[name] = told_mw(self.horizon, name, plan.load_mw)
            if plan.load_mvar is not None:
                self.loads_mvar[name] = told_mw(self.horizon, name, plan.load_mvar)
