"""Certificates of what came of forecasts: load and wind of a system drawn once more from the seed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.system.system_operator import SystemOperator
from gridarium.environment.arrays import Array
from gridarium.environment.clock import day_length
from gridarium.environment.horizon import Horizon
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.seeded_draws import own_stream
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS, LOAD
from gridarium.experiments.parts.part import GridBuild
from gridarium.experiments.parts.wind_farms import WIND_FARMS
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.results.records import Reading

_SAME_MW = 1e-6


def outcomes(known: GridEvidence) -> Iterator[Reading]:
    """What loads drew and wind could give, by period; nothing without a system operator."""
    scenario, world = known.scenario, known.world
    if not known.of(SystemOperator):
        return
    build = GridBuild(scenario, known.grid, Horizon.of(world, scenario.period_h), profiles_of(scenario))
    off = [*_off_loads_mw(known, build), *_off_wind_mw(known, build)]
    if off:
        yield Reading(
            "load and wind drawn", max(off), _SAME_MW, "MW", True,
            "largest difference in a period of load, of load as foreseen, or of wind that there was, and the "
            "same by profiles, shares and errors of the scenario, drawn once more from the seed",
        )  # fmt: skip


def drawn_error(random: np.random.Generator, n: int, bound: float, persistence: float) -> Array:
    """A relative error of each period, shape (n,): of first order, standard deviation half its bound, cut.

    Notes
    -----
    ``e_t = rho e_(t-1) + sqrt(1 - rho^2) sigma w_t``, w standard normal, from ``e_0 = sigma w_0`` on.
    """
    sigma, found, error = 0.5 * bound, np.empty(n), 0.0
    for place, white in enumerate(random.standard_normal(n).tolist()):
        new = sigma * white
        error = persistence * error + math.sqrt(1.0 - persistence**2) * new if place else new
        found[place] = max(-bound, min(bound, error))
    return found


def _off_loads_mw(known: GridEvidence, build: GridBuild) -> Iterator[float]:
    """The part of the load that does not respond, and the plans of those that do."""
    section, flexible = LOAD.of(known.scenario), FLEXIBLE_LOADS.of(known.scenario)
    table = known.tables.get("loads")
    if section is None or table is None:
        return
    whole = build.by_period(section.column)
    for name, load in flexible.items():
        yield _apart(table, name, "p_base_mw", load.share * whole)
    base = (1.0 - sum(load.share for load in flexible.values())) * whole
    (name,) = LOAD.names(section)
    yield _apart(table, name, "p_base_mw", base)
    random = own_stream(known.world.streams.seed, f"{known.grid.named(name)}/error")
    # All days at once.
    error = drawn_error(random, len(base), section.error_bound, section.error_persistence)
    yield _apart(table, name, "p_metered_mw", np.maximum(base * (1.0 + error), 0.0))


def _off_wind_mw(known: GridEvidence, build: GridBuild) -> Iterator[float]:
    table = rows_of(known.tables, "dispatch", "renewable")
    for name, farm in WIND_FARMS.of(known.scenario).items():
        random = own_stream(known.world.streams.seed, f"{known.grid.named(name)}/wind")
        error = _by_day(known, random, farm.error_bound, farm.error_persistence)
        there = np.minimum(build.by_period(farm.column) * (1.0 + error), farm.capacity_mw)
        yield _apart(table, name, "p_available_mw", there)


def _by_day(known: GridEvidence, random: np.random.Generator, bound: float, persistence: float) -> Array:
    """Day after day, each begun anew."""
    n = known.world.n_period
    length = min(n, day_length(n, known.world.clock.period_s))
    return np.concatenate([drawn_error(random, length, bound, persistence) for _ in range(n // length)])


def _apart(table: pd.DataFrame, agent: str, column: str, due: Array) -> float:
    own = table[table["agent"] == agent].sort_values("period")
    return float(np.abs(own[column].to_numpy(dtype=float) - due).max())
