"""A day of a DSO: what it was told, what it has planned, and what it has agreed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.feeder.accounts import DayAccounts, DayAhead
from gridarium.agents.feeder.price_setting import PriceSetter
from gridarium.environment.arrays import Array
from gridarium.market.messages.tariffs import CarbonTerms, LoadPlan, MarketConditions, TariffSignal
from gridarium.market.stackelberg import Round


class DsoDay:
    """The state of one day; series in steps of the day.

    - `base_mw`, `available_mw`, `initial_mwh`, `carbon`: what was told at the start
    - `terms`, `conditions`: what the supplier asks
    - `loads_mw`, `loads_mvar`: what followers have answered last
    - `round`, `heard_round`: the running one, and the one of the loads that the leader goes by
    - `rounds`, `signal`, `plan`: the negotiation, and what came of it
    - `accounts`: the settlement, once the plan is final

    Parameters
    ----------
    number : int
        From 0.
    setter : PriceSetter
        How the leader gets from answers to its next price.
    """

    def __init__(self, number: int, setter: PriceSetter) -> None:
        self.number, self.setter = number, setter
        self.base_mw: Mapping[str, Array] = {}
        self.available_mw: Mapping[str, Array] = {}
        self.initial_mwh: Mapping[str, float] = {}
        self.carbon: CarbonTerms
        self.terms: TariffSignal
        self.conditions: MarketConditions
        self.loads_mw: dict[str, Array] = {}
        self.loads_mvar: dict[str, Array] = {}
        self.rounds: list[Round] = []
        self.signal: TariffSignal
        self.plan: DayAhead
        self.accounts: DayAccounts
        self.round = self.heard_round = 0
        self.planned_last = False
        self.committed = False

    @property
    def is_known(self) -> bool:
        """Whether forecasts have been gathered."""
        return bool(self.base_mw)

    @property
    def total_mw(self) -> Array:
        """Load of all followers as last heard, MW."""
        return np.asarray(sum(self.loads_mw.values()))

    def hear(self, replies: Mapping[str, LoadPlan]) -> None:
        """Take the loads that followers have planned; who stayed silent is taken to keep to the last one."""
        for name, plan in replies.items():
            self.loads_mw[name] = plan.load_mw
            if plan.load_mvar is not None:
                self.loads_mvar[name] = plan.load_mvar
