"""The pool of prosumers as a whole, and how well it did: the best matching of every minute as a bound."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.arrays import Array
from gridarium.environment.clock import MINUTE_S, day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period
from gridarium.experiments.parts.lines import LINES, private_lines
from gridarium.experiments.parts.prosumers import classes_of, prosumers_of, worth_of
from gridarium.experiments.parts.trading import active_trading
from gridarium.market.ladder import LadderTariff
from gridarium.market.line_costs import LineCosts
from gridarium.market.matching import pool_welfare, stacked
from gridarium.market.messages.leasing import LeaseTerms

LADDER_STEPS = 5
"""Branches of the ladder of fees (E7); the last has no end."""


def pool_table(known: GridEvidence) -> pd.DataFrame:
    """The pool in each period: what could be traded, what was, and what that was worth; none without one.

    Welfare is the buyers' value less line fees and the sellers' reservation; its bound is that of the best
    matching of every minute, within the limits of a desk that is called for less, and without them.
    """
    if not known.of(Prosumer):
        return pd.DataFrame()
    world, own = known.world, known.tables["prosumers"]
    possible = _possible_mwh(known)
    within = possible.copy()
    within[:, :, 0] = np.minimum(possible[:, :, 0], _limits_mwh(known)[:, :, None])
    bound = _bound_money(known, within, range(world.n_period))
    # Without limits only those periods differ in which there were some.
    limited = np.flatnonzero((within != possible).any(axis=(0, 2, 3))).tolist()
    free = bound.copy()
    free[limited] = _bound_money(known, possible, limited)[limited]
    could_sell, needed = possible.sum(axis=(0, 3)).T
    value, fees, paid, traded = (
        by_period(own, name, world.n_period)
        for name in ("value_money", "fees_money", "payments_money", "received_mwh")
    )
    return pd.DataFrame(
        {
            "grid": known.grid.name,
            "period": np.arange(world.n_period),
            "time": world.times,
            "surplus_mwh": could_sell,
            "need_mwh": needed,
            "traded_mwh": traded,
            "payments_money": paid,
            "fees_money": fees,
            "price_per_mwh": np.divide(paid, traded, out=np.full_like(paid, np.nan), where=traded > 0.0),
            "welfare_money": value - fees - _reserved_money(known),
            "welfare_bound_money": bound,
            "unlimited_bound_money": free,
        }
    )


def prosumers_table(known: GridEvidence) -> pd.DataFrame:
    """What prosumers have told, with the class that each is a member of."""
    told = known.tables.get("prosumers", pd.DataFrame())
    if len(told):
        classes = classes_of(known.scenario)
        told.insert(list(told.columns).index("time") + 1, "class", told["agent"].map(classes))
    return told


def _possible_mwh(known: GridEvidence) -> Array:
    """What each could sell and needed in each minute, MWh, shape (n_prosumer, n_period, 2, n_minute)."""
    world, prosumers = known.world, known.of(Prosumer)
    n_minute = round(world.clock.period_s / MINUTE_S)
    by_minute = [[one.possible(period) for period in range(world.n_period)] for one in prosumers]
    return np.array(by_minute, dtype=float).reshape(len(prosumers), world.n_period, 2, n_minute)


def _limits_mwh(known: GridEvidence) -> Array:
    """Most that the desk let each send in a minute, MWh, shape (n_prosumer, n_period)."""
    world, own = known.world, known.tables["prosumers"]
    names = [known.grid.local(one.name) for one in known.of(Prosumer)]
    limits = own.pivot(index="agent", columns="period", values="limit_mwh").loc[names].fillna(np.inf)
    return limits.to_numpy(dtype=float) * MINUTE_S / world.clock.period_s


def _reserved_money(known: GridEvidence) -> Array:
    """What the sellers would at least have asked for what they have sent, money in each period."""
    reserved = {name: one.reservation_price_per_mwh for name, one in prosumers_of(known.scenario).items()}
    own = known.tables["prosumers"]
    kept = own["sold_mwh"] * own["agent"].map(reserved).astype(float)
    return by_period(own.assign(kept_money=kept), "kept_money", known.world.n_period)


def charging_prices(known: GridEvidence, sellers: pd.Series[str], periods: pd.Series[int]) -> Array:
    """What sellers had last paid to charge their batteries when they began to sell for periods, money/MWh.

    That is before the period in front of theirs is metered; nan for who has not charged from others (E10).
    """
    own = known.tables["prosumers"]
    charged = own.loc[own["for_battery_mwh"] > 0.0, ["agent", "period", "payments_money", "received_mwh"]]
    last = pd.DataFrame(
        {
            "seller": charged["agent"],
            "period": charged["period"] + 1,
            "paid_per_mwh": charged["payments_money"] / charged["received_mwh"],
        }
    )
    sales = pd.DataFrame({"seller": sellers.to_numpy(), "period": periods.to_numpy()}).reset_index()
    found = pd.merge_asof(
        sales.sort_values("period", kind="stable"),
        last.sort_values("period", kind="stable"),
        on="period",
        by="seller",
        allow_exact_matches=False,
    )
    return found.sort_values("index")["paid_per_mwh"].to_numpy(dtype=float)


def seller_costs(
    known: GridEvidence,
    sellers: pd.Series[str],
    buyers: pd.Series[str],
    periods: pd.Series[int],
    premium_per_mwh: pd.Series[float],
) -> Array:
    """Cost of each seller for each buyer, money/MWh delivered, by the fees of the day (E7, E8).

    What an operator pays that has called the pool (E26) lowers it, but not below nothing, nor below what the
    seller has last paid to charge its battery (E10).
    """
    per_day = day_length(known.world.n_period, known.world.clock.period_s)
    sections, terms, lines = prosumers_of(known.scenario), lease_terms(known), LINES.of(known.scenario)
    assert lines is not None

    def cost(day: int, seller: str, buyer: str) -> float:
        km = line_km(known, seller, buyer)
        kept = sections[seller].reservation_price_per_mwh
        return (line_fee_per_mwh(terms[day], km) + kept) / (1.0 - lines.loss_per_km * km)

    keys = list(zip(periods // per_day, sellers, buyers, strict=True))
    costs = {key: cost(*key) for key in dict.fromkeys(keys)}
    gross = np.array([costs[key] for key in keys])
    net = np.maximum(gross - premium_per_mwh.to_numpy(dtype=float), 0.0)
    return np.asarray(np.fmax(net, charging_prices(known, sellers, periods)))


def line_km(known: GridEvidence, one: str, other: str) -> float:
    """Length of the line of two prosumers, by their classes, km."""
    section, classes = LINES.of(known.scenario), classes_of(known.scenario)
    assert section is not None
    first, second = classes[one], classes[other]
    if first == second:
        return section.within_km
    row = section.distance_km.get(first, {})
    return row[second] if second in row else section.distance_km[second][first]


def line_fee_per_mwh(terms: LeaseTerms, km: float) -> float:
    """Fee of a line for each MWh sent, step by step of its length (E7)."""
    fee, start, number = 0.0, 0.0, 0
    while start < km:
        end = km if number == LADDER_STEPS - 1 else min(start + terms.interval_km, km)
        fee += terms.base_fee_per_km_mwh * (1.0 + terms.growth * number) * (end - start)
        start, number = end, number + 1
    return fee


def lease_terms(known: GridEvidence) -> dict[int, LeaseTerms]:
    """The terms of each day on which some were sent."""
    leases = known.tables.get("leases")
    if leases is None:
        return {}
    told = leases.dropna(subset="base_fee_per_km_mwh")[["day", *LeaseTerms._fields]]
    return {int(day): LeaseTerms(*map(float, terms)) for day, *terms in told.itertuples(index=False)}


def _bound_money(known: GridEvidence, possible_mwh: Array, periods: Collection[int]) -> Array:
    """Upper bound of the welfare of some periods, shape (n_period,); 0 in the others.

    Notes
    -----
    What batteries give is taken as the prosumers had planned it.
    """
    world, bound = known.world, np.zeros(known.world.n_period)
    if active_trading(known.scenario) is None or not periods:
        return bound
    lines = private_lines(known.scenario, known.grid)
    names = [one.name for one in known.of(Prosumer)]
    sections = prosumers_of(known.scenario)
    private = [sections[known.grid.local(name)] for name in names]
    utilities = [worth_of(known.scenario, one.utility) for one in private]
    reserved = [one.reservation_price_per_mwh for one in private]
    per_day = day_length(world.n_period, world.clock.period_s)
    for day, terms in lease_terms(known).items():
        fee = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth)
        network = LineCosts.of(names, lines, fee, reserved)
        of_day = [period for period in periods if period // per_day == day]
        slots = [(period, minute) for period in of_day for minute in range(possible_mwh.shape[3])]
        if not slots:
            continue
        pools = [network.slot(possible_mwh[:, period, :, minute], utilities) for period, minute in slots]
        by_slot = pool_welfare(stacked(pools)).welfare_by_slot_money
        np.add.at(bound, [period for period, _ in slots], by_slot)
    return bound
