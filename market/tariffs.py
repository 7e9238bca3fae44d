"""Retail tariffs: time of use, static carbon price, and the price coupled to the carbon factor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.block_prices import carbon_cost_per_h
from gridarium.market.factor_bounds import FactorBounds
from gridarium.market.supply import Situation


@dataclass(frozen=True)
class TariffOffer:
    """What a tariff makes of a situation; arrays of shape (n_period,).

    Parameters
    ----------
    price_per_mwh, factor_tco2_per_mwh : ndarray
        Retail price, of a tariff that differs from bus to bus of shape (n_bus, n_period); and the carbon
        factor by which loads are held responsible, of all of them together.
    negative_factor_tco2_per_mwh, surplus_mw : ndarray
        Credit for a renewable surplus, and the surplus; zero where the tariff knows none.
    fixed_credit_t_per_h : ndarray or float
        The part of that credit that stays the same whatever the load, tCO2/h.
    nodal_factor_tco2_per_mwh : ndarray, shape (n_bus, n_period), optional
        What loads are told of their carbon instead, by a tariff that differs from bus to bus.
    marginal_credit_tco2_per_mwh : ndarray or float
        The part of the credit that goes with the load.
    """

    price_per_mwh: Array
    factor_tco2_per_mwh: Array
    negative_factor_tco2_per_mwh: Array
    surplus_mw: Array
    fixed_credit_t_per_h: Array | float = 0.0
    nodal_factor_tco2_per_mwh: Array | None = None
    marginal_credit_tco2_per_mwh: Array | float = 0.0

    @property
    def told_factor_tco2_per_mwh(self) -> Array:
        """Carbon factor that goes with the price, as it is posted."""
        nodal = self.nodal_factor_tco2_per_mwh
        return self.factor_tco2_per_mwh if nodal is None else nodal


class Tariff(Protocol):
    """A rule that turns a situation into price and carbon factor.

    Attributes
    ----------
    adjustment : float
        kappa: share of the carbon price with which the price follows the factor.
    pool : {"strict", "managed"} or None
        How storages carry virtual carbon; None where they carry none.
    credit : {"avoided", "formula"} or None
        What is credited for a renewable surplus; None where nothing is.
    trades_carbon : bool
        Whether the DSO settles with the carbon market.
    budget_balanced : bool
        Whether discounts may cost no more than the carbon revenue.
    """

    @property
    def adjustment(self) -> float: ...  # noqa: D102

    @property
    def pool(self) -> Literal["strict", "managed"] | None: ...  # noqa: D102

    @property
    def credit(self) -> Literal["avoided", "formula"] | None: ...  # noqa: D102

    @property
    def trades_carbon(self) -> bool: ...  # noqa: D102

    @property
    def budget_balanced(self) -> bool: ...  # noqa: D102

    def offer(self, situation: Situation) -> TariffOffer: ...  # noqa: D102


@dataclass(frozen=True)
class TouTariff:
    """The plain time-of-use price; carbon is only accounted for, by the factor of the day (S1)."""

    adjustment: float = field(default=0.0, init=False)
    pool: None = field(default=None, init=False)
    credit: None = field(default=None, init=False)
    trades_carbon: bool = field(default=False, init=False)
    budget_balanced: bool = field(default=False, init=False)

    def offer(self, situation: Situation) -> TariffOffer:
        """The time-of-use price and the day's average factor."""
        zero = np.zeros_like(situation.load_mw)
        return TariffOffer(situation.conditions.tou_price_per_mwh, zero + daily_factor(situation), zero, zero)


@dataclass(frozen=True)
class StaticCarbonTariff:
    """The time-of-use price plus the carbon price of the day's average factor (S2)."""

    adjustment: float = 1.0
    pool: None = field(default=None, init=False)
    credit: None = field(default=None, init=False)
    trades_carbon: bool = field(default=True, init=False)
    budget_balanced: bool = field(default=False, init=False)

    def offer(self, situation: Situation) -> TariffOffer:
        """The same adder in every period, so that it moves no load."""
        zero = np.zeros_like(situation.load_mw)
        factor = zero + daily_factor(situation)
        market = situation.conditions
        price = carbon_adjusted_price(
            market.tou_price_per_mwh,
            factor,
            market.quota_tco2_per_mwh,
            market.carbon_price_per_tco2,
            self.adjustment,
        )
        return TariffOffer(price, factor, zero, zero)


