"""Certificates of what a DSO posts: price and carbon factor are bounded, and continuous down to no load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gridarium.agents.feeder.best_response import BestResponse
from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.gas_turbines import GAS_TURBINES
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.results.records import Reading
from gridarium.market.adcef import AdcefTariff
from gridarium.market.factor_bounds import HIGHEST_SHARE
from gridarium.market.supply import Situation
from gridarium.market.tariffs import StaticCarbonTariff, Tariff, TouTariff

_ROUNDING = 1e-9
_JUMP = 1e-3
"""Largest change of a factor between next to no load and none at all that is none, tCO2/MWh."""
_NEXT_TO_NOTHING_MW = 1e-9
_FORMULAS = (TouTariff, StaticCarbonTariff, AdcefTariff)
"""Tariffs with one price for all, whose carbon factor is that of the loads together."""


def signals(known: GridEvidence) -> Iterator[Reading]:
    """What was posted against the bounds of a carbon factor, and what the tariff makes of next to no load."""
    for dso in known.of(Dso):
        posted = rows_of(known.tables, "signals", "dso")
        dirtiest = _dirtiest_tco2_per_mwh(known)
        factors = posted[["factor_tco2_per_mwh", "factor_planned_tco2_per_mwh"]].to_numpy(dtype=float)
        credit = posted["negative_factor_tco2_per_mwh"].to_numpy(dtype=float)
        beyond = np.max([factors - HIGHEST_SHARE * dirtiest, -dirtiest - factors])
        yield Reading(
            "bounds of the factor", max(0.0, float(beyond), float((-dirtiest - credit).max())), _ROUNDING,
            "tCO2/MWh", True,
            "by how much the carbon factor of loads or the credit in it passes its bounds: a MWh is credited "
            "with at most the dirtiest MWh of the grid's sources, and charged with at most two of them",
        )  # fmt: skip
        if not isinstance(dso.tariff, _FORMULAS):
            continue
        if all(isinstance(day.setter, BestResponse) for day in dso.days):
            beyond_per_mwh = _price_beyond_per_mwh(known, dso, dirtiest)
            tolerance = NEGOTIATION.of(known.scenario).price_tolerance_per_mwh
            section = DSO.of(known.scenario)
            yield Reading(
                "bounds of the price", max(0.0, beyond_per_mwh), tolerance, "money/MWh",
                section is None or not section.behaviour,
                "by how much a posted price lies further from the plain tariff than a carbon factor within "
                "its bounds, and what balances the budget, can move it (C7, C8)",
            )  # fmt: skip
        jumps = [jump_at_no_load(dso.tariff, day.plan.situation) for day in dso.days]
        yield Reading(
            "jump at no load", max(jumps), _JUMP, "tCO2/MWh", True,
            "largest change of the tariff's factor in any period when the load of one period falls from a "
            "milliwatt to nothing, all else as planned",
        )  # fmt: skip


def _dirtiest_tco2_per_mwh(known: GridEvidence) -> float:
    """Largest carbon factor of what comes in and of the gas turbines."""
    told = rows_of(known.tables, "signals", "dso")["grid_factor_tco2_per_mwh"].abs().max()
    own = GAS_TURBINES.of(known.scenario).values()
    return max([float(told), *(unit.emission_tco2_per_mwh for unit in own)])


def _price_beyond_per_mwh(known: GridEvidence, dso: Dso, dirtiest: float) -> float:
    """By how much posted prices pass what a bounded factor makes of the plain tariff, money/MWh.

    Notes
    -----
    With the factor in [-d, 2 d] the price of C7 lies between ``TOU - kappa lam (q + d)`` and
    ``TOU + kappa lam (2 d - q)``. What balances the budget (C8) is a mean over loads of discounts, at most
    ``kappa lam (q + d)``, less revenue, of which what is asked is at most ``2 d lam``.
    """
    rows = rows_of(known.tables, "signals", "dso")
    moved = (rows["price_per_mwh"] - rows["tou_price_per_mwh"]).to_numpy(dtype=float)
    above = moved.reshape(len(dso.days), -1)
    worst, kappa, most = -np.inf, dso.tariff.adjustment, HIGHEST_SHARE * dirtiest
    for day, own in zip(dso.days, above, strict=True):
        conditions = day.plan.situation.conditions
        quota, price = conditions.quota_tco2_per_mwh, dso.horizon.over_day(conditions.carbon_price_per_tco2)
        discount, charge = kappa * price * (quota + dirtiest), kappa * price * (most - quota)
        raised = float((discount + price * most).max()) if dso.tariff.budget_balanced else 0.0
        worst = max(worst, float((own - charge).max()) - raised, float((-discount - own).max()))
    return worst


def jump_at_no_load(tariff: Tariff, situation: Situation) -> float:
    """How far the factor of any period moves as the load of one falls to nothing at last, tCO2/MWh.

    Parameters
    ----------
    tariff : Tariff
    situation : Situation
        Of which the load of one period after the other is taken away.
    """

    def factor(period: int, load_mw: float) -> Array:
        load = situation.load_mw.copy()
        load[period] = load_mw
        return tariff.offer(replace(situation, load_mw=load, served_mw=None)).factor_tco2_per_mwh

    periods = range(len(situation.load_mw))
    return max(
        float(np.abs(factor(period, _NEXT_TO_NOTHING_MW) - factor(period, 0.0)).max()) for period in periods
    )
