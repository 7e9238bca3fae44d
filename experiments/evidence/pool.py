"""The pool of prosumers as a whole, and how well it did: the best matching of every minute as a bound."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.arrays import Array
from gridarium.environment.clock import DAY_S, MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period
from gridarium.experiments.parts.lines import private_lines
from gridarium.experiments.parts.prosumers import classes_of, prosumers_of, worth_of
from gridarium.experiments.parts.trading import active_trading
from gridarium.market.ladder import LadderTariff
from gridarium.market.line_costs import LineCosts
from gridarium.market.matching import pool_welfare, stacked
from gridarium.market.messages.leasing import LeaseTerms


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
    bound = _bound_money(known, within)
    free = bound if np.array_equal(within, possible) else _bound_money(known, possible)
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


def lease_terms(known: GridEvidence) -> dict[int, LeaseTerms]:
    """The terms of each day on which some were sent."""
    leases = known.tables.get("leases")
    if leases is None:
        return {}
    told = leases.dropna(subset="base_fee_per_km_mwh")[["day", *LeaseTerms._fields]]
    return {int(day): LeaseTerms(*map(float, terms)) for day, *terms in told.itertuples(index=False)}


def _bound_money(known: GridEvidence, possible_mwh: Array) -> Array:
    """Upper bound of the welfare of each period, shape (n_period,).

    Notes
    -----
    What batteries give is taken as the prosumers had planned it.
    """
    world, bound = known.world, np.zeros(known.world.n_period)
    if active_trading(known.scenario) is None:
        return bound
    lines = private_lines(known.scenario, known.grid)
    names = [one.name for one in known.of(Prosumer)]
    sections = prosumers_of(known.scenario)
    private = [sections[known.grid.local(name)] for name in names]
    utilities = [worth_of(known.scenario, one.utility) for one in private]
    reserved = [one.reservation_price_per_mwh for one in private]
    per_day = round(DAY_S / world.clock.period_s)
    for day, terms in lease_terms(known).items():
        fee = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth)
        network = LineCosts.of(names, lines, fee, reserved)
        days = range(day * per_day, min((day + 1) * per_day, world.n_period))
        slots = [(period, minute) for period in days for minute in range(possible_mwh.shape[3])]
        pools = [network.slot(possible_mwh[:, period, :, minute], utilities) for period, minute in slots]
        by_slot = pool_welfare(stacked(pools)).welfare_by_slot_money
        np.add.at(bound, [period for period, _ in slots], by_slot)
    return bound
