"""Random days of a TIES on a copper plate with any number of regional systems, for rounds of ADMM."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args

import numpy as np

from gridarium.agents.region.region import Region
from gridarium.agents.region.region_day import RegionDay
from gridarium.agents.region.region_demand import Flexibility, RegionDemand
from gridarium.agents.transmission.bulk_commitment import BulkCommitter
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkState, BulkSystem
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.commons import Commons
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import read_scenario_file, without_cases
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import check_case

Kind = Literal["usual", "tight ramps", "steep ladder", "almost linear", "unequal", "committed"]
"""Days with all units running and no least output; four hard ones; and days with units committed before."""
KINDS: tuple[Kind, ...] = get_args(Kind)
HARD: tuple[Kind, ...] = ("tight ramps", "steep ladder", "almost linear", "unequal")

N_STEP = 24
_RAMP_SHARE, _LADDER_SHARE, _CURVATURE_SHARE, _SIZES = 0.25, 0.1, 0.02, 1000.0


@dataclass(frozen=True)
class AdmmDay:
    """A day that a supplier and its followers have to agree on.

    Parameters
    ----------
    bulk : BulkShape
    forecast : BulkForecast
        Its load is the base load of all.
    on : ndarray of bool, shape (n_unit, n_step)
    state : BulkState
    days : tuple of RegionDay
        Without rooms.
    """

    bulk: BulkShape
    forecast: BulkForecast
    on: Flags
    state: BulkState
    days: tuple[RegionDay, ...]

    @property
    def base_mw(self) -> Array:
        """Base loads, shape (n_region, n_step)."""
        return np.array([day.demand.base_mw for day in self.days])

    @property
    def share(self) -> Array:
        """Of each region in all flexibility."""
        own = np.array([day.demand.flexibility_mw for day in self.days])
        return np.asarray(own / own.sum())


def exchange_tree(count: int, scheme: str = "none") -> Tree:
    """The scenario ries-reduced by exchange rounds, its regional systems in equal parts and without rooms."""
    tree: Any = read_scenario_file("ries-reduced").tree
    bulk = dict(tree["grids"]["bulk"])
    parts = count // len(bulk["regions"])
    bulk["regions"] = {
        f"{name}_{number}": {**region, "share": 1.0 / parts, "comfort": None}
        for name, region in bulk["regions"].items()
        for number in range(parts)
    }
    bulk["carbon_policy"] = {**bulk.get("carbon_policy", {}), "scheme": scheme}
    bulk["ties"] = {
        **bulk.get("ties", {}),
        "energy_price": "marginal-with-carbon",
        "rounds": {"kind": "exchange"},
    }
    return {**without_cases(tree), "grids": {"bulk": bulk}}


def exchange_world(count: int) -> BuiltWorld:
    """A world of that scenario."""
    scenario, faults = check_case(exchange_tree(count))
    assert scenario is not None, faults
    return build(scenario)


@cache
def _model() -> BuiltWorld:
    """Whose units, storages, plants and regional systems random days are made of."""
    built = exchange_world(3)
    built.world.step()
    return built


def draw_day(seed: int, count: int, kind: Kind = "usual") -> AdmmDay:
    """A random day.

    Parameters
    ----------
    seed : int
    count : int
        Regional systems, at least 3; of the three kinds in turn.
    kind : str
    """
    random = np.random.default_rng([seed, count, KINDS.index(kind)])
    model = _model()
    system = _system(model.one(Ties).planner.system, kind)
    days = _regions(model, random, count, kind)
    base = np.array([day.demand.base_mw for day in days]).sum(axis=0)
    available = model.one(Ties).days[0].available
    wind, sun = available[0] * (1.0 + 0.2 * _wave(random)), available[1] * random.uniform(0.5, 1.05)
    terms = model.one(Ties).days[0].terms
    forecast = BulkForecast(
        base,
        np.array([np.maximum(wind, 0.0), sun]),
        np.asarray(terms.price_per_mwh),
        np.asarray(terms.factor_tco2_per_mwh),
        np.zeros(N_STEP),
    )
    bulk = BulkShape(system, N_STEP, 1.0)
    state = BulkState.initial(system)
    if kind == "committed":
        on = BulkCommitter(bulk).best("bench", forecast, state).on
    else:
        running = np.ones(len(system.units), dtype=bool)
        state = replace(state, on=running, power_mw=np.array([0.5 * u.p_max_mw for u in system.units]))
        on = np.ones((len(system.units), N_STEP), dtype=bool)
    return AdmmDay(bulk, forecast, on, state, tuple(days))


def _system(system: BulkSystem, kind: Kind) -> BulkSystem:
    if kind == "committed":
        return system
    ramp = _RAMP_SHARE if kind == "tight ramps" else 1.0
    units = tuple(
        replace(
            unit,
            p_min_mw=0.0,
            ramp_mw_per_h=ramp * unit.ramp_mw_per_h,
            ramp_down_mw_per_h=ramp * unit.ramp_down_mw_per_h,
        )
        for unit in system.units
    )
    carbon = system.carbon
    if kind == "steep ladder":
        carbon = replace(carbon, interval_tco2=_LADDER_SHARE * carbon.interval_tco2, growth=1.0)
    return replace(system, units=units, carbon=carbon)


def _regions(model: BuiltWorld, random: np.random.Generator, count: int, kind: Kind) -> list[RegionDay]:
    """Parts of the three regional systems, of random sizes that sum up to them."""
    sizes = random.uniform(0.3, 1.7, count)
    if kind == "unequal":
        sizes = random.permutation(np.geomspace(1.0, _SIZES, count))
    whole = model.of(Region)
    days: list[RegionDay] = [None] * count  # type: ignore[list-item]
    for place, region in enumerate(whole):
        demand = region.day(0).demand
        own = range(place, count, len(whole))
        load = demand.base_mw * (1.0 + 0.06 * _wave(random))
        for number in own:
            part = float(sizes[number] / sizes[list(own)].sum()) * load
            days[number] = _region(model.world, f"region_{number}", demand, part, kind)
    return days


def _region(world: Commons, name: str, model: RegionDemand, base_mw: Array, kind: Kind) -> RegionDay:
    own = replace(model.flexibility, comfort=None)
    if kind == "almost linear":
        own = _almost_linear(own)
    demand = replace(model, base_mw=base_mw, flexibility=own)
    weight = own.dissatisfaction_weight
    stake = weight / (1.0 - weight) * demand.reference_price_per_mwh * float(base_mw.sum())
    return RegionDay(world, name, demand, float(base_mw.max()), stake, 1.0)


def _almost_linear(own: Flexibility) -> Flexibility:
    """The same with hardly any curvature in what cutting and moving cost."""
    return replace(
        own,
        cut_cost_per_mw2h=_CURVATURE_SHARE * own.cut_cost_per_mw2h,
        shift_cost_per_mw2h=_CURVATURE_SHARE * own.shift_cost_per_mw2h,
        dissatisfaction_weight=_CURVATURE_SHARE * own.dissatisfaction_weight,
    )


def _wave(random: np.random.Generator) -> Array:
    """Smooth noise over a day with a standard deviation of 1, shape (n_step,)."""
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    raw = random.standard_normal(N_STEP)
    wave = np.convolve(np.concatenate([raw[-6:], raw, raw[:6]]), kernel, "valid")
    return np.asarray(wave / np.std(wave))
