"""A DSO's day under scenarios of its renewables: schedules for all of them, and corners of demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.demand_corners import Corner
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay
from gridarium.agents.feeder.scenario_plan import (
    ScenarioPlan,
    StorageSchedule,
    WaitAndSee,
)
from gridarium.environment.arrays import Array
from gridarium.environment.uncertainty import ScenarioSet, fast_forward
from gridarium.market.messages.forecasts import ScenarioTerms
from gridarium.market.risk import Attitude


@dataclass(frozen=True)
class HedgeTerms:
    """How a DSO plans its storages for what it does not know.

    Parameters
    ----------
    attitude : Attitude
    scenarios : ScenarioTerms
        What it asks its plants for.
    n_kept : int
        To how many of these it reduces them.
    budget : float
        How many kinds of load may be at an end of their interval at once.
    """

    attitude: Attitude
    scenarios: ScenarioTerms
    n_kept: int
    budget: float


@dataclass(frozen=True)
class Hedge:
    """What came of it on one day.

    Parameters
    ----------
    terms : HedgeTerms
    shape_day : DispatchDay
        What was planned for; the forecast's availability.
    available_mw : ndarray, shape (n_scenario, n_renewable, n_step)
    weights : ndarray, shape (n_scenario,)
    plan : ScenarioPlan
    forecast : StorageSchedule
        What storages would do if the forecast were all that counts.
    forecast_money : ndarray, shape (n_scenario,)
        What that costs in each scenario.
    known : WaitAndSee or None
        What each scenario costs who knows it; None where the attitude does not ask.
    dispatch : Dispatch
        Of the forecast, storages at the plan's schedules.
    solves : int
        Linear programmes of recourse, of one scenario and step each.
    corners : tuple of Corner
        What the plan meets at corners of demand; none where no load states an interval.
    """

    terms: HedgeTerms
    shape_day: DispatchDay
    available_mw: Array
    weights: Array
    plan: ScenarioPlan
    forecast: StorageSchedule
    forecast_money: Array
    known: WaitAndSee | None
    dispatch: Dispatch
    solves: int
    corners: tuple[Corner, ...]

    @property
    def best_money(self) -> Array:
        """From what regret is counted, shape (n_scenario,); 0 where the attitude knows no regret."""
        return np.zeros_like(self.weights) if self.known is None else self.known.cost_money

    @property
    def forecast_value_money(self) -> float:
        """What the attitude judges the forecast's schedule by."""
        return self.terms.attitude.value_money(self.forecast_money, self.weights, self.best_money)


def joint_scenarios(told: Mapping[str, ScenarioSet], n_kept: int) -> tuple[Array, Array]:
    """Scenarios of all plants together, the n-th of each with the n-th of the others, reduced to a few.

    Returns
    -------
    available_mw : ndarray, shape (n_kept, n_renewable, n_step)
    weights : ndarray, shape (n_kept,)
    """
    available = np.stack([one.values for one in told.values()], axis=1)
    weights = np.mean([one.weights for one in told.values()], axis=0)
    kept, left = fast_forward(available.reshape(len(available), -1), weights, n_kept)
    return available[kept], left
