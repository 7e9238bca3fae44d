"""A day of a DSO: what it was told, what it has planned, and what it has agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.accounts import DayAccounts, DayAhead
from gridarium.agents.feeder.commitment import Review
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.curtailment import CurtailmentDues
from gridarium.agents.feeder.day_outlook import DayOutlook
from gridarium.agents.feeder.dispatch import Commitment, Dispatch, Openings
from gridarium.agents.feeder.hedging import Hedge
from gridarium.agents.feeder.own_storages import OwnStorages
from gridarium.agents.feeder.price_setting import PriceSetter
from gridarium.agents.feeder.tap_search import TapReview
from gridarium.agents.following import refuse_head_terms
from gridarium.agents.told_loads import told_mw
from gridarium.environment.arrays import Array, Index
from gridarium.environment.horizon import Horizon
from gridarium.environment.uncertainty import ScenarioSet
from gridarium.market.messages.forecasts import OwnSchedule
from gridarium.market.messages.tariffs import CarbonTerms, LoadPlan, MarketConditions, TariffSignal
from gridarium.market.stackelberg import Judgement, NegotiationRules, Round


@dataclass(frozen=True)
class PriceJudgement(Judgement):
    """What a DSO makes of the answers to a price; its distance is one between prices, money/MWh.

    Parameters
    ----------
    load_change_mw : float
        Largest change of the feeder's load since the round before.
    cut_rounds : int
        Rounds that its cone solver took.
    profit_money : float
        What it would earn with these answers; nan where they were not dispatched.
    """

    load_change_mw: float
    cut_rounds: int
    profit_money: float


class DsoDay:
    """The state of one day; series in steps of the day.

    - `base_mw`, `available_mw`, `baselines`, `carbon`: what was told at the start
    - `served_mw`: what those of them are to draw who hear no tariff, and keep to it
    - `scenarios`, `deviation_share`: what may come of the forecasts of plants, and of loads, where told
    - `hedge`: how storages were planned for that, and what for; None where the forecast alone counts
    - `initial_mwh`, `baseline_mw`: what storages will hold at first, and what they would draw by themselves
    - `terms`, `conditions`: what the supplier asks
    - `outlook`: what follows from base loads and terms before any round
    - `curtailment`: what followers are to get for drawing less than `base_mw`
    - `own`, `openings`: storages that their owners schedule; which others take part where a pool decides that
    - `loads_mw`, `loads_mvar`: what followers have answered last
    - `owners_mw`: what owners who schedule their storages themselves have answered last
    - `redispatched_mw`: what their storages are to draw instead, where that breaks a limit of the grid; None
      where it breaks none
    - `commitment`: which units run, and which ways the head works; None where everything does
    - `review`, `revisions`, `forced`: the commitment against the best one when it was looked at last; how
      often it was changed after a negotiation, and within one because loads could not be supplied
    - `looks`: how often it was looked at within exchange rounds, nearer to the target each time
    - `tap_before`, `tap`, `tap_review`: where the tap changer stands at first, the positions that are held,
      and these against the best ones when they were looked at last; None without one
    - `rounds`, `signal`, `plan`: the negotiation, and what came of it
    - `revised`, `in_force`: the dispatch with a rest of the day that was planned anew, if it was; what holds
    - `accounts`: the settlement, once the plan is final

    Parameters
    ----------
    number : int
        From 0.
    horizon : Horizon
    rules : NegotiationRules
        With the gate of this day.
    setter : PriceSetter
        How the leader gets from answers to its next price.
    """

    def __init__(self, number: int, horizon: Horizon, rules: NegotiationRules, setter: PriceSetter) -> None:
        self.number, self.horizon, self.rules, self.setter = number, horizon, rules, setter
        self.base_mw: Mapping[str, Array] = {}
        self.served_mw: Mapping[str, Array] = {}
        self.available_mw: Mapping[str, Array] = {}
        self.scenarios: Mapping[str, ScenarioSet] = {}
        self.deviation_share: Mapping[str, float] = {}
        self.hedge: Hedge | None = None
        self.baselines: Mapping[str, OwnSchedule] = {}
        self.carbon: CarbonTerms
        self.terms: TariffSignal
        self.conditions: MarketConditions
        self.outlook: DayOutlook
        self.curtailment = CurtailmentDues()
        self.own = OwnStorages()
        self.openings: Openings | None = None
        self.loads_mw: dict[str, Array] = {}
        self.loads_mvar: dict[str, Array] = {}
        self.owners_mw: dict[str, Array] = {}
        self.redispatched_mw: Array | None = None
        self.commitment: Commitment | None = None
        self.review: Review
        self.revisions = self.forced = self.looks = 0
        self.tap_before = 0
        self.tap: Index | None = None
        self.tap_review: TapReview | None = None
        self.rounds: list[Round[PriceJudgement]] = []
        self.signal: TariffSignal
        self.plan: DayAhead
        self.revised: Dispatch | None = None
        self.accounts: DayAccounts
        self.committed = False

    @property
    def is_known(self) -> bool:
        """Whether forecasts have been gathered."""
        return bool(self.base_mw)

    @property
    def in_force(self) -> Dispatch:
        """The dispatch that units follow."""
        return self.plan.dispatch if self.revised is None else self.revised

    @property
    def initial_mwh(self) -> Mapping[str, float]:
        """What is in each storage of the dispatch as the day begins, MWh; in a closed one, too."""
        told, closed = self.baselines.items(), self.openings is not None
        return {name: own.e_mwh for name, own in told if closed or name not in self.owners_mw}

    @property
    def own_initial_mwh(self) -> Array:
        """What is in each storage that its owner schedules as the day begins, MWh, shape (n_storage,)."""
        return np.array([self.baselines[name].e_mwh for name in self.owners_mw])

    def owners_shares(self, n_bus: int) -> dict[str, Array]:
        """How what the storages of owners draw spreads over the buses, shape (n_bus,) each."""
        own = zip(self.owners_mw, self.own.sites, strict=True)
        return {name: np.eye(1, n_bus, bus).ravel() for name, (_, bus) in own}

    def drawn_by_own_mw(self, n_bus: int) -> Array:
        """What storages draw at the buses by schedules of their owners, MW, shape (n_bus, n_step)."""
        return self.own.at_buses(self.own_mw, n_bus)

    @property
    def wanted_mw(self) -> Array:
        """What storages draw as their owners want, MW, shape (n_storage, n_step); negative where fed in."""
        return np.array(list(self.owners_mw.values())).reshape(-1, self.horizon.n_step)

    @property
    def own_mw(self) -> Array:
        """What storages that their owners schedule will draw, MW, shape (n_storage, n_step)."""
        return self.wanted_mw if self.redispatched_mw is None else self.redispatched_mw

    @property
    def baseline_mw(self) -> Mapping[str, Array]:
        """What each storage would draw by itself at the plain tariff, MW; negative where it feeds back."""
        return {name: own.net_mw for name, own in self.baselines.items()}

    @property
    def traded_price_per_mwh(self) -> Array:
        """At which owners of storages trade: as posted; a price by bus is one for users, and not for them."""
        posted = self.signal.price_per_mwh
        return posted if posted.ndim == 1 else self.signal.reference_price_per_mwh

    def owed_money(self, own: OwnStorages) -> dict[str, float]:
        """What owners of storages are to get for being commanded, money by name: what they lose by it."""
        commanded, price = self.baselines.items(), self.traded_price_per_mwh
        lost = own.lost_money(price, self.wanted_mw, self.own_mw, self.horizon.step_h).tolist()
        return {name: told.earnings_money for name, told in commanded} | dict(
            zip(self.owners_mw, lost, strict=True)
        )

    @property
    def unmanaged_charge_mw(self) -> Array:
        """What all storages that are commanded would charge by themselves at the plain tariff, MW."""
        nothing = np.zeros(self.horizon.n_step)
        told = self.baselines.items()
        charges = (own.charge_mw for name, own in told if name not in self.owners_mw)
        return np.asarray(sum(charges, nothing))

    @property
    def total_mw(self) -> Array:
        """Load of all followers as last heard, MW."""
        return np.asarray(sum(self.loads_mw.values()))

    def take_terms(self, terms: TariffSignal, contract: DsoContract, replicas: int, operator: str) -> None:
        """Take what the supplier asks, and plan with the part of one of several equal grids.

        Raises
        ------
        MessageError
            If it asks more than prices of a leader that foresees answers, whose model knows prices alone.
        """
        if self.setter.foresees:
            refuse_head_terms(operator, terms, "whose leader foresees answers")
        self.terms = terms
        self.conditions = contract.conditions(terms, self.carbon, self.horizon, replicas)

    def hear(self, replies: Mapping[str, LoadPlan]) -> None:
        """Take the loads that followers have planned; who stayed silent is taken to keep to the last one."""
        for name, plan in replies.items():
            if name in self.owners_mw:
                self._hear_owner(name, told_mw(self.horizon, name, plan.load_mw))
                continue
            self.loads_mw[name] = told_mw(self.horizon, name, plan.load_mw)
            if plan.load_mvar is not None:
                self.loads_mvar[name] = told_mw(self.horizon, name, plan.load_mvar)

    def _hear_owner(self, name: str, net_mw: Array) -> None:
        """Take an owner's schedule; a changed one is to be held against the limits of the grid anew."""
        if not np.array_equal(net_mw, self.owners_mw[name]):
            self.redispatched_mw = None
        self.owners_mw[name] = net_mw
