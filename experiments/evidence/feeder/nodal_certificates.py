"""Certificates of a surcharge on nodal carbon: its intensities, and the fixed point of loads and dispatch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.agents.feeder.load_follower import LoadFollower
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Grid
from gridarium.experiments.evidence.feeder.elastic_certificates import expected_load_mw
from gridarium.experiments.evidence.feeder.feeder_certificates import has_rational_consumers, meets_its_plan
from gridarium.experiments.evidence.feeder.outage_certificates import undisturbed
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_MW, ratio, share_of
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.experiments.results.records import Reading
from gridarium.market.nodal_carbon import NodalCarbonTariff

_REST = 1e-7
"""Largest change of a load, relative to the feeder's peak, that counts as rest."""
_ROUND_LIMIT = 20
_AS_TOLD = 1e-6
"""Difference of two carbon factors that is none, tCO2/MWh."""


def nodal_carbon(known: GridEvidence) -> Iterator[Reading]:
    """Intensities by which users were charged against those of the metered flows."""
    for dso in _surcharging(known):
        metered = np.array([state.intensity_tco2_per_mwh for state in known.grid.states]).T
        planned = dso.horizon.by_period(
            np.concatenate([day.plan.carbon.intensity_tco2_per_mwh for day in dso.days], axis=-1)
        )
        draws = known.grid.spread().p_share != 0.0
        yield Reading(
            "nodal carbon", float(np.nanmax(np.abs(planned - metered)[draws])), 1e-4, "tCO2/MWh",
            meets_its_plan(known) and not _is_revised(known, dso) and _brings_what_was_told(known),
            "largest difference at a load bus between the intensity that the operator has traced through its "
            "plan and that of the AC flow, carbon in storages included (A1); hard where what comes in is as "
            "carbon-intensive as the supplier has told",
        )  # fmt: skip


def _brings_what_was_told(known: GridEvidence) -> bool:
    """Whether the carbon factor at the head is the one that was told, wherever something comes in."""
    heads = rows_of(known.tables, "heads", "dso")
    apart = (heads["factor_metered_tco2_per_mwh"] - heads["factor_told_tco2_per_mwh"]).abs()
    return float(apart[heads["p_metered_mw"] > 0.0].max()) <= _AS_TOLD


def _is_revised(known: GridEvidence, dso: Dso) -> bool:
    """Whether users paid for the carbon of plans that did not stay in force."""
    return any(day.revised is not None for day in dso.days) or not undisturbed(known).all()


def fixed_point(known: GridEvidence) -> Iterator[Reading]:
    """The loads of a negotiation against fixed points that are found without any."""
    consumers = known.of(LoadFollower)
    exact = has_rational_consumers(known) and all(isinstance(one, ElasticConsumer) for one in consumers)
    for dso in _surcharging(known):
        if not exact or dso.today.owners_mw:
            continue
        joint, number = JointFixedPoint(known, dso), dso.today.number
        nearby = joint.found(dso.today.loads_mw)
        yield Reading(
            "elastic fixed point", _apart(nearby, dso), 1e-4, "", nearby.change <= _REST,
            "largest difference in an hour between all loads and those to which a joint iteration of "
            "responses, dispatch and carbon flow leads from there, without messages or memory, on the last "
            "day, relative to their peak",
            _told(nearby, dso),
        )  # fmt: skip
        base = joint.found({one.name: one.day(number).base_mw for one in joint.consumers})
        yield Reading(
            "one elastic fixed point", _apart(base, dso), 1e-4, "", False,
            "the same from the base loads: where storages have schedules of nearly the same cost, the "
            "iteration may rest elsewhere",
            _told(base, dso),
        )  # fmt: skip


def _apart(found: _Found, dso: Dso) -> float:
    """Largest difference of all loads in an hour from those agreed, relative to their peak."""
    agreed = np.sum(list(dso.today.loads_mw.values()), axis=0)
    return share_of(
        np.abs(np.sum(list(found.loads_mw.values()), axis=0) - agreed).max(), agreed.max(), LEAST_MW
    )


def _told(found: _Found, dso: Dso) -> str:
    cost = abs(ratio(found.cost_money, dso.today.plan.dispatch.cost_money) - 1.0)
    return f"rests after {found.rounds} rounds, last change {found.change:.1e}, cost apart {cost:.1e}"


def _surcharging(known: GridEvidence) -> list[Dso]:
    return [dso for dso in known.of(Dso) if isinstance(dso.tariff, NodalCarbonTariff)]


@dataclass(frozen=True)
class _Found:
    """Where an iteration has led: loads, cost of a dispatch, last change relative to the peak of loads."""

    loads_mw: Mapping[str, Array]
    cost_money: float
    change: float
    rounds: int


