"""Certificates of a pool of storages: shares, values against fresh solves, money, stability."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from gridarium.agents.feeder.ac_physics import AcPhysics
from gridarium.agents.feeder.coalition_values import ValuedDay
from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import SIGNALS, DispatchShape, build_dispatch_model
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import compile_model
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.coalition_games import (
    by_pool,
    owner_names,
    tabulated_games,
    title_of,
)
from gridarium.experiments.evidence.coalition_metrics import core_violation_money, formation_at_the_end
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import POOL_SHARE, POOL_VALUE
from gridarium.market.coalition_core import least_core

_CENT = 0.01
_ROUNDING = 1e-6


def pool_money(known: GridEvidence) -> Iterator[Reading]:
    """Shares of each day against the value of its members, and both against the ledger."""
    pools = by_pool(known.tables)
    for name, own in pools.items():
        yield from _pool_money(known, own, name, title_of(name, pools))


def _pool_money(known: GridEvidence, tables: Tables, pool: str, title: str) -> Iterator[Reading]:
    days, owners = tables["pool_days"], tables["storage_pool"]
    kept = days.get("kept_money", pd.Series(0.0, days.index)).fillna(0.0)
    shared = (days["shares_money"] + days["operator_share_money"] + kept).to_numpy()
    worth = np.array([_value_of_members(tables, int(day)) for day in days["day"]])
    off_money, tolerance = float(np.abs(shared - worth).max()), _ROUNDING * max(1.0, np.abs(worth).max())
    yield Reading(
        f"shares of the {title}", off_money, tolerance, "money", True,
        "largest difference on a day of all shares, with what the platform says it keeps by a rule that "
        "leaves it a rest, and the value of the members",
    )  # fmt: skip
    ledger = known.tables["ledger"]
    by_account = _booked(ledger, POOL_SHARE)
    told = owners.groupby("agent")["share_money"].sum()
    wrong = [abs(by_account.get(str(name), 0.0) - float(money)) for name, money in told.items()]
    # Whoever commands the members, an operator or a plant, pays the platform what they are worth.
    wrong.append(abs(_booked(ledger, POOL_VALUE).get(pool, 0.0) - float(worth.sum())))
    for dso in known.of(Dso):
        paid = -_booked(ledger, POOL_VALUE).get(known.grid.local(dso.name), 0.0)
        back = by_account.get(known.grid.local(dso.name), 0.0)
        wrong += [abs(paid - float(worth.sum())), abs(paid - back - float(told.sum()))]
    tolerance = _ROUNDING * max(1.0, float(np.abs(worth).sum()))
    yield Reading(
        f"payments of the {title}", max(wrong), tolerance, "money", True,
        "what the ledger shows that the operator paid the pool and the pool its members, against values and "
        "shares of all days",
    )  # fmt: skip


def _booked(ledger: pd.DataFrame, purpose: str) -> Mapping[str, float]:
    """Received less paid for a purpose by account."""
    own = ledger[ledger["purpose"] == purpose]
    sums = own.groupby("account")["amount_money"].sum()
    return {str(name): float(money) for name, money in sums.items()}


def _value_of_members(tables: Tables, day: int) -> float:
    """Value of the members of a day, from the values of the game of that day."""
    coalitions = tables.get("coalitions")
    if coalitions is None:
        # Nobody has played a game.
        return 0.0
    days, owners = tables["pool_days"], tables["storage_pool"]
    rows = coalitions[coalitions["game"] == days.loc[days["day"] == day, "game"].iloc[0]]
    inside = set(owners.loc[(owners["day"] == day) & (owners["member"] > 0.0), "agent"])
    members = "+".join(name for name in owner_names(rows) if name in inside)
    return float(rows.set_index("coalition")["value_money"].get(members, 0.0))


def pool_value(known: GridEvidence) -> Iterator[Reading]:
    """The value of the members of the last day against two fresh solves of another formulation."""
    for dso in known.of(Dso):
        if dso.pooled is None:
            continue
        day = dso.days[-1]
        told, valued = dso.pooled.members[day.number], dso.pooled.valued_day(day)
        place = [told.owners.index(known.grid.named(unit.name)) for unit in dso.shape.storages]
        members = told.members[place]
        without, with_members = (
            fresh_cost_money(dso, valued, some, dso.pooled.valuer.drawn_outside_mw(valued, some))
            for some in (np.zeros_like(members), members)
        )
        fresh = without - with_members
        said = _value_of_members(known.tables, day.number)
        yield Reading(
            "value of the pool", abs(fresh - said), _CENT, "money", True,
            "value of the members of the last day against the costs of two dispatches solved anew, in which "
            "storages outside are left out and not closed",
        )  # fmt: skip


def fresh_cost_money(dso: Dso, valued: ValuedDay, inside: Flags, drawn_mw: Array) -> float:
    """Cost of a day with some storages commanded and the others outside, from a problem of its own.

    Parameters
    ----------
    dso : Dso
    valued : ValuedDay
    inside : ndarray of bool, shape (n_storage,)
    drawn_mw : ndarray, shape (n_outside, n_step)
        What those outside draw.
    """
    own = dso.contract.own_storages
    outside = [unit.name for unit, one in zip(own.units, inside, strict=True) if not one]
    rest = own.only(outside)
    load = valued.day.load_p_mw + rest.at_buses(drawn_mw, dso.shape.feeder.n_bus)
    day = replace(valued.day, load_p_mw=load, initial_mwh=valued.day.initial_mwh[inside])
    problem = _fresh_problem(dso.shape, day, outside, valued.moves[inside], valued.regulates[inside])
    solution = problem.solve(dso.name, **day.signals)
    discharged = np.zeros(len(inside))
    powers = solution["p_discharge_mw"] - solution["p_charge_mw"]
    discharged[inside] = np.maximum(powers, 0.0).sum(axis=1)
    discharged[~inside] = np.maximum(-drawn_mw, 0.0).sum(axis=1)
    borne = float(valued.ageing_cost_per_mwh @ discharged)
    borne += float(np.array(rest.wear_cost_per_mwh) @ discharged[~inside])
    return solution.objective + borne * dso.shape.period_h


def _fresh_problem(
    shape: DispatchShape, day: DispatchDay, outside: Sequence[str], moves: Flags, regulates: Flags
) -> LocalProblem:
    """The dispatch without some storages; those left are held at rest where they are unfit for a task."""
    left = replace(
        shape,
        opens_storages=False,
        head=day.head,
        storages=tuple(unit for unit in shape.storages if unit.name not in outside),
        sites=tuple(site for site in shape.sites if site[0] not in outside),
        wear_cost_per_mwh=tuple(one for one in shape.wear_cost_per_mwh if one[0] not in outside),
    )
    model = build_dispatch_model(left)
    model.resting = pyo.ConstraintList()
    for unit, may_move, may_regulate in zip(left.storages, moves, regulates, strict=True):
        for t in model.period:
            if not may_move:
                model.resting.add(model.p_charge_mw[unit.name, t] == 0.0)
                model.resting.add(model.p_discharge_mw[unit.name, t] == 0.0)
            if not may_regulate:
                model.resting.add(model.q_storage_mvar[unit.name, t] == 0.0)
    form = compile_model(model, (*SIGNALS, *left.further_signals))
    return LocalProblem(form, AcPhysics(left, form))


def stability(known: GridEvidence) -> Iterator[Reading]:
    """Whether a group would rather be the pool alone, and whether the pool has come to rest."""
    pools = by_pool(known.tables)
    for name, own in pools.items():
        yield from _stability(own, title_of(name, pools))


def _stability(tables: Tables, title: str) -> Iterator[Reading]:
    days, owners, of_several = tables["pool_days"], tables["storage_pool"], title.removeprefix("pool")
    games = tabulated_games(tables)
    excess = None if not games else core_violation_money(tables, games, int(days["day"].max()))
    if excess is not None:
        epsilon = least_core(games[max(games)]).epsilon
        empty = "empty" if epsilon > _CENT else "not empty"
        yield Reading(
            f"core violation{of_several}", max(0.0, excess), _CENT, "money", False,
            "what the members of the last day that gain most by being the pool alone would gain together",
            f"the core of all owners is {empty}: the least excess that a split can have is {epsilon:.4g}",
        )  # fmt: skip
    if days["day"].nunique() > 1:
        ended = formation_at_the_end(owners)
        yield Reading(
            f"formation of the {title}", abs(ended.period_days - 1.0), 0.0, "days", False,
            "how far the length of the cycle in which memberships end is from one day, a stable pool; still "
            "changing counts as 1",
            ended.outcome if ended.outcome == "still changing"
            else f"{ended.outcome} from day {ended.since_day} on, period {ended.period_days}",
        )  # fmt: skip
