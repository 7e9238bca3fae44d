"""Certificates of what operators tell: tariffs at their plans, factors and shares of a bulk system's plan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.offer_reference import FORMULAS, Offer, offer_of
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.plans.plan_reading import plans_for_what_it_hears
from gridarium.experiments.parts.leader import LEADER
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.results.records import Reading

_ROUNDING = 1e-6


def tariffs(known: GridEvidence) -> Iterator[Reading]:
    """What a DSO has told of its plans against the formulas of its tariff at them."""
    if TARIFF.of(known.scenario).kind not in FORMULAS or not plans_for_what_it_hears(known):
        return
    for dso in known.of(Dso):
        days = [day for day in dso.days if day.setter.intended is None and day.hedge is None]
        if len(days) < len(dso.days):
            continue
        offers = [offer_of(known, day) for day in days]
        told = _told(known, dso)
        yield Reading(
            "factors told", max(_factor_apart(*each) for each in zip(days, offers, told, strict=True)),
            _ROUNDING, "tCO2/MWh", True,
            "largest difference of the carbon factor of loads, of all supply, or of the credit for a surplus "
            "as told of a plan, and emission by factors of its sources and virtual pools over its loads (C1, "
            "C3 to C5); MW of the surplus",
        )  # fmt: skip
        if LEADER.of(known.scenario).searches:
            # What it posts is no answer to a plan.
            continue
        yield Reading(
            "distance told", max(_distance_apart(*each) for each in zip(days, offers, told, strict=True)),
            _ROUNDING, "money/MWh", True,
            "largest difference of how far a day is told to be from the rest of its price, and the largest "
            "distance of the price posted from that of the tariff at the plan, its budget balanced (C7, C8)",
        )  # fmt: skip


Told = dict[str, Array]


def _told(known: GridEvidence, dso: Dso) -> list[Told]:
    """What tables tell of each day, in steps; the distance of the day in one number."""
    signals, days = rows_of(known.tables, "signals", "dso"), rows_of(known.tables, "days", "dso")
    found = list[Told]()
    for number in range(len(dso.days)):
        rows = signals.iloc[dso.horizon.periods(number)].iloc[:: dso.horizon.per_step]
        day: Told = {str(name): rows[name].to_numpy(dtype=float) for name in _COLUMNS}
        day["distance"] = days["price_distance_per_mwh"].to_numpy(dtype=float)[number : number + 1]
        found.append(day)
    return found


_COLUMNS = (
    "price_per_mwh",
    "factor_planned_tco2_per_mwh",
    "system_factor_tco2_per_mwh",
    "negative_factor_tco2_per_mwh",
    "surplus_mw",
    "p_load_plan_mw",
)


def _factor_apart(day: DsoDay, offer: Offer, told: Told) -> float:
    pairs = [
        (told["system_factor_tco2_per_mwh"], offer.system_factor_tco2_per_mwh),
        (told["negative_factor_tco2_per_mwh"], offer.negative_tco2_per_mwh),
        (told["surplus_mw"], offer.surplus_mw),
        (told["p_load_plan_mw"], np.sum(list(day.loads_mw.values()), axis=0)),
    ]
    if offer.factor_tco2_per_mwh is not None:
        pairs.append((told["factor_planned_tco2_per_mwh"], offer.factor_tco2_per_mwh))
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def _distance_apart(day: DsoDay, offer: Offer, told: Told) -> float:
    if offer.price_per_mwh is None:
        return 0.0
    return abs(float(np.abs(offer.price_per_mwh - told["price_per_mwh"]).max()) - float(told["distance"][0]))


def system_signals(known: GridEvidence) -> Iterator[Reading]:
    """Carbon factor and green share that a TIES has told, against the plan of its day."""
    for ties in known.of(Ties):
        told = rows_of(known.tables, "signals", "ties")
        factor, green = (told[name].to_numpy(dtype=float) for name in ("factor_tco2_per_mwh", "green_share"))
        over = ties.horizon.by_period
        own = [_mix(known, day) for day in ties.days]
        factors, shares = (over(np.concatenate(values)) for values in zip(*own, strict=True))
        apart = max(float(np.abs(factor - factors).max()), float(np.abs(green - shares).max()))
        yield Reading(
            "factors told", apart, _ROUNDING, "tCO2/MWh", True,
            "largest difference of carbon factor and green share, as told, and emission of units by their "
            "factors, less what is captured, with imports, and renewable power, over all that a plan "
            "supplies (W.1)",
        )  # fmt: skip


def _mix(known: GridEvidence, day: TiesDay) -> tuple[Array, Array]:
    """Carbon factor and green share of a plan, shape (n_step,) each."""
    plan = day.plan
    emission = day.horizon.fit(day.terms.factor_tco2_per_mwh) * plan.import_mw
    for row, unit in enumerate(THERMAL_UNITS.of(known.scenario).values()):
        emission = emission + unit.emission_tco2_per_mwh * plan.gross_mw[row] - plan.absorbed_tco2_per_h[row]
    renewable = plan.renewable_mw.sum(axis=0)
    supplied = plan.unit_mw.sum(axis=0) + renewable + plan.discharge_mw.sum(axis=0) + plan.import_mw
    some = supplied > 0.0
    factor, green = (
        np.divide(part, supplied, out=np.zeros_like(supplied), where=some) for part in (emission, renewable)
    )
    return factor, np.clip(green, 0.0, 1.0)
