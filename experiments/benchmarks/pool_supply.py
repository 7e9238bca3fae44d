"""Whether a system of model E can be supplied at all: a mixed-integer programme straight from its numbers.

It stands beside the operator's own problems and shares nothing with them: it reads a scenario file and its
profiles, and is solved by `scipy.optimize.milp`. Whatever an operator may leave open is left open here:
reserve, and what solvent tanks, the storage and flexible loads hold at the end of a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolverLimitError

SUPPLIED_MWH = 1e-3
"""Energy short up to which a system counts as supplied: what solvers do not tell from nothing."""
_PERIOD_H = 0.25
_PER_HOUR = 4
_PERIODS_OF_DAY = 96
_LONGEST_S = 300.0


def least_shortfall_mwh(path: Path) -> float:
    """Energy that is short at least, however the system is run; MWh.

    Parameters
    ----------
    path : Path
        A scenario of model E in quarters, in whose file everything is written out that is read here.

    Returns
    -------
    float
        Up to `SUPPLIED_MWH` what is forecast can be supplied.

    Raises
    ------
    SolverLimitError
        If the search does not end.

    Notes
    -----
    Units are committed by hours over the whole run (E14, minimum times) and move by quarters (E16, E28); a
    start or a stop reaches no further than the least output or the ramp of a quarter. Of a capture plant
    the fixed consumption is needed, not regeneration (E1). What is generated too much is spilled. On the
    first day an operator has not heard of prosumers yet; on later days they draw what they lack, less what
    the best pool could trade.
    """
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    profiles = pd.read_csv(tree["profiles"], comment="#")
    n = len(profiles)
    programme = _Programme()
    nothing = np.zeros(n)
    wind = sum((profiles[farm["column"]] for farm in tree["wind_farms"].values()), nothing)
    supplied: dict[int, Any] = {
        programme.add(nothing, np.inf, cost=_PERIOD_H): sparse.eye_array(n),
        programme.add(nothing, np.asarray(wind)): sparse.eye_array(n),
        programme.add(nothing, tree["real_time_market"]["import_limit_mw"]): sparse.eye_array(n),
    }
    for unit in tree["thermal_units"].values():
        supplied |= _unit(programme, unit, n)
    if tree["provider"]["active"]:
        supplied |= _storage(programme, tree["provider"]["storage"], n)
    load = profiles[tree["load"]["column"]].to_numpy()
    for flexible in tree["flexible_loads"].values():
        own = flexible["share"] * load
        lowered = programme.add(
            (1.0 - flexible["highest_share"]) * own, (1.0 - flexible["lowest_share"]) * own
        )
        supplied[lowered] = sparse.eye_array(n)
    programme.require(supplied, load + _of_prosumers_mw(tree, profiles), np.inf)
    return programme.least_cost()


class _Row(NamedTuple):
    """Rows ``low <= sum of factors[v] @ v <= high``, factors by number of the variable."""

    factors: Mapping[int, Any]
    low: Array
    high: Array


class _Programme:
    """Variables of several values each, and rows over them."""

    def __init__(self) -> None:
        self._low: list[Array] = []
        self._high: list[Array] = []
        self._cost: list[Array] = []
        self._whole: list[Array] = []
        self._rows: list[_Row] = []

    def add(self, low: Array, high: Array | float, cost: float = 0.0, whole: bool = False) -> int:
        """Add a variable within bounds; returns its number."""
        self._low.append(low)
        self._high.append(np.broadcast_to(high, low.shape))
        self._cost.append(np.full(len(low), cost))
        self._whole.append(np.full(len(low), int(whole)))
        return len(self._low) - 1

    def require(self, factors: Mapping[int, Any], low: Array | float, high: Array | float) -> None:
        """Require rows that all factors have."""
        size = next(iter(factors.values())).shape[0]
        self._rows.append(_Row(factors, np.broadcast_to(low, size), np.broadcast_to(high, size)))

    def least_cost(self) -> float:
        """The optimum, or what the search has proven to be below it."""
        blocks = [
            [
                row.factors.get(number, sparse.csr_array((len(row.low), len(low))))
                for number, low in enumerate(self._low)
            ]
            for row in self._rows
        ]
        sides = (np.concatenate([getattr(row, side) for row in self._rows]) for side in ("low", "high"))
        found = milp(
            np.concatenate(self._cost),
            integrality=np.concatenate(self._whole),
            bounds=Bounds(np.concatenate(self._low), np.concatenate(self._high)),
            constraints=LinearConstraint(sparse.block_array(blocks, format="csr"), *sides),
            options={"time_limit": _LONGEST_S},
        )
        if found.x is None:
            raise SolverLimitError(f"reference of supply: {found.message}")
        # With the limit of time a plan may be short of more than is needed.
        return float(found.mip_dual_bound)


def _unit(programme: _Programme, unit: Mapping[str, Any], n: int) -> dict[int, Any]:
    """Commitment, band and ramps of a unit; returns its net output."""
    hours = n // _PER_HOUR
    zeros, eye, each = (
        np.zeros(n),
        sparse.eye_array(n),
        sparse.kron(sparse.eye_array(hours), np.ones((_PER_HOUR, 1))),
    )
    on = programme.add(np.zeros(hours), 1.0, whole=True)
    start, stop = programme.add(np.zeros(hours), 1.0), programme.add(np.zeros(hours), 1.0)
    gross = programme.add(zeros, np.inf)
    was_on, was_mw = float(unit.get("on_initially", True)), float(unit.get("p_initial_mw", 0.0))
    hour = sparse.eye_array(hours)
    first_hour = np.eye(1, hours)[0]
    programme.require(
        {on: hour - _before(hours), start: -hour, stop: hour}, was_on * first_hour, was_on * first_hour
    )
    programme.require({on: hour, start: -_last(hours, unit["min_up_h"])}, 0.0, np.inf)
    programme.require({on: hour, stop: _last(hours, unit["min_down_h"])}, -np.inf, 1.0)
    programme.require({gross: eye, on: -unit["p_min_mw"] * each}, 0.0, np.inf)
    programme.require({gross: eye, on: -unit["p_max_mw"] * each}, -np.inf, 0.0)
    ramp_mw = unit["ramp_mw_per_h"] * _PERIOD_H
    switched_mw = min(unit["p_max_mw"], max(unit["p_min_mw"], ramp_mw))
    first = np.eye(1, n)[0]
    at_hour = sparse.kron(sparse.eye_array(hours), np.eye(_PER_HOUR)[:, :1])
    step = eye - _before(n)
    ran_before = _before(n) @ each
    programme.require(
        {gross: step, on: -ramp_mw * ran_before, start: -switched_mw * at_hour},
        -np.inf,
        (was_mw + ramp_mw * was_on) * first,
    )
    programme.require(
        {gross: -step, on: -ramp_mw * each, stop: -switched_mw * at_hour}, -np.inf, -was_mw * first
    )
    fixed_mw = unit["capture"]["fixed_mw"] if unit.get("capture") else 0.0
    return {gross: eye, on: -fixed_mw * each}


def _storage(programme: _Programme, storage: Mapping[str, Any], n: int) -> dict[int, Any]:
    """Energy in the band of a storage; returns discharge less charge."""
    size, eye = storage["e_max_mwh"], sparse.eye_array(n)
    charge = programme.add(np.zeros(n), storage["p_max_mw"])
    discharge = programme.add(np.zeros(n), storage["p_max_mw"])
    inside = programme.add(np.full(n, storage["soc_min"] * size), storage["soc_max"] * size)
    begins = storage["soc_initial"] * size * np.eye(1, n)[0]
    flows = {
        charge: -storage["efficiency_charge"] * _PERIOD_H * eye,
        discharge: _PERIOD_H / storage["efficiency_discharge"] * eye,
    }
    programme.require({inside: eye - _before(n), **flows}, begins, begins)
    return {discharge: eye, charge: -eye}


def _before(n: int) -> Any:
    """Takes the value before; nothing before the first."""
    return sparse.eye_array(n, k=-1)


def _last(n: int, length: int) -> Any:
    """Sums the last values, `length` of them."""
    return sum((sparse.eye_array(n, k=-back) for back in range(1, max(length, 1))), sparse.eye_array(n))


def _of_prosumers_mw(tree: Mapping[str, Any], profiles: pd.DataFrame) -> Array:
    """What prosumers draw from the system, batteries left idle."""
    if "prosumers" not in tree:
        return np.zeros(len(profiles))
    surplus = np.array([*_surpluses_mw(tree, profiles)])
    lacking, sparing = np.maximum(-surplus, 0.0).sum(axis=0), np.maximum(surplus, 0.0).sum(axis=0)
    traded = np.minimum(lacking, sparing) if tree["trading"]["active"] else np.zeros(len(profiles))
    drawn = lacking - traded
    drawn[:_PERIODS_OF_DAY] = 0.0
    return np.asarray(drawn)


def _surpluses_mw(tree: Mapping[str, Any], profiles: pd.DataFrame) -> Iterator[Array]:
    for prosumer in tree["prosumers"].values():
        yield (profiles[prosumer["pv_column"]] - profiles[prosumer["load_column"]]).to_numpy()
