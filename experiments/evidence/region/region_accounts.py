"""What regional systems draw, emit and pay, and whose carbon prices each would rather have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridarium.agents.region.region import Region
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import SolveError
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.market.accounts import CARBON_MARKET, PERSONAL_CARBON, POOL_FEE, POOLED_CARBON, RETAIL
from gridarium.market.block_prices import carbon_cost_per_h
from gridarium.market.fairness import envy
from gridarium.market.messages.tariffs import TariffSignal


@dataclass(frozen=True)
class _ToldDay:
    """What one follower was told of its carbon on a day, and its load on it; series in steps.

    Parameters
    ----------
    base_mw, load_mw : ndarray, shape (n_step,)
    signal : TariffSignal
    step_h : float
    """

    base_mw: Array
    load_mw: Array
    signal: TariffSignal
    step_h: float

    def carbon_money_under(self, other: _ToldDay) -> float:
        """What its load would cost under what another was told, laid out for a load of its own size.

        Quota and steps stand for each MWh of base load, so they are taken in the proportion of base loads;
        its own where the other has, or itself it has, no base load.
        """
        signal = other.signal
        ladder, own = signal.ladder, self.signal.ladder
        if ladder is not None and own is not None:
            scaled = ladder.quota_t_per_h * self.base_mw
            quota, every = np.array(own.quota_t_per_h), float(other.base_mw.sum())
            np.divide(scaled, other.base_mw, out=quota, where=other.base_mw > 0.0)
            interval, part = own.interval_t_per_h, float(self.base_mw.sum())
            if every > 0.0 and part > 0.0:
                interval = ladder.interval_t_per_h * (part / every)
            ladder = replace(ladder, quota_t_per_h=series(quota), interval_t_per_h=interval)
        return self.step_h * float(carbon_cost_per_h(self.load_mw, signal.factor_tco2_per_mwh, ladder).sum())


def region_accounts_table(known: GridEvidence) -> pd.DataFrame:
    """A row for each regional system: energy, carbon, payments and envy of the whole run.

    Raises
    ------
    SolveError
        If one was never told a price.
    """
    regions = known.of(Region)
    if not regions:
        return pd.DataFrame()
    # Less than a cent of a cent is rounding, and nobody's envy.
    found = envy(np.round(-_carbon_money_under_each(known, regions), 4))
    names = [known.grid.local(region.name) for region in regions]
    return pd.DataFrame(
        {
            "grid": known.grid.name,
            "agent": names,
            "kind": "region",
            "energy_mwh": [_energy_mwh(known, name) for name in names],
            "personal_tco2": [_personal_tco2(known, region) for region in regions],
            "market_tco2": [
                _personal_tco2(known, region) * _pays_market(known, region) for region in regions
            ],
            "energy_money": [_paid(known, name, RETAIL) for name in names],
            "carbon_money": [
                _paid(known, name, PERSONAL_CARBON) + _paid(known, name, POOLED_CARBON) for name in names
            ],
            "pool_fee_money": [_paid(known, name, POOL_FEE) for name in names],
            "response_money": [_borne(known, name, "response_money") for name in names],
            "discomfort_money": [_borne(known, name, "discomfort_money") for name in names],
            "envy_money": found.amount,
            "envied": [names[place] for place in found.of],
        }
    )


def _signal(region: Region, day: int) -> TariffSignal:
    signal = region.day(day).signal
    if signal is None:
        raise SolveError(f"agent {region.name}: no price of day {day} was ever told")
    return signal


def _carbon_money_under_each(known: GridEvidence, regions: Sequence[Region]) -> Array:
    """What the carbon of each (row) would cost under what each (column) was told, money of the run."""
    days = [list(_told_days(known, region)) for region in regions]
    return np.array(
        [
            [
                sum(day.carbon_money_under(other) for day, other in zip(own, others, strict=True))
                for others in days
            ]
            for own in days
        ]
    )


def _told_days(known: GridEvidence, region: Region) -> Iterator[_ToldDay]:
    horizon, drawn = region.horizon, known.world.meters[region.name]
    for number in range(horizon.n_day):
        load = horizon.fit(drawn[horizon.periods(number)])
        yield _ToldDay(region.day(number).demand.base_mw, load, _signal(region, number), horizon.step_h)


def _personal_tco2(known: GridEvidence, region: Region) -> float:
    """Carbon at the factors that it was told last, of what its meter shows."""
    horizon, drawn = region.horizon, known.world.meters[region.name]
    days = range(horizon.n_day)
    factor = np.concatenate([_signal(region, day).factor_tco2_per_mwh for day in days])
    return float(horizon.by_period(factor) @ drawn) * known.world.period_h


def _pays_market(known: GridEvidence, region: Region) -> bool:
    """Whether it pays its carbon to the carbon market."""
    ledger = known.world.ledger.table()
    own = (ledger["account"] == region.name) & (ledger["purpose"] == PERSONAL_CARBON)
    return bool((ledger.loc[own, "counterparty"] == CARBON_MARKET).any())


def _energy_mwh(known: GridEvidence, name: str) -> float:
    return float(known.world.meters[known.grid.named(name)].sum()) * known.world.period_h


def _paid(known: GridEvidence, name: str, item: str) -> float:
    payoffs = rows_of(known.tables, "payoffs", "region")
    own = (payoffs["agent"] == name) & (payoffs["item"] == item)
    return float((-payoffs.loc[own, "amount_money"]).sum())


def _borne(known: GridEvidence, name: str, column: str) -> float:
    days = rows_of(known.tables, "satisfaction", "region")
    return float(days.loc[days["agent"] == name, column].sum())
