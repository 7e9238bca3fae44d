"""What a quarter of the system cost, by part, and its marginal price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.agents.problems.storage import throughput
from gridarium.agents.system.power_system import PowerSystem
from gridarium.environment.arrays import Array, Flags
from gridarium.market.carbon_trading import carbon_trading_money

LIMIT_TOLERANCE_MW = 1e-3
"""Distance from a limit below which a power counts as at it, MW."""


@dataclass(frozen=True)
class PeriodDecisions:
    """What the system does, or did, in one period; powers in MW.

    Parameters
    ----------
    on : ndarray of bool, shape (n_unit,)
    gross_mw, net_mw : ndarray, shape (n_unit,)
        Power of the units before and after the consumption of their capture plants.
    absorbed_tco2_per_h, regenerated_tco2_per_h, tank_tco2 : ndarray, shape (n_unit,)
        Capture, and the content of the solvent tanks at the end of the period.
    charge_mw, discharge_mw, e_mwh : float
        Storage powers, and the energy inside at the end of the period.
    flexible_mw : ndarray, shape (n_load,)
        Power of the flexible loads.
    wind_mw, pool_mw, market_mw, spill_mw : float
        Wind that is used, energy from the prosumer pool, imports, generation that nobody takes.
    reserve_up_short_mw, reserve_down_short_mw : float
        Spinning reserve that is missing.
    """

    on: Flags
    gross_mw: Array
    net_mw: Array
    absorbed_tco2_per_h: Array
    regenerated_tco2_per_h: Array
    tank_tco2: Array
    charge_mw: float
    discharge_mw: float
    e_mwh: float
    flexible_mw: Array
    wind_mw: float
    pool_mw: float
    market_mw: float
    spill_mw: float
    reserve_up_short_mw: float = 0.0
    reserve_down_short_mw: float = 0.0


@dataclass(frozen=True)
class CostParts:
    """Cost of one period, money.

    Parameters
    ----------
    start_stop_money : float
        C_K.
    fuel_money : float
        C_H.
    carbon_money : float
        C_P; negative where allowances are sold.
    compensation_money : float
        C_m, of all flexible loads.
    wear_money : float
        C_s.
    line_fee_money : float
        C_P2P.
    market_money : float
        Imports from the real-time market.
    shortage_money : float
        Penalty on missing reserve; no money, and not part of `total_money`.
    """

    start_stop_money: float
    fuel_money: float
    carbon_money: float
    compensation_money: float
    wear_money: float
    line_fee_money: float
    market_money: float
    shortage_money: float

    @property
    def total_money(self) -> float:
        """Money that is paid."""
        generation = self.start_stop_money + self.fuel_money + self.carbon_money
        return (
            generation + self.compensation_money + self.wear_money + self.line_fee_money + self.market_money
        )


@dataclass(frozen=True)
class PeriodPrices:
    """Prices of one period, money/MWh.

    Parameters
    ----------
    market_price_per_mwh : float
        Of imports from the real-time market.
    pool_fee_per_mwh : float
        Mean line fee of energy from the prosumer pool.
    """

    market_price_per_mwh: float
    pool_fee_per_mwh: float = 0.0


def period_cost(
    system: PowerSystem,
    decisions: PeriodDecisions,
    on_before: Flags,
    flexible_plan_mw: Array,
    prices: PeriodPrices,
    period_h: float = 0.25,
) -> CostParts:
    """Cost of one period by part, from what was realised.

    Parameters
    ----------
    system : PowerSystem
    decisions : PeriodDecisions
    on_before : ndarray of bool, shape (n_unit,)
        Which units ran in the period before.
    flexible_plan_mw : ndarray, shape (n_load,)
        What the flexible loads had planned to take.
    prices : PeriodPrices
    period_h : float

    Notes
    -----
    Equations E14 (start and stop), E20, E21, E24 with the length of the period, E25, E26.
    """
    units = system.units
    gross, on = decisions.gross_mw, decisions.on
    fuel = sum(u.fuel_cost_per_h(float(p)) for u, p, runs in zip(units, gross, on, strict=True) if runs)
    intensity = np.array([u.emission_tco2_per_mwh for u in units])
    net_emission = float(intensity @ gross - decisions.absorbed_tco2_per_h.sum())
    carbon = carbon_trading_money(
        net_emission, float(gross.sum()), system.carbon_price_per_tco2, system.allowance_tco2_per_mwh
    )
    beta = np.array([load.compensation_per_mwh for load in system.loads])
    wear = system.wear_cost_per_mwh * sum(
        throughput(storage.efficiencies, decisions.charge_mw, decisions.discharge_mw)
        for storage in system.storages
    )
    switching = np.array([u.start_stop_money for u in units]) @ (on != on_before)
    short = decisions.reserve_up_short_mw + decisions.reserve_down_short_mw
    return CostParts(
        start_stop_money=float(switching),
        fuel_money=fuel * period_h,
        carbon_money=carbon * period_h,
        compensation_money=float(beta @ np.abs(decisions.flexible_mw - flexible_plan_mw)) * period_h,
        wear_money=wear * period_h,
        line_fee_money=prices.pool_fee_per_mwh * decisions.pool_mw * period_h,
        market_money=prices.market_price_per_mwh * decisions.market_mw * period_h,
        shortage_money=system.shortage_cost_per_mwh * short * period_h,
    )


def planned_factor(system: PowerSystem, decisions: PeriodDecisions, head_factor_tco2_per_mwh: float) -> float:
    """Carbon factor of what the system supplies in a period, tCO2/MWh; 0 where it supplies nothing.

    Notes
    -----
    Equation C1 for a system: net emission of the units and of what comes through the head, over all supply.
    """
    intensity = np.array([u.emission_tco2_per_mwh for u in system.units])
    emission = float(intensity @ decisions.gross_mw - decisions.absorbed_tco2_per_h.sum())
    emission += head_factor_tco2_per_mwh * decisions.market_mw
    supply = float(decisions.net_mw.sum()) + decisions.wind_mw + decisions.discharge_mw + decisions.market_mw
    return emission / supply if supply > 0.0 else 0.0


def marginal_price(
    system: PowerSystem, decisions: PeriodDecisions, available_wind_mw: float, market_price_per_mwh: float
) -> float:
    """The system's marginal price of a period, money/MWh.

    Notes
    -----
    The first rule that applies: energy is imported, the market's price; a running unit is strictly between
    its limits, the highest marginal cost of those; wind or generation is spilled, 0; otherwise the highest
    marginal cost of the running units. Marginal cost is that of gross energy at unchanged capture: fuel
    ``2 a P + b`` and carbon ``price (e - allowance)``.
    """
    if decisions.market_mw > LIMIT_TOLERANCE_MW:
        return market_price_per_mwh
    inside, running = [], []
    for unit, gross, on in zip(system.units, decisions.gross_mw, decisions.on, strict=True):
        if not on:
            continue
        carbon = unit.emission_tco2_per_mwh - system.allowance_tco2_per_mwh
        cost = unit.marginal_fuel_cost_per_mwh(float(gross)) + system.carbon_price_per_tco2 * carbon
        running.append(cost)
        if unit.p_min_mw + LIMIT_TOLERANCE_MW < gross < unit.p_max_mw - LIMIT_TOLERANCE_MW:
            inside.append(cost)
    if inside:
        return max(inside)
    spilled = decisions.spill_mw + available_wind_mw - decisions.wind_mw
    return 0.0 if spilled > LIMIT_TOLERANCE_MW else max(running, default=0.0)