def told_to(p_share: Array, posted: Array) -> Array:
    """What a follower is told of something posted, shape (n_period,).

    Parameters
    ----------
    p_share : ndarray, shape (n_bus,)
        How what the follower draws spreads over the buses.
    posted : ndarray, shape (n_period,) or (n_bus, n_period)
        One series for all, or one for each bus, of which the follower is told the mean over what it draws.
    """
    return posted if posted.ndim == 1 else np.asarray(p_share @ posted)


def daily_factor(situation: Situation) -> float:
    """Emission of the day per MWh of load, tCO2/MWh, within the bounds of a factor."""
    bounds, load = FactorBounds.of(situation), situation.load_mw.sum()
    return float(bounds.keep(bounds.per_mwh(situation.supply.emission_t_per_h.sum(), load)))


def carbon_adjusted_price(
    tou_price_per_mwh: Array,
    factor_tco2_per_mwh: Array | float,
    quota_tco2_per_mwh: float,
    carbon_price_per_tco2: Array | float,
    adjustment: float = 1.0,
) -> Array:
    """Time-of-use price plus the carbon price of what lies above the quota, money/MWh.

    Parameters
    ----------
    tou_price_per_mwh : ndarray, shape (n_period,)
    factor_tco2_per_mwh : ndarray, shape (n_period,), or float
        The ADCEF of each period, or one static factor.
    quota_tco2_per_mwh : float
        Average quota factor.
    carbon_price_per_tco2 : ndarray, shape (n_period,), or float
    adjustment : float
        The DSO's coefficient kappa.

    Notes
    -----
    Equation C7.
    """
    above = np.asarray(factor_tco2_per_mwh) - quota_tco2_per_mwh
    return tou_price_per_mwh + adjustment * carbon_price_per_tco2 * above


def carbon_revenue(
    factor_tco2_per_mwh: Array,
    load_mw: Array,
    quota_tco2_per_mwh: float,
    carbon_price_per_tco2: Array,
    period_h: float,
) -> Array:
    """What the carbon market pays for staying below the quota, money per period; negative above it.

    Notes
    -----
    Second term of equation C9.
    """
    below = quota_tco2_per_mwh - factor_tco2_per_mwh
    return carbon_price_per_tco2 * below * load_mw * period_h


def carbon_earnings(situation: Situation, factor_tco2_per_mwh: Array) -> Array:
    """What falls to those who pay the tariff of what a DSO gets for carbon, money per period.

    Negative where it pays.

    Parameters
    ----------
    situation : Situation
    factor_tco2_per_mwh : ndarray, shape (n_period,)
        By which it answers for its loads to the carbon market.

    Notes
    -----
    Of the carbon market by C9; where the supplier's ladder is passed on, what the ladder rewards less what it
    asks (D11), of that no more than what loads can answer for.
    """
    market, supply = situation.conditions, situation.supply
    if market.passes_ladder:
        asked = carbon_cost_per_h(supply.grid_mw, supply.grid_factor_tco2_per_mwh, market.ladder)
        load, billed = situation.load_mw, situation.billed_mw
        most_per_mwh = FactorBounds.of(situation).high_tco2_per_mwh * market.carbon_price_per_tco2
        asked = np.minimum(asked, most_per_mwh * np.maximum(load, 0.0))
        share = np.divide(billed, load, out=np.zeros_like(load), where=load > 0.0)
        return -asked * share * situation.period_h
    return carbon_revenue(
        factor_tco2_per_mwh,
        situation.billed_mw,
        market.quota_tco2_per_mwh,
        market.carbon_price_per_tco2,
        situation.period_h,
    )


def granted_discount(
    price_per_mwh: Array, tou_price_per_mwh: Array, load_mw: Array, period_h: float
) -> float:
    """Sum of what consumers pay less than under the plain tariff, money; left side of equation C8."""
    return float(np.sum((tou_price_per_mwh - price_per_mwh) * load_mw) * period_h)


def balance_budget(
    price_per_mwh: Array,
    tou_price_per_mwh: Array,
    load_mw: Array,
    period_h: float,
    revenue_money: float,
) -> Array:
    """Raise a price by the same amount in every period until discounts cost no more than the revenue.

    Returns
    -------
    ndarray, shape (n_period,)
        The price itself where the budget holds already.

    Notes
    -----
    Equation C8. A uniform addition does not move a consumer whose energy over the day is fixed.
    """
    excess = granted_discount(price_per_mwh, tou_price_per_mwh, load_mw, period_h) - revenue_money
    energy = float(np.sum(load_mw) * period_h)
    if excess <= 0.0 or energy <= 0.0:
        return price_per_mwh
    return price_per_mwh + excess / energy
