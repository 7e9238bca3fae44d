"""Days on which units fail or are corrected: where they depart from the plan in force, and if they may."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.standby_book import ComplexArray
from gridarium.agents.storage.standby_storage import StandbyStorage
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.edge import EDGE
from gridarium.experiments.parts.incidents import INCIDENTS
from gridarium.experiments.parts.renewables import RENEWABLES
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.results.records import Reading

_FOLLOWED_MW = 1e-6


def may_depart(known: GridEvidence) -> bool:
    """Whether a scenario lets units do otherwise than they are told within a period, or have other power."""
    scenario = known.scenario
    units = STORAGES.of(scenario).values()
    fails = any(unit.failures is not None or unit.thermal is not None for unit in units)
    errs = any(unit.error_bound > 0.0 for unit in RENEWABLES.of(scenario).values())
    return bool(known.of(Dso)) and (fails or errs or EDGE.is_given(scenario) or INCIDENTS.is_given(scenario))


def departures_mw(known: GridEvidence) -> dict[str, Array]:
    """How far each storage and plant was from the plan in force, active and reactive, shape (n_period,)."""
    found: dict[str, Array] = {}
    for dso in known.of(Dso):
        for owner in known.of(StorageOwner):
            did, (net_mw, q_mvar) = owner.storage, _told_storage(known, dso, owner.name)
            apart = np.abs(did.charge_mw - did.discharge_mw - net_mw)
            found[owner.name] = np.maximum(apart, np.abs(did.q_mvar - q_mvar))
        plants = {one.name: one for one in known.of(RenewablePlant)}
        for row, unit in enumerate(dso.shape.renewables):
            name = known.grid.named(unit.name)
            told = np.concatenate([day.in_force.renewable_mw[row] for day in dso.days])
            found[name] = np.abs(plants[name].delivered_mw - dso.horizon.by_period(told))
        for one in known.of(StandbyStorage):
            counted, did = _counted_mva(known, dso, one.name), one.storage
            apart = np.abs(did.discharge_mw - did.charge_mw - counted.real)
            found[one.name] = np.maximum(apart, np.abs(did.q_mvar - counted.imag))
    return found


def _told_storage(known: GridEvidence, dso: Dso, name: str) -> tuple[Array, Array]:
    """What a storage is to draw and its reactive power, by its owner or the plan in force, by period."""
    rows = [known.grid.named(unit.name) for unit in dso.shape.storages]
    net, q_mvar = list[Array](), list[Array]()
    for day in dso.days:
        nothing = np.zeros(dso.horizon.n_step)
        if name in day.owners_mw:
            net.append(day.own_mw[list(day.owners_mw).index(name)])
            q_mvar.append(nothing)
        else:
            done, row = day.in_force, rows.index(name)
            net.append(done.charge_mw[row] - done.discharge_mw[row])
            q_mvar.append(done.storage_mvar[row])
    hold = dso.horizon.by_period
    return hold(np.concatenate(net)), hold(np.concatenate(q_mvar))


def _counted_mva(known: GridEvidence, dso: Dso, name: str) -> ComplexArray:
    """What the plan in force counts on of a storage that stands by, MW + j Mvar, shape (n_period,)."""
    counted = np.zeros(known.world.n_period, dtype=np.complex128)
    for plan in dso.outages.plans if dso.outages else ():
        if plan.dispatch is not None:
            days = dso.horizon.periods(plan.day)
            first = days.start + plan.first_step * dso.horizon.per_step
            fed_in = plan.standby_mva.get(name, np.zeros(dso.horizon.n_step - plan.first_step))
            counted[first : days.stop] = np.repeat(fed_in, dso.horizon.per_step)
    return counted


def undisturbed(known: GridEvidence) -> Flags:
    """Periods in which all units did what the plan in force says, shape (n_period,).

    All of them where no unit may depart from it.
    """
    if not may_depart(known):
        return np.ones(known.world.n_period, dtype=np.bool_)
    apart = list(departures_mw(known).values())
    nothing = np.zeros((1, known.world.n_period))
    return np.asarray(np.concatenate([nothing, *(one[None] for one in apart)]).max(axis=0) <= _FOLLOWED_MW)


def planned_ends_mwh(known: GridEvidence) -> dict[str, float | None]:
    """What is to be in storages at the end, MWh, by name, where that is not what was in them at first.

    None for one that is out or has departed from the plan since it was made.
    """
    if not may_depart(known):
        return {}
    ends: dict[str, float | None] = {}
    for dso in known.of(Dso):
        made, finals, out = 0, dict[str, float](), tuple[str, ...]()
        last = dso.horizon.n_day - 1
        for plan in dso.outages.plans if dso.outages else ():
            if plan.dispatch is not None and plan.day == last:
                made = dso.horizon.periods(last).start + plan.first_step * dso.horizon.per_step
                finals, out = dict(plan.final_mwh), plan.out
        for name, apart in departures_mw(known).items():
            if name in out or float(apart[made:].max(initial=0.0)) > _FOLLOWED_MW:
                ends[known.grid.local(name)] = None
            elif name in finals:
                ends[known.grid.local(name)] = finals[name]
    return ends


def departures(known: GridEvidence) -> Iterator[Reading]:
    """Units that depart from the plan in force though nothing has befallen them."""
    if not may_depart(known):
        return
    storages = (*known.of(StorageOwner), *known.of(StandbyStorage))
    befallen = {one.name for one in storages if one.storage.breaker.openings or one.storage.interventions}
    plants = RENEWABLES.of(known.scenario).items()
    uncertain = {known.grid.named(name) for name, unit in plants if unit.error_bound}
    befallen |= uncertain | {one.name for one in known.of(RenewablePlant) if one.drops}
    apart = departures_mw(known)
    worst = max((float(one.max()) for name, one in apart.items() if name not in befallen), default=0.0)
    left_out = int((~undisturbed(known)).sum())
    yield Reading(
        "departures", worst, _FOLLOWED_MW, "MW", True,
        "most by which a storage or plant that was never out, corrected, called upon or shaded departs from "
        "the plan in force",
        f"in {left_out} periods some unit departed from it; the grid is held against the plan in the others",
    )  # fmt: skip
