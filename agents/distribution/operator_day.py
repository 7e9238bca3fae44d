"""A day of a distribution operator: what it was told, what plants have answered, what it has posted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridarium.agents.distribution.contract import OperatorContract
from gridarium.agents.distribution.supplied_terms import RegionPulls
from gridarium.environment.arrays import Array
from gridarium.environment.horizon import Horizon
from gridarium.environment.power_flow import PowerFlow
from gridarium.environment.storage import TOLERANCE
from gridarium.market.cleanness import cleanness_price_per_mwh
from gridarium.market.messages.cleanness import RegionPlans
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.stackelberg import Judgement, NegotiationRules, Round


@dataclass(frozen=True)
class CleannessJudgement(Judgement):
    """What an operator makes of the answers of a round.

    Parameters
    ----------
    load_change_mw : float
        Largest change of what a plant's storages draw in a region.
    refused : int
        Answers that could not be, and do not count.
    """

    load_change_mw: float = 0.0
    refused: int = 0


class RegionalOutlook(NamedTuple):
    """What is known of the days ahead before anybody plans; n_step steps of all of them.

    Parameters
    ----------
    load_mw, buy_price_per_mwh, sell_price_per_mwh : ndarray, shape (n_region, n_step)
    initial_price_per_mwh, initial_tco2_per_mwh : ndarray, shape (n_step,)
        c0 and e0: carbon price and potential before any green energy is discharged.
    green_share : ndarray, shape (n_step,)
        Of what the supplier supplies.
    """

    load_mw: Array
    buy_price_per_mwh: Array
    sell_price_per_mwh: Array
    initial_price_per_mwh: Array
    initial_tco2_per_mwh: Array
    green_share: Array


class OperatorDay:
    """The state of one day.

    - `outlook`, `terms`: what it was told; `load_mw` from before the supplier's signal on
    - `plans`: what counts of the answers, at first idle ones; `take`: let another one count
    - `green_mw`, `foreign_mw`, `called_for_per_mwh`: of all plants, of all but one, and what follows
    - `flow`: AC power flow of what counts of the answers; `pulls`: of plants in regions, in exchange rounds
    - `final_price_per_mwh`: nodal carbon prices as posted last, shape (n_region, n_step)

    Parameters
    ----------
    number : int
        From 0.
    contract : OperatorContract
    horizon : Horizon
    rules : NegotiationRules
        Of this day.
    load_mw : ndarray, shape (n_region, n_ahead)
        As expected on this and further days.
    carbon_price_per_tco2 : ndarray, shape (n_ahead,)
        Nan while a supplier's ladder has not told it.
    """

    outlook: RegionalOutlook
    terms: TariffSignal
    flow: PowerFlow
    final_price_per_mwh: Array

    def __init__(
        self,
        number: int,
        contract: OperatorContract,
        horizon: Horizon,
        rules: NegotiationRules,
        load_mw: Array,
        carbon_price_per_tco2: Array,
    ) -> None:
        self.number, self.rules = number, rules
        self._contract, self._horizon = contract, horizon
        self.load_mw, self.carbon_price_per_tco2 = load_mw, carbon_price_per_tco2
        idle = np.zeros_like(load_mw)
        self.plans = dict.fromkeys(contract.plants, RegionPlans(number, idle, idle, idle))
        self.pulls: RegionPulls = {}
        self.rounds: list[Round[CleannessJudgement]] = []
        self.committed = False

    def n_step(self, plant: str) -> int:
        """Steps that a plant is told of, and plans."""
        return self._contract.ahead(plant, self.number, self._horizon) * self._horizon.n_step

    @property
    def green_mw(self) -> Array:
        """Green discharge of all plants as answered, shape (n_region, n_ahead)."""
        return self.foreign_mw("")

    def foreign_mw(self, plant: str) -> Array:
        """Green discharge of all other plants, shape (n_region, n_ahead)."""
        others = [plans.green_discharge_mw for name, plans in self.plans.items() if name != plant]
        return np.asarray(np.sum([np.zeros_like(self.load_mw), *others], axis=0))

    @property
    def called_for_per_mwh(self) -> Array:
        """Nodal carbon prices that the answers call for (B2, B3), shape (n_region, n_ahead)."""
        initial = self.outlook.initial_price_per_mwh
        return cleanness_price_per_mwh(self._contract.pricing, initial, self.load_mw, self.green_mw)

    def drawn_mw(self, plant: str) -> Array:
        """What the storages of a plant draw in each region, as answered; negative where they discharge."""
        return self.plans[plant].charge_mw - self.plans[plant].discharge_mw

    def take(self, plant: str, answer: RegionPlans) -> str:
        """Let an answer count; why it cannot, if it cannot: then the one before goes on to count."""
        shape, fault = (len(self.load_mw), self.n_step(plant)), ""
        powers = [answer.charge_mw, answer.discharge_mw, answer.green_discharge_mw]
        if answer.day != self.number:
            return f"day must be {self.number}, got {answer.day}"
        if any(np.shape(power) != shape for power in powers):
            return f"powers must be of shape {shape}, got {[np.shape(power) for power in powers]}"
        others = self.foreign_mw(plant)[:, : shape[1]]
        _, discharge, green = powers
        if not all((np.isfinite(power) & (power >= -TOLERANCE)).all() for power in powers):
            fault = "powers must be finite and at least 0 MW"
        elif (green > discharge + TOLERANCE).any():
            fault = "green discharge must be at most the discharge"
        elif (green + others > self.load_mw[:, : shape[1]] + TOLERANCE).any():
            fault = "green discharge must be at most what others leave of the load of a region"
        if not fault:
            self.plans[plant] = RegionPlans(self.number, *(self._padded(power) for power in powers))
        return fault

    def _padded(self, power_mw: Array) -> Array:
        """A power over all steps that anybody is told of; nothing is known beyond those planned."""
        beyond = self.load_mw.shape[1] - power_mw.shape[1]
        return np.pad(np.maximum(power_mw, 0.0), ((0, 0), (0, beyond)))
