"""The three gaps of the first day of a TIES whose followers are all regional systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array, series
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.transmission.fixed_points import (
    FixedPoints,
    from_many_starts,
    random_loads,
    spectral_radius,
)
from gridarium.experiments.evidence.transmission.game_gaps import PlayedDay, measure_gaps
from gridarium.experiments.evidence.transmission.leader_search import Instrument
from gridarium.experiments.parts.ties import TIES
from gridarium.market.carbon_policy import Standing
from gridarium.market.messages.tariffs import TariffSignal

CARBON_LEVELS, ENERGY_LEVELS = (0.5, 2.5), (0.8, 1.2)
"""How far a leader may move its prices: carbon from 20 to 100 at a base of 40 (D.3), energy by a fifth."""
N_START, DAMPING = 5, 0.5
"""Loads from which the rounds are played again, and the part of the way that they take."""


def game_gaps_table(known: GridEvidence) -> pd.DataFrame:
    """One row for a grid whose scenario asks for it, or none.

    Only the first day begins in a state that nobody has shaped. Grids below are no followers whose problem is
    at hand, and exchange rounds have no formula of prices, so that there is nothing to measure with them.
    """
    section, leaders = TIES.of(known.scenario), known.of(Ties)
    if section is None or not section.game_gaps or section.rounds.kind != "prices":
        return pd.DataFrame()
    (ties,) = leaders
    regions = {region.name: region for region in known.of(Region)}
    today = ties.days[0]
    if set(today.followers) != set(regions):
        return pd.DataFrame()
    played = played_day(ties, today, regions)
    formula = _Formula(ties, today, played)
    gaps = measure_gaps(played, formula, _instruments(ties))
    found, radius = _fixed_points(played, formula)
    return pd.DataFrame(
        {
            "grid": [known.grid.name],
            "outcome_money": gaps.outcome.cost_money,
            "optimum_money": gaps.optimum.cost_money,
            "untouched_money": gaps.untouched.cost_money,
            "social_percent": gaps.social_percent,
            "missed_saving_percent": gaps.social_share_of_saving_percent,
            "stackelberg_percent": gaps.stackelberg_percent,
            "stackelberg_bound_percent": gaps.stackelberg_bound_percent,
            "stackelberg_profit_percent": gaps.stackelberg_profit_percent,
            "nash_percent": gaps.nash_percent,
            "nash_held_percent": gaps.nash.held_percent,
            "starts_at_rest": int(found.at_rest.sum()),
            "starts_spread": found.spread,
            "best_response_radius": radius,
        }
    )


def _fixed_points(played: PlayedDay, formula: _Formula) -> tuple[FixedPoints, float]:
    """Where rounds would have led from other loads, and the spectral radius of an answer at the outcome."""
    names, days = list(played.days), list(played.days.values())

    def answer(loads_mw: Array) -> Array:
        told = formula(dict(zip(names, loads_mw, strict=True)))
        return np.array([day.best(told[name]).net_mw for name, day in played.days.items()])

    random = np.random.default_rng(0)
    highest = 3.0 * max(float(signal.price_per_mwh.max()) for signal in played.signals.values())
    starts = random_loads(days, highest, random, N_START)
    outcome = np.array([played.plans[name].net_mw for name in names])
    return from_many_starts(answer, starts, DAMPING), spectral_radius(answer, outcome, random)


def played_day(ties: Ties, today: TiesDay, regions: Mapping[str, Region]) -> PlayedDay:
    """The day as it ended, with the prices that were told last for all of it.

    Parameters
    ----------
    ties : Ties
    today : TiesDay
        Whose followers are all regional systems.
    regions : mapping of str to Region
        By the names of followers.
    """
    days = {name: regions[name].day(today.number) for name in today.followers}
    horizon = ties.horizon
    return PlayedDay(
        BulkShape(ties.planner.system, horizon.n_step, horizon.step_h),
        ties.planner.forecast(today, np.zeros(horizon.n_step)),
        today.on,
        today.state,
        days,
        {name: day.plan for name, day in days.items()},
        {name: replace(today.signals[name], first_step=0) for name in days},
    )


def _instruments(ties: Ties) -> tuple[Instrument, Instrument]:
    """Levels of carbon and energy prices; a price that is no choice of the leader stays."""
    carbon = CARBON_LEVELS if ties.pricing.policy.is_priced else (1.0, 1.0)
    energy = ENERGY_LEVELS if ties.pricing.energy == "marginal" else (1.0, 1.0)
    return Instrument("carbon", *carbon, n_grid=9), Instrument("energy", *energy, n_grid=5)


class _Formula:
    """The prices that a TIES posts for loads, dispatched on one bus.

    Shapley values stay as they were at last, the round counts as the last one, and the emission that a
    further MWh causes is that at the outcome.
    """

    def __init__(self, ties: Ties, today: TiesDay, played: PlayedDay) -> None:
        self._ties, self._today, self._played = ties, today, played
        self._policy = ties.pricing.policy.at_level(today.level)
        self._tariff = ties.horizon.of_day(ties.pricing.tou_price_per_mwh, today.number)
        self._marginal = ties.planner.marginal_factor(today) if self._policy.is_marginal else None

    def __call__(self, loads_mw: Mapping[str, Array]) -> dict[str, TariffSignal]:
        """What each follower is told."""
        today, played, planner = self._today, self._played, self._ties.planner
        loads = np.array([loads_mw[name] for name in today.followers])
        forecast = played.forecast.with_load(loads.sum(axis=0))
        plan = planner.merit_order.solve("evidence", forecast, played.on, played.state)
        factor, energy = plan.factor_tco2_per_mwh, self._tariff
        if self._ties.pricing.energy == "marginal":
            own_tco2 = float(plan.own_t_per_h.sum()) * played.bulk.period_h
            energy = plan.price_per_mwh - planner.system.carbon.marginal_per_tco2(own_tco2) * factor
        now = Standing(
            today.base,
            loads,
            factor,
            factor if self._marginal is None else self._marginal,
            len(today.rounds),
            None,
            today.abatement_tco2,
            np.zeros(len(loads)),
            played.bulk.period_h,
        )
        return {
            name: TariffSignal(
                1, series(energy), offer.factor_tco2_per_mwh, series(self._tariff), ladder=offer.ladder
            )
            for name, offer in zip(today.followers, self._policy.offers(now), strict=True)
        }
