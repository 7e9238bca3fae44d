"""Certificates of exchange rounds: the price supports the dispatch, targets are met, ladders are paid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.transmission.merit_order import MeritOrder
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import LEAST_MONEY, LEAST_MW, share_of
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import PERSONAL_CARBON, REPLICAS
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.price_limits import LEAST_SIZE

MOST_MISSED_PERCENT = 0.5
"""Part of what responses could save that exchange rounds may miss (D.4)."""
MOST_ABOVE_PERCENT = 20.0
"""Most that a world may cost everybody beyond a bound that knows all and has no network [assumed]."""
MOST_APART = 5.0
"""Times the tolerance of the rounds: targets of the last word are those of the round before rest was seen."""
_NOTHING_MONEY = 1e-3
_STEP_SHARE = 0.03
"""Step of a load by which a price is probed, as a share of the mean load."""


def exchange(known: GridEvidence) -> Iterator[Reading]:
    """Whether the price of exchange rounds supports the dispatch, and targets are met."""
    prices = [
        (ties, day, day.supply_price_per_mwh)
        for ties in known.of(Ties)
        for day in ties.days
        if day.supply_price_per_mwh is not None
    ]
    if not prices:
        return
    worst = max(_shortfall(ties, day, price) for ties, day, price in prices)
    yield Reading(
        "price of supply", worst, 0.05, "", True,
        "most by which a load of another size, by a step up or down in one step of the day or in all, would "
        "cost less than the price, with the system's own carbon, says: relative to the price of the step; "
        "by the dispatch on one bus at the losses of the network (W.11)",
    )  # fmt: skip
    told = [(day, _apart(day)) for _, day, _ in prices]
    yield Reading(
        "targets met", max(apart / day.rules.tolerance for day, apart in told), MOST_APART, "", True,
        "distance of what all followers answered to the final signal from their targets, relative to what "
        "they take, both by the norm over followers and steps by which rounds end: as a multiple of the "
        "distance at which they end",
    )  # fmt: skip


def _apart(day: TiesDay) -> float:
    """Norm of the distance of loads from targets, by that of loads, over all followers with a target."""
    pulls = {name: signal.pull for name, signal in day.signals.items() if signal.pull is not None}
    loads = np.array([day.loads_mw[name] for name in pulls])
    missed = loads - np.array([pull.target_mw for pull in pulls.values()])
    return share_of(float(np.linalg.norm(missed)), float(np.linalg.norm(loads)), LEAST_MW)


def gap(known: GridEvidence) -> Iterator[Reading]:
    """How far from the best for everybody the first day ended, where the rounds have that as their rest."""
    table = known.tables.get("exchange_gaps")
    if table is None or table["missed_at_most_percent"].isna().all():
        return
    yield Reading(
        "gap to the central optimum", float(table["missed_at_most_percent"].iloc[0]), MOST_MISSED_PERCENT,
        "%", False,
        "most of what responses could save on the first day that was missed, at the units that ran: cost to "
        "all beyond a bound that no plan undercuts, by what everybody does at one price",
    )  # fmt: skip


def central(known: GridEvidence) -> Iterator[Reading]:
    """How far, and on which side, the world has ended from what one plan for everybody costs at least."""
    table = known.tables.get("central_bounds")
    if table is None:
        return
    (row,) = table.to_dict("records")
    outcome, bound = float(row["outcome_money"]), float(row["bound_money"])
    yield Reading(
        "above the central bound", share_of(max(0.0, bound - outcome), bound, LEAST_MONEY), 1e-6, "", True,
        "by how much the world has cost everybody less than any plan for all with the units that ran could, "
        "relative to that: fuel, starts, wear, imports, carbon at one price, and what users bear (W.6)",
    )  # fmt: skip
    yield Reading(
        "gap to the central bound", float(row["gap_percent"]), MOST_ABOVE_PERCENT, "%", False,
        "what the world has cost everybody beyond the least that one plan for all could, networks, reserves "
        "and labels left out of it",
        f"{row['supply_gap_percent']:.3g} % with loads and losses as they were",
    )  # fmt: skip


def _shortfall(ties: Ties, day: TiesDay, price_per_mwh: Array) -> float:
    """max over d of (C(L) + y d - C(L + d)) / |y d|, both costs by a dispatch of its own."""
    planner, n_step = ties.planner, len(price_per_mwh)
    order, load = MeritOrder(planner.merit_order.shape), day.loads.sum(axis=0)
    forecast = planner.forecast(day, load)

    def cost(load_mw: Array) -> float:
        try:
            return order.solve("evidence", forecast.with_load(load_mw), day.on, day.state).cost_money
        except InfeasibleError:
            return float("inf")

    here, size = cost(load), _STEP_SHARE * float(load.mean())
    least = LEAST_SIZE * ties.horizon.step_h * float(np.abs(price_per_mwh).mean()) * size + _NOTHING_MONEY
    found = []
    for move in (*np.eye(n_step), np.ones(n_step)):
        for sign in (size, -size):
            told = ties.horizon.step_h * float(price_per_mwh @ move) * sign
            found.append(share_of(here + told - cost(load + sign * move), told, least))
    return max(0.0, *found)


def head_ladders(known: GridEvidence) -> Iterator[Reading]:
    """What the scope of a grid has paid for the carbon of its head, against the ladder told, by hand."""
    if known.above is None:
        return
    leaders = {ties.name: ties for ties in known.above.of(Ties)}
    for operator in known.head_customers:
        if operator.supplier not in leaders:
            continue
        head, ledger = known.tables["heads"], known.tables["ledger"]
        own = {known.grid.local(operator.name), REPLICAS}
        paid = ledger[ledger["account"].isin(own) & (ledger["purpose"] == PERSONAL_CARBON)]
        by_period = paid.groupby("period")["amount_money"].sum()
        taken = np.maximum(head["p_metered_mw"].to_numpy(), 0.0) * known.grid.replicas
        owed = np.zeros(len(taken))
        for day in leaders[operator.supplier].days:
            signal, periods = day.signals[operator.name], operator.horizon.periods(day.number)
            over = operator.horizon.over_day
            if signal.ladder is not None:
                carbon = over(signal.factor_tco2_per_mwh) * taken[periods]
                owed[periods] = _owed_per_h(signal.ladder.over(over), carbon) * known.world.period_h
        booked = -by_period.reindex(head["period"], fill_value=0.0).to_numpy(dtype=float)
        yield Reading(
            "head carbon paid once",
            float(np.abs(booked - owed).max()) / max(float(np.abs(owed).max()), 1e-9),
            1e-9, "", True,
            "largest difference in a period between what was paid for the carbon of what all replicas took "
            "and the steps of the ladder told, at the factor told, on the energy metered; relative to the "
            "largest payment",
        )  # fmt: skip


def _owed_per_h(ladder: PersonalLadder, carbon_t_per_h: Array) -> Array:
    """Each step of a ladder by its length and its price; below the quota the first one is a reward."""
    above, length = carbon_t_per_h - ladder.quota_t_per_h, ladder.interval_t_per_h
    owed = ladder.base_price_per_tco2 * np.minimum(above, 0.0)
    for number in range(ladder.steps):
        most = length if number < ladder.steps - 1 else np.inf
        on_it = np.clip(above - number * length, 0.0, most)
        owed = owed + ladder.base_price_per_tco2 * (1.0 + ladder.growth * number) * on_it
    return np.asarray(owed)
