"""Certificates of a supplier's step of exchange rounds: its price by a programme of its own, and as told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gridarium.agents.transmission.exchange_dispatch import ExchangeStep
from gridarium.agents.transmission.exchange_negotiation import ExchangeNegotiation
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.plans.dispatch_program import LOAD_SHARE, DispatchProgram
from gridarium.experiments.evidence.plans.system_reading import day_on_one_bus
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading

_ROUNDS = 20
"""Of tangents."""
_PRICE = 1e-4
"""Mean error of a price, relative, that tangents and solvers leave open."""
_MOST_APART = 5.0
"""Times the tolerance of the rounds: a price is posted in the round before rest is seen."""


def supply_steps(known: GridEvidence) -> Iterator[Reading]:
    """The last step of a supplier in the exchange rounds of each day."""
    section = TIES.of(known.scenario)
    found = [
        (ties, day, step)
        for ties in known.of(Ties)
        for day in ties.days
        if (step := _last_step(ties, day)) is not None
    ]
    if section is None or not found:
        return
    errors = [error for one in found if (error := _price_error(known, *one)) is not None]
    if errors:
        yield Reading(
            "price of a supplier's step", max(errors), _PRICE, "", False,
            "mean error of the price that a supplier's last step called for, relative: what could be saved "
            "by a linear programme of tangents on one bus if what followers shall take moved by up to "
            f"{LOAD_SHARE:.0%} and were paid for at this price, over what that share is worth (W.11)",
        )  # fmt: skip
    ended = [(day, step) for _, day, step in found if day.rounds[-1].ended == "converged"]
    if ended:
        yield Reading(
            "price as called for", max(_apart(day, step) for day, step in ended),
            _MOST_APART * section.rounds.tolerance, "", plays_exactly(known),
            "distance of the price of supply told last, with the system's own carbon, and the one that the "
            "answers to it call for, by the norm over steps, relative, where rounds came to rest",
        )  # fmt: skip

    charged = [one for one in ended if one[1].carbon_per_tco2 > 0.0]
    if charged and section.energy_price == "marginal":
        yield Reading(
            "own carbon in the price", max(_carbon_apart(day, step) for day, step in charged),
            _MOST_APART * section.rounds.tolerance, "", plays_exactly(known),
            "distance of what the price posted leaves out of the price of supply, and what the carbon of a "
            "further MWh costs the system by its last step, by the norm over steps, relative (W.1)",
        )  # fmt: skip


def _last_step(ties: Ties, day: TiesDay) -> ExchangeStep | None:
    negotiation = ties.in_force(day.number).negotiation
    held = isinstance(negotiation, ExchangeNegotiation) and not day.renewals and bool(day.rounds)
    return negotiation.last_step if held and isinstance(negotiation, ExchangeNegotiation) else None


def _price_error(known: GridEvidence, ties: Ties, day: TiesDay, step: ExchangeStep) -> float | None:
    """None where units that run cannot supply what followers shall take."""
    taken: Array = step.taken_mw
    given = day_on_one_bus(known, ties, day, taken)
    load = given.load_mw.sum(axis=0)
    worth = replace(given, load_worth_per_h=step.price_per_mwh * load)
    try:
        held, moved = (
            DispatchProgram(worth, share).least_cost(np.inf, _ROUNDS) for share in (0.0, LOAD_SHARE)
        )
    except SolveError:
        return None
    return share_of(max(0.0, held - moved), worth.worth_money, LEAST_MONEY) / LOAD_SHARE


def _apart(day: TiesDay, step: ExchangeStep) -> float:
    told = day.supply_price_per_mwh
    assert told is not None
    distance = float(np.linalg.norm(step.price_per_mwh - told))
    return distance / max(float(np.linalg.norm(told)), 1e-9)


def _carbon_apart(day: TiesDay, step: ExchangeStep) -> float:
    told, due = day.supply_price_per_mwh, step.carbon_per_tco2 * step.factor_tco2_per_mwh
    assert told is not None
    posted = day.signals[day.followers[0]].price_per_mwh
    return float(np.linalg.norm(told - posted - due)) / max(float(np.linalg.norm(due)), 1e-9)