class JointFixedPoint:
    """Responses, dispatch and carbon flow, one after the other until loads stay.

    The dispatch is the operator's; responses and carbon flow are worked out beside the code of the agents.

    Parameters
    ----------
    known : GridEvidence
    dso : Dso
        Whose last day it is.
    """

    def __init__(self, known: GridEvidence, dso: Dso) -> None:
        self._known, self._dso = known, dso
        self.consumers = known.of(ElasticConsumer)

    def found(self, start_mw: Mapping[str, Array]) -> _Found:
        """Go on from some loads."""
        loads = dict(start_mw)
        peak, cost, change, rounds = float(np.max(sum(loads.values()))), np.nan, np.inf, 0
        while change > _REST and rounds < _ROUND_LIMIT:
            plan = self._dso.plan_for(loads)
            if plan is None:
                break
            answers = self._answers(self._price(plan, loads))
            change = max(float(np.abs(answers[name] - load).max()) for name, load in loads.items()) / peak
            loads, cost, rounds = answers, plan.dispatch.cost_money, rounds + 1
        return _Found(loads, cost, change, rounds)

    def _price(self, plan: DayAhead, loads_mw: Mapping[str, Array]) -> Array:
        """Time-of-use price and surcharge at each bus, shape (n_bus, n_step); A3."""
        tariff, market = TARIFF.of(self._known.scenario), plan.situation.conditions
        places = self._dso.connections
        shares = [(places[name].p_share, places[name].q_share, mw) for name, mw in loads_mw.items()]
        load = np.array(sum(np.outer(p_share, mw) for p_share, _, mw in shares))
        reactive = np.array(sum(np.outer(q_share, mw) for _, q_share, mw in shares))
        intensity = _Traced(self._known.grid, self._dso, plan, load, reactive).intensity_tco2_per_mwh()
        if tariff.params.get("revenue_neutral"):
            intensity = intensity - (intensity * load).sum() / load.sum()
        surcharge = tariff.adjustment * market.carbon_price_per_tco2 * intensity
        return np.asarray(market.tou_price_per_mwh + surcharge)

    def _answers(self, price_per_mwh: Array) -> dict[str, Array]:
        groups, posted = CONSUMERS.of(self._known.scenario), self._dso.today.signal
        answers = {}
        for one in self.consumers:
            told = replace(posted, price_per_mwh=series(one.place.p_share @ price_per_mwh))
            base, hours = one.day(posted.day).base_mw, one.horizon.step_h
            answers[one.name] = expected_load_mw(groups[one.group], base, told, hours)
        return answers


class _Traced:
    """Carbon of a plan by the AC power flow, with the dense matrices of proportional sharing."""

    def __init__(self, grid: Grid, dso: Dso, plan: DayAhead, load_mw: Array, load_mvar: Array) -> None:
        self._dso, self._plan = dso, plan
        shape, done, places = dso.shape, plan.dispatch, dict(dso.shape.sites)
        self._bus = [places[unit.name] for unit in shape.storages]
        net, q = -load_mw, -load_mvar
        self._made, self._carbon = np.zeros_like(net), np.zeros_like(net)
        kinds: Sequence[tuple[Sequence[object], Array, Array]] = (
            (shape.turbines, done.turbine_mw, done.turbine_mvar),
            (shape.renewables, done.renewable_mw, done.renewable_mvar),
        )
        for units, active, reactive in kinds:
            for unit, p_mw, q_mvar in zip(units, active, reactive, strict=True):
                at = places[unit.name]  # type: ignore[attr-defined]
                self._made[at] += p_mw
                self._carbon[at] += p_mw * getattr(unit, "emission_tco2_per_mwh", 0.0)
                q[at] += q_mvar
        net += self._made
        for at, charge, discharge, q_mvar in zip(
            self._bus, done.charge_mw, done.discharge_mw, done.storage_mvar, strict=True
        ):
            net[at] += discharge - charge
            q[at] += q_mvar
        for unit, q_mvar in zip(shape.compensators, done.compensator_mvar, strict=True):
            q[places[unit.name]] += q_mvar
        self._flow = grid.power_flow.solve(net.T, q.T, done.voltage_pu[0])
        bought = np.maximum(0.0, self._flow.p_slack_mw)
        self._made += np.maximum(-load_mw, 0.0)
        self._made[0] += bought
        self._carbon[0] += bought * plan.situation.conditions.grid_factor_tco2_per_mwh

    def intensity_tco2_per_mwh(self) -> Array:
        """At each bus, shape (n_bus, n_step); 0 where no power arrives."""
        today, units = self._dso.today, self._dso.shape.storages
        before = today.outlook.carbon_before
        energy = np.array(list(today.initial_mwh.values()))
        stored = np.zeros(len(units)) if before is None else before.left_tco2.copy()
        done, hours, found = self._plan.dispatch, self._dso.horizon.step_h, []
        for t in range(self._made.shape[1]):
            made, carbon = self._made[:, t].copy(), self._carbon[:, t].copy()
            for s, unit in enumerate(units):
                out = done.discharge_mw[s, t] * hours / unit.efficiency_discharge
                released = stored[s] * out / energy[s] if energy[s] > 0.0 else 0.0
                made[self._bus[s]] += done.discharge_mw[s, t]
                carbon[self._bus[s]] += released / hours
                stored[s], energy[s] = stored[s] - released, energy[s] - out
            intensity = self._shared(t, made, carbon)
            for s, unit in enumerate(units):
                charged = done.charge_mw[s, t] * hours
                stored[s] += charged * intensity[self._bus[s]]
                energy[s] += charged * unit.efficiency_charge
            found.append(intensity)
        return np.array(found).T

    def _shared(self, t: int, made_mw: Array, carbon_t_per_h: Array) -> Array:
        """(P_N - P_B^T) e_N = P_G^T e_G in one step, shape (n_bus,).

        P_N counts what arrives, P_B what is sent: the carbon of losses goes on with what is left.
        """
        feeder, flow = self._dso.shape.feeder, self._flow
        sent, flux = np.zeros((feeder.n_bus, feeder.n_bus)), made_mw.copy()
        for branch, parent in enumerate(feeder.parent):
            into, out = flow.p_from_mw[t, branch], flow.p_to_mw[t, branch]
            if into + out >= 0.0:
                sent[parent, branch + 1] = into
                flux[branch + 1] += out
            else:
                sent[branch + 1, parent] = -out
                flux[parent] -= into
        alive = flux > 1e-6 * made_mw.sum()
        intensity = np.zeros(feeder.n_bus)
        matrix = np.diag(flux) - sent.T
        intensity[alive] = np.linalg.solve(matrix[np.ix_(alive, alive)], carbon_t_per_h[alive])
        return intensity
