"""Certificates of a surcharge on nodal carbon: its intensities, and the fixed point of loads and dispatch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.agents.feeder.load_follower import LoadFollower
from gridarium.environment.arrays import Array, series
from gridarium.experiments.evidence.feeder.elastic_certificates import expected_load_mw
from gridarium.experiments.evidence.feeder.feeder_certificates import has_rational_consumers, meets_its_plan
from gridarium.experiments.evidence.feeder.outage_certificates import undisturbed
from gridarium.experiments.evidence.feeder.traced_plan import TracedPlan
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.plans.plan_reading import at_buses
from gridarium.experiments.evidence.shares import LEAST_MW, ratio, share_of
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.experiments.results.records import Reading
from gridarium.market.nodal_carbon import NodalCarbonTariff

_REST = 1e-7
"""Largest change of a load, relative to the feeder's peak, that counts as rest."""
_ROUND_LIMIT = 20
_TRACE = 1e-7
"""What a dispatch within a solver's tolerance and its AC flow may differ by, tCO2/MWh."""
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
        yield Reading(
            "planned nodal carbon", max(_trace_apart(known, dso, day) for day in dso.days), _TRACE,
            "tCO2/MWh", True,
            "largest difference at a load bus between the intensity that the operator has traced through a "
            "plan and that of the AC flow of the same plan by dense proportional sharing, carbon in storages "
            "included (A1)",
        )  # fmt: skip


def _trace_apart(known: GridEvidence, dso: Dso, day: DsoDay) -> float:
    """Largest difference of intensities of a plan from those of its AC flow, at buses with a load."""
    load, reactive = at_buses(dso.contract.loads, day.loads_mw, day.loads_mvar, known.grid.feeder.n_bus)
    traced = TracedPlan(known.grid, dso, day, day.plan, load, reactive).intensity_tco2_per_mwh()
    apart = np.abs(day.plan.carbon.intensity_tco2_per_mwh - traced)
    return float(apart[known.grid.spread().p_share != 0.0].max())


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
        traced = TracedPlan(self._known.grid, self._dso, self._dso.today, plan, load, reactive)
        intensity = traced.intensity_tco2_per_mwh()
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
