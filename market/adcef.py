"""The adjustable carbon emission factor (ADCEF): surplus, negative factor, virtual carbon pool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.factor_bounds import FactorBounds
from gridarium.market.supply import Situation
from gridarium.market.tariffs import (
    TariffOffer,
    balance_budget,
    carbon_adjusted_price,
    carbon_earnings,
)


@dataclass(frozen=True)
class AdcefTariff:
    """Time-of-use price plus the carbon price of the adjustable carbon emission factor.

    Parameters
    ----------
    adjustment : float
        The DSO's coefficient kappa of C7.
    pool : {"strict", "managed"}
        How storages carry virtual carbon: mixed like water in a tank, or allocated by the DSO.
    surplus : {"ex-ante", "ex-post"}
        Whether the printed formula takes the renewable surplus against the base load or the load after the
        response.
    credit : {"avoided", "formula"}
        What loads are credited with: the emission that the absorbed surplus avoids on the day, or what the
        printed formula C4 says.
    budget_balanced : bool
        Whether discounts may cost no more than what carbon brings in (C8): from the carbon market, or where
        the supplier's ladder is passed on from that, which mostly asks: customers then pay it on the whole.
    """

    adjustment: float = 1.0
    pool: Literal["strict", "managed"] = "managed"
    surplus: Literal["ex-ante", "ex-post"] = "ex-ante"
    budget_balanced: bool = True
    credit: Literal["avoided", "formula"] = "avoided"
    trades_carbon: bool = field(default=True, init=False)

    def offer(self, situation: Situation) -> TariffOffer:
        """Price and factor for one situation."""
        market, load = situation.conditions, situation.load_mw
        bounds = FactorBounds.of(situation)
        against = situation.base_mw if self.surplus == "ex-ante" else load
        surplus_mw = surplus(situation.available_mw, against, situation.charge_mw)
        fixed_t_per_h: Array | float = 0.0
        marginal: Array | float = 0.0
        if self.credit == "avoided":
            fixed_t_per_h = credit_t_per_h = situation.avoided_t_per_h
            negative = -bounds.per_mwh(fixed_t_per_h, load)
        else:
            grid_factor = situation.supply.grid_factor_tco2_per_mwh
            negative = negative_factor(surplus_mw, against, grid_factor, bounds.least_load_mw)
            marginal, credit_t_per_h = -negative, -negative * load
        factor = carbon_factor(situation, negative, credit_t_per_h, bounds)
        price = carbon_adjusted_price(
            market.tou_price_per_mwh,
            factor,
            market.quota_tco2_per_mwh,
            market.carbon_price_per_tco2,
            self.adjustment,
        )
        if self.budget_balanced:
            billed = situation.billed_mw
            earned = carbon_earnings(situation, factor)
            price = balance_budget(
                price, market.tou_price_per_mwh, billed, situation.period_h, float(earned.sum())
            )
        return TariffOffer(price, factor, bounds.keep(negative), surplus_mw, fixed_t_per_h, None, marginal)


def uncredited_offer(situation: Situation, adjustment: float) -> TariffOffer:
    """Price and factor of a situation without credit for a surplus: loads carry what was emitted (C3, C7).

    Parameters
    ----------
    situation : Situation
    adjustment : float
        kappa.
    """
    market, nothing = situation.conditions, np.zeros_like(situation.load_mw)
    factor = carbon_factor(situation, nothing, nothing, FactorBounds.of(situation))
    price = carbon_adjusted_price(
        market.tou_price_per_mwh,
        factor,
        market.quota_tco2_per_mwh,
        market.carbon_price_per_tco2,
        adjustment,
    )
    absorbed = surplus(situation.available_mw, situation.base_mw, situation.charge_mw)
    return TariffOffer(price, factor, nothing, absorbed)


def surplus(renewable_available_mw: Array, load_mw: Array, charge_mw: Array) -> Array:
    """Renewable power that neither load nor storage takes up, MW, shape (n_period,).

    Notes
    -----
    First part of equation C4. With the base load it is the ex-ante surplus, with the load after the
    response the ex-post surplus, which undercuts its own signal and needs damping.

    Examples
    --------
    >>> float(surplus(np.array([3.5]), np.array([2.0]), np.array([0.5]))[0])
    1.0
    """
    return np.maximum(0.0, renewable_available_mw - load_mw - charge_mw)


def negative_factor(
    surplus_mw: Array, load_mw: Array, grid_factor_tco2_per_mwh: Array, least_load_mw: float = 0.0
) -> Array:
    """Carbon factor that credits a surplus to the load, tCO2/MWh, never positive nor below the grid's.

    Parameters
    ----------
    surplus_mw, load_mw, grid_factor_tco2_per_mwh : ndarray, shape (n_period,)
    least_load_mw : float
        A smaller load counts as this one.

    Notes
    -----
    Second part of equation C4; the load that divides is the one the surplus was taken against. A MWh of load
    takes up no more than a MWh of surplus: the bound is our own.

    Examples
    --------
    >>> float(negative_factor(np.array([1.0]), np.array([2.0]), np.array([0.6]))[0])
    -0.3
    """
    load_mw = np.maximum(load_mw, least_load_mw)
    taken = np.divide(surplus_mw, load_mw, out=np.zeros_like(load_mw), where=load_mw > 0)
    return -grid_factor_tco2_per_mwh * np.minimum(taken, 1.0)


def formula_credit(situation: Situation) -> Array:
    """What the printed formula credits to the load for a surplus, tCO2/h, shape (n_period,).

    Notes
    -----
    The factor of equation C4 with the ex-ante surplus, times the load after the response.
    """
    left = surplus(situation.available_mw, situation.base_mw, situation.charge_mw)
    grid_factor, least_mw = (
        situation.supply.grid_factor_tco2_per_mwh,
        FactorBounds.of(situation).least_load_mw,
    )
    return -negative_factor(left, situation.base_mw, grid_factor, least_mw) * situation.load_mw


def carbon_factor(
    situation: Situation, negative: Array, credit_t_per_h: Array, bounds: FactorBounds
) -> Array:
    """The ADCEF, tCO2/MWh: physical emission, moved by the pool, per MWh of load, plus the credit.

    Parameters
    ----------
    situation : Situation
    negative : ndarray, shape (n_period,)
        The negative factor, 0 without surplus.
    credit_t_per_h : ndarray, shape (n_period,)
        What is credited to the loads of each period, tCO2/h.
    bounds : FactorBounds
        Of the day. Where they bind, and where the load is next to none, carbon moves between periods.

    Notes
    -----
    Equations C3 and C5 in one: in the surplus branch of the paper no import is left and the pool
    rests, so both agree; the sum of factor times load is the physical emission minus what the pool
    gained minus the credits, as far as the bounds let the day's loads carry it.
    """
    load = situation.load_mw
    liability = situation.supply.emission_t_per_h - situation.pool_in_t_per_h + situation.pool_out_t_per_h
    factor = bounds.per_mwh(liability, load) + negative
    if bounds.hold(factor, load):
        return factor
    return bounds.carried(factor, load, float((liability - credit_t_per_h).sum()))


def strict_pool(
    e_in_mwh: Array, e_out_mwh: Array, first_mwh: float, factor_in_tco2_per_mwh: Array, charge_mwh: Array
) -> tuple[Array, Array, float]:
    """Virtual carbon of one storage under strict mixing, with a content that returns after the day.

    Parameters
    ----------
    e_in_mwh, e_out_mwh : ndarray, shape (n_period,)
        Energy that enters and leaves the inside of the storage in each period.
    first_mwh : float
        Energy inside before the first period.
    factor_in_tco2_per_mwh : ndarray, shape (n_period,)
        Carbon factor of the energy taken from the feeder.
    charge_mwh : ndarray, shape (n_period,)
        That energy, before losses.

    Returns
    -------
    inflow, outflow : ndarray, shape (n_period,)
        tCO2 in each period.
    first : float
        Content before the first period, tCO2, for which the content after the last one is the same.

    Notes
    -----
    Equation C2, ``F_in = es P_ch``, ``F_out = (V / E) P_dis / eta``. The content after the day is
    ``kept * first + added``, so the periodic content is ``added / (1 - kept)``; a storage that
    never discharges starts empty of carbon.
    """
    inflow = factor_in_tco2_per_mwh * charge_mwh
    energy = first_mwh + np.concatenate([[0.0], np.cumsum(e_in_mwh - e_out_mwh)[:-1]])
    share_out = np.divide(e_out_mwh, energy, out=np.zeros_like(energy), where=energy > 0)
    kept, added = 1.0, 0.0
    for into, out in zip(inflow, share_out, strict=True):
        kept, added = kept * (1.0 - out), added * (1.0 - out) + into
    first = added / (1.0 - kept) if kept < 1.0 else 0.0
    content, outflow = first, np.zeros_like(inflow)
    for period, (into, out) in enumerate(zip(inflow, share_out, strict=True)):
        outflow[period] = content * out
        content += into - outflow[period]
    return inflow, outflow, first
