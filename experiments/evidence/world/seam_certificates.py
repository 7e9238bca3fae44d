"""Certificates of the seams: energy, carbon and money at each head, and carbon of the whole tree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.following import HeadCustomer
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid, PeriodState
from gridarium.environment.world import World
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.evidence.shares import LEAST_MONEY, LEAST_TCO2, share_of
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import EXPORT, PURCHASE, REAL_TIME, REPLICAS

_HEAD_PURPOSES = (PURCHASE, EXPORT, REAL_TIME)
_A_WATT_MW = 1e-6
_LEAST_T_PER_H = 0.01
"""Carbon of sources below which flows to 1e-9 p.u. are too coarse to trace a millionth of it."""
_SEAM = 1e-9
"""How well both sides of a seam agree, relative."""


def carbon_of_tree(world: World) -> Iterator[Reading]:
    """Carbon that sources put into all grids against what loads and losses carry away."""
    grids = world.grids
    put_in = sum(grid.copies * sum(float(s.source_t_per_h.sum()) for s in grid.states) for grid in grids)
    taken = sum(grid.copies * sum(_carried(grid, state) for state in grid.states) for grid in grids)
    exported = sum(
        grid.copies * max(0.0, -state.exchange_mw) * _bus_intensity(state, 0)
        for grid in grids
        if grid.above is None
        for state in grid.states
    )
    lost = share_of(abs(put_in - taken - exported), put_in, _LEAST_T_PER_H)
    yield Reading(
        "carbon of the tree", lost, 1e-6, "", True,
        "carbon of the sources of all grids against intensity times what is drawn or lost at every bus, "
        "from the AC flows, relative to the sources",
    )  # fmt: skip


def _carried(grid: Grid, state: PeriodState) -> float:
    """Carbon of everything that is drawn at the buses of a grid, t/h; losses are carried by who receives."""
    taken = np.maximum(state.drawn_mw, 0.0) + _shunt_mw(grid, state)
    return float(np.nan_to_num(state.intensity_tco2_per_mwh) @ taken) + _stranded(grid, state)


def _stranded(grid: Grid, state: PeriodState) -> float:
    """Carbon that ends in the losses of branches to buses that nothing passes, and of sources there, t/h."""
    intensity, flow = state.intensity_tco2_per_mwh, state.flow
    p_from, p_to = flow.p_from_mw[0], flow.p_to_mw[0]
    forward, parent, child = p_from + p_to >= 0.0, grid.feeder.parent, np.arange(1, grid.feeder.n_bus)
    sender, receiver = np.where(forward, parent, child), np.where(forward, child, parent)
    lost = np.isnan(intensity[receiver]) & ~np.isnan(intensity[sender])
    sent = np.where(forward, p_from, -p_to)[lost] @ intensity[sender[lost]]
    return float(sent + state.source_t_per_h[np.isnan(intensity)].sum())


def _shunt_mw(grid: Grid, state: PeriodState) -> Array:
    """What shunt conductances draw at each bus, MW."""
    return np.asarray(state.flow.vm_pu[0] ** 2 * grid.feeder.g_bus_pu * grid.feeder.base_mva)


def _bus_intensity(state: PeriodState, bus: int) -> float:
    return float(np.nan_to_num(state.intensity_tco2_per_mwh[bus]))


def seam_energy(known: GridEvidence) -> Iterator[Reading]:
    """What the branches and loads at a grid's head bus draw, times replicas, against what stands above."""
    above = known.grid.above
    if above is None or not known.head_customers:
        return
    together = [one for one in above.grid.below if one.above and one.above.bus == above.bus]
    gap = largest = 0.0
    for period in range(known.world.periods_done):
        drawn = sum(one.replicas * _drawn_from_head(one, period) for one in together)
        gap = max(gap, abs(drawn - float(above.grid.states[period].below_mw[above.bus])))
        largest = max(largest, abs(drawn))
    yield Reading(
        "seam energy", gap / max(largest, _A_WATT_MW), _SEAM, "", True,
        "largest difference between the power that enters the branches and loads at the head, times "
        "replicas, and the power drawn at the place above, relative to the largest power",
    )  # fmt: skip


