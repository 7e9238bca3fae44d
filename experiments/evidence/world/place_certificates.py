"""Certificates of what tables call buses, and of what is told of the head of a grid, by file and meters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.environment.network_tables import CASE33BW, is_simbench_code, network_file
from gridarium.experiments.evidence.feeder.bus_certificates import load_shares
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.plans.radial_flow import radial_flow
from gridarium.experiments.evidence.vpp.vpp_meters import plant_of_owner, region_of_owner
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.results.records import Reading

_LEAST_MWH = 1e-9
_A_WATT_MW = 1e-6
"""What is less has no carbon factor of its own."""


def labels(known: GridEvidence) -> Iterator[Reading]:
    """Whether buses are called in tables as in the file of the network, and units stand where they shall."""
    network, buses = NETWORK.of(known.scenario), known.tables.get("buses")
    branches = known.tables.get("branches")
    if buses is None or branches is None or is_simbench_code(network.source):
        return
    table = _table_of_buses(network.source)
    first = 1 if network.source == CASE33BW else 0
    named = {str(int(index) + first) for index in table["index"]}
    told = {
        str(label)
        for ends in (buses["bus"], branches["from_bus"], branches["to_bus"])
        for label in ends.unique()
    }
    placed = known.tables["dispatch"].groupby("agent")["bus"].first()
    # A bus that a closed switch joins to another one goes by the name of that.
    sites = {unit: str(site) for unit, site in network.sites.items() if unit in placed and str(site) in told}
    astray = sum(str(placed[unit]) != site for unit, site in sites.items())
    yield Reading(
        "bus labels", float(len(told - named) + astray), 0.0, "", True,
        "names of buses in tables that the file of the network does not have, those of case33bw being the "
        "IEEE numbers, and units that stand at another bus than at their site",
    )  # fmt: skip
    yield Reading(
        "bus positions", _off_places(buses, branches, _coordinates(network.source, table)), 1e-9, "", True,
        "largest distance of a bus from its coordinates in the file; where that does not give all, from its "
        "depth in the tree and the middle of the ends behind it",
    )  # fmt: skip


def _table_of_buses(source: str) -> dict[str, Any]:
    """The table of buses of a pandapower file: index, columns and data."""
    content = json.loads(Path(network_file(source)).read_text(encoding="utf-8"))
    packed = content["_object"]["bus"]["_object"]
    table: dict[str, Any] = json.loads(packed) if isinstance(packed, str) else packed
    return table


def _off_places(buses: pd.DataFrame, branches: pd.DataFrame, places: Mapping[str, list[float]]) -> float:
    """Largest distance of a bus from where it is by the file, or by the tree where that does not say."""
    told = buses.drop_duplicates("bus").set_index("bus")[["x", "y"]]
    ways = branches.drop_duplicates("branch")[["from_bus", "to_bus"]].astype(str).to_numpy().tolist()
    if not all(str(bus) in places for bus in told.index):
        places = _laid_out(str(told.index[0]), ways)
    due = np.array([places[str(bus)] for bus in told.index], dtype=float)
    return float(np.abs(told.to_numpy(dtype=float) - due).max())


def _laid_out(head: str, ways: list[list[str]]) -> dict[str, list[float]]:
    """Depth of each bus, and the middle of the ends of the tree behind it, ends counted from 0."""
    behind: dict[str, list[str]] = {head: []}
    for above, bus in ways:
        behind.setdefault(above, []).append(bus)
        behind.setdefault(bus, [])
    ends = {bus: 1 for bus, further in behind.items() if not further}
    for _, bus in reversed([["", head], *ways]):
        ends[bus] = ends.get(bus) or sum(ends[one] for one in behind[bus])
    places, begins = {head: [0.0, 0.5 * (ends[head] - 1)]}, {head: 0}
    for above, bus in ways:
        before = behind[above][: behind[above].index(bus)]
        begins[bus] = begins[above] + sum(ends[one] for one in before)
        places[bus] = [places[above][0] + 1.0, begins[bus] + 0.5 * (ends[bus] - 1)]
    return places


def _coordinates(source: str, table: dict[str, Any]) -> dict[str, list[float]]:
    """Coordinates that the file gives, by bus; none of case33bw, where they are drawn at random."""
    if source == CASE33BW or "geo" not in table["columns"]:
        return {}
    column = table["columns"].index("geo")
    given = {str(int(index)): row[column] for index, row in zip(table["index"], table["data"], strict=True)}
    return {bus: json.loads(text)["coordinates"][:2] for bus, text in given.items() if text}


def heads(known: GridEvidence) -> Iterator[Reading]:
    """Carbon factor of what passed a head, by its carbon and its power, and what was planned to pass it."""
    rows = known.tables.get("heads")
    if rows is None:
        return
    power, carbon, told = (
        rows[name].to_numpy(dtype=float)
        for name in ("p_metered_mw", "carbon_t_per_h", "factor_metered_tco2_per_mwh")
    )
    passes = np.abs(power) > _A_WATT_MW
    apart = np.abs(told * power - carbon)[passes & ~np.isnan(told)].max(initial=0.0)
    yield Reading(
        "factor at the head", float(apart) + float((np.isnan(told) == passes).sum()),
        1e-9, "tCO2/h", True,
        "largest difference of the carbon that passed a head, and power times factor as told of it; 1 for "
        "each period in which there is a factor without power, or the other way round",
    )  # fmt: skip
    plans = list(_planned_mw(known))
    if plans:
        said = rows.set_index(["agent", "period"])["p_plan_mw"]
        off = [
            float(np.abs(said[name].sort_index().to_numpy(dtype=float) - own).max()) for name, own in plans
        ]
        yield Reading(
            "plan at the head", max(off), 1e-6, "MW", True,
            "largest difference of what was said to be planned to pass the head of a grid, and purchases "
            "less sales, or imports less what is spilled, of the plans of its operator, or the flow of what "
            "plants have planned",
        )  # fmt: skip
    foreseen = list(_forecasts_mw(known))
    if foreseen:
        said = rows.set_index(["agent", "period"])["p_forecast_mw"]
        apart_mw = [np.abs(said[name].sort_index().to_numpy(dtype=float) - own) for name, own in foreseen]
        yield Reading(
            "forecast at the head", max(float(np.nanmax(one, initial=0.0)) for one in apart_mw), 1e-6, "MW",
            True,
            "largest difference of what the operator of a feeder has said that will pass its head, if it was "
            "asked, and base loads and what owners want, less what renewable plants could deliver, within "
            "the limits of the scenario",
        )  # fmt: skip


def _forecasts_mw(known: GridEvidence) -> Iterator[tuple[str, Array]]:
    """Name of each operator of a feeder and what it foresees at its head, shape (n_period,)."""
    for dso in known.of(Dso):
        limits, series = PRICES.of(known.scenario), list[Array]()
        for day in dso.days:
            drawn = np.sum([*day.base_mw.values(), *day.own_mw], axis=0)
            net = drawn - np.sum([*day.available_mw.values(), 0.0 * drawn], axis=0)
            series.append(np.minimum(np.maximum(net, -limits.export_limit_mw), limits.import_limit_mw))
        yield known.grid.local(dso.name), dso.horizon.by_period(np.concatenate(series))


def _planned_mw(known: GridEvidence) -> Iterator[tuple[str, Array]]:
    """Name of each operator and what its plans of all days let pass the head, shape (n_period,)."""
    for dso in known.of(Dso):
        net = [day.plan.dispatch.buy_mw - day.plan.dispatch.sell_mw for day in dso.days]
        yield known.grid.local(dso.name), dso.horizon.by_period(np.concatenate(net))
    for ties in known.of(Ties):
        net = [day.plan.import_mw - day.plan.spill_mw for day in ties.days]
        yield known.grid.local(ties.name), ties.horizon.by_period(np.concatenate(net))
    for operator in known.of(DistributionOperator):
        rounds = rows_of(known.tables, "rounds", "distribution_operator")
        if "refused" not in rounds or not rounds["refused"].any():
            yield known.grid.local(operator.name), _with_plants_mw(known)


def _with_plants_mw(known: GridEvidence) -> Array:
    """What loads of regions, and plants' storages as planned by their capacities, let pass the head, MW."""
    feeder, n, shares = known.grid.feeder, known.world.n_period, load_shares(known)
    fed_mw, fed_mvar = np.zeros((2, feeder.n_bus, n))
    for load, own in rows_of(known.tables, "loads", "load").groupby("agent"):
        planned = own.sort_values("period")["p_plan_mw"].to_numpy(dtype=float)
        p_share, q_share = shares[str(load)]
        fed_mw -= np.outer(p_share, planned)
        fed_mvar -= np.outer(q_share, planned)
    owners, regions, units = plant_of_owner(known), region_of_owner(known), STORAGES.of(known.scenario)
    labels = [str(label) for label in feeder.bus_labels]
    places = known.tables["dispatch"].groupby("agent")["bus"].first()
    for (plant, region), own in known.tables["vpp_regions"].groupby(["agent", "region"]):
        capacity = np.zeros(feeder.n_bus)
        for owner in owners:
            if owners[owner] == plant and regions[owner] == region:
                capacity[labels.index(str(places[owner]))] += units[owner].e_max_mwh
        rows = own.sort_values("period")
        drawn = (rows["charge_plan_mw"] - rows["discharge_plan_mw"]).to_numpy(dtype=float)
        fed_mw -= np.outer(capacity / max(capacity.sum(), _LEAST_MWH), drawn)
    return radial_flow(feeder, fed_mw, fed_mvar, np.full(n, known.grid.head_vm_pu)).head_mw