def _drawn_from_head(grid: Grid, period: int) -> float:
    """What branches, loads and grids below take at the head bus beyond what agents feed in there, MW."""
    state = grid.states[period]
    branches = state.flow.p_from_mw[0][grid.feeder.parent == 0].sum()
    taken = state.drawn_mw[0] + state.below_mw[0] + _shunt_mw(grid, state)[0] - state.source_mw[0]
    return float(branches + taken)


def seam_carbon(known: GridEvidence) -> Iterator[Reading]:
    """Intensity on both sides of a head, which is a lossless branch."""
    above = known.grid.above
    if above is None or "heads" not in known.tables:
        return
    head = known.tables["heads"]
    below_side = np.array([_bus_intensity(state, 0) for state in known.grid.states])
    above_side = np.array([_bus_intensity(state, above.bus) for state in above.grid.states])
    taken, carbon = head["p_metered_mw"].to_numpy(), head["carbon_t_per_h"].to_numpy()
    sender = np.where(taken >= 0.0, above_side, below_side)
    yield Reading(
        "seam carbon", share_of(np.abs(carbon - sender * taken).max(), np.abs(carbon).max(), LEAST_TCO2),
        _SEAM, "", True,
        "carbon that passes the head against its power times the nodal intensity of the sending side, "
        "relative to the largest flow",
    )  # fmt: skip


def payments_between_levels(world: World, tables: Tables) -> Iterator[Reading]:
    """Whether both sides of each payment from one grid to another are there, where one hangs on another."""
    if all(grid.above is None for grid in world.grids) or "ledger" not in tables:
        return
    known = {agent.name for agent in world.agents if isinstance(agent, GridAgent)}
    known |= {grid.named(REPLICAS) for grid in world.grids if grid.replicas > 1}
    sides = tables["ledger"][["account", "counterparty"]].drop_duplicates()
    scopes = sides.apply(lambda names: names.str.rpartition("/")[0])
    inside = (scopes["account"] != "") & (scopes["counterparty"] != "")
    between = sides[inside & (scopes["account"] != scopes["counterparty"])]
    lost = [
        f"{payer} to {payee}"
        for payer, payee in between.itertuples(index=False)
        if not {payer, payee} <= known
    ]
    yield Reading(
        "payments between levels", float(len(lost)), 0.0, "", True,
        "pairs of accounts between which something was paid from one grid to another, and of which one is no "
        "agent of the world, nor the grids that are equal to one",
        "; ".join(lost),
    )  # fmt: skip


def head_paid_once(known: GridEvidence) -> Iterator[Reading]:
    """What the scope of a grid has paid its supplier, against the price told times the energy metered."""
    for operator in known.head_customers:
        supplier, head = known.grid.local(operator.supplier), known.tables["heads"]
        ledger = known.tables["ledger"]
        received = ledger[(ledger["account"] == supplier) & ledger["purpose"].isin(_HEAD_PURPOSES)]
        by_period = received.groupby("period")["amount_money"].sum()
        paid = by_period.reindex(head["period"], fill_value=0.0).to_numpy(dtype=float)
        bought, sold = _told_by(known, operator)
        weight = head["replicas"].to_numpy() * known.world.period_h
        taken = head["p_metered_mw"].to_numpy()
        price = np.where(taken >= 0.0, bought, sold) * weight
        # Less than a watt is rounding, and need be nobody's bill.
        wrong = np.maximum(0.0, np.abs(paid - price * taken) - np.abs(price) * _A_WATT_MW)
        scale = max(float(np.abs(price * taken).max()), LEAST_MONEY)
        yield Reading(
            "head paid once", float(wrong.max()) / scale, _SEAM, "", True,
            "largest difference in a period between what was paid to the supplier of the head and energy "
            "metered there times the price that the supplier told, replicas included, beyond what a watt "
            "costs, relative to the largest payment",
        )  # fmt: skip


def _told_by(known: GridEvidence, operator: HeadCustomer) -> tuple[Array, Array]:
    """Price for energy taken and fed back in each settlement period, as the supplier has told it."""
    place = known.above or known
    signals = place.tables["signals"]
    told = signals[signals["agent"] == place.grid.local(operator.supplier)]
    return (
        told["price_below_per_mwh"].to_numpy(dtype=float),
        told["export_price_below_per_mwh"].to_numpy(dtype=float),
    )
