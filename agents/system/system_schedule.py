"""A schedule of the whole system, read from the solution of any of its problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gridarium.agents.optimisation import Solution
from gridarium.agents.problems.carbon_capture import read_operation
from gridarium.agents.system.power_system import PowerSystem, SystemForecast
from gridarium.agents.system.system_costs import PeriodDecisions
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import RelaxationError

EXCLUSION_TOLERANCE_MW = 1e-3
"""Simultaneous charge and discharge that counts as the noise of an interior-point solver, MW."""


@dataclass(frozen=True)
class SystemSchedule:
    """Decisions of a day by period; powers in MW.

    Parameters
    ----------
    on : ndarray of bool, shape (n_period, n_unit)
    gross_mw, net_mw : ndarray, shape (n_period, n_unit)
        Power of the units before and after the consumption of their capture plants.
    absorbed_tco2_per_h, regenerated_tco2_per_h, tank_tco2 : ndarray, shape (n_period, n_unit)
        Capture, and the content of the solvent tanks at the end of each period; 0 without a plant.
    charge_mw, discharge_mw, e_mwh : ndarray, shape (n_period,)
        Storage powers, one at a time, and the energy inside at the end of each period.
    flexible_mw : ndarray, shape (n_period, n_load)
        Power of the flexible loads.
    wind_mw, pool_mw, market_mw, spill_mw : ndarray, shape (n_period,)
        Wind that is used, energy from the prosumer pool, imports, generation of units that nobody takes.
    reserve_up_short_mw, reserve_down_short_mw : ndarray, shape (n_period,)
        Spinning reserve that is missing; figures to be reported.
    """

    on: Flags
    gross_mw: Array
    net_mw: Array
    absorbed_tco2_per_h: Array
    regenerated_tco2_per_h: Array
    tank_tco2: Array
    charge_mw: Array
    discharge_mw: Array
    e_mwh: Array
    flexible_mw: Array
    wind_mw: Array
    pool_mw: Array
    market_mw: Array
    spill_mw: Array
    reserve_up_short_mw: Array
    reserve_down_short_mw: Array

    def at(self, period: int) -> PeriodDecisions:
        """Decisions of one period, for commands and for `gridarium.agents.system.system_costs`."""
        values: dict[str, Any] = {}
        for name in PeriodDecisions.__dataclass_fields__:
            value = getattr(self, name)[period]
            values[name] = value if np.ndim(value) else float(value)
        return PeriodDecisions(**values)


def read_schedule(
    owner: str,
    system: PowerSystem,
    on: Flags,
    forecast: SystemForecast,
    solution: Solution,
    first: int = 0,
) -> dict[str, Any]:
    """Fields of a `SystemSchedule`, nan before `first`; solver noise is cut off at the limits.

    Raises
    ------
    RelaxationError
        If the storage charges and discharges at once by more than `EXCLUSION_TOLERANCE_MW`.
    """
    n_period = len(forecast.load_mw)
    fields = {name: np.maximum(solution[name], 0.0) for name in ("pool_mw", "market_mw", "spill_mw")}
    wind = np.clip(solution["wind_mw"], 0.0, np.maximum(forecast.wind_mw, 0.0))
    # Spilled energy and curtailed wind cost the same; what nobody takes is wind first.
    curtailed = np.minimum(wind, fields["spill_mw"])
    fields["wind_mw"], fields["spill_mw"] = wind - curtailed, fields["spill_mw"] - curtailed
    gross = np.where(on.T, np.maximum(solution["gross_mw"], 0.0), 0.0)
    fields |= {
        name: value.T for name, value in vars(read_operation(system.units, solution, gross, on.T)).items()
    }
    raised = solution["raised_mw"] - solution["lowered_mw"]
    fields["flexible_mw"] = forecast.flexible_mw + raised.T
    fields |= _storage(owner, system, solution, n_period)
    fields["reserve_up_short_mw"] = _figure(solution["up_short_mw"])
    fields["reserve_down_short_mw"] = _figure(solution["down_short_mw"])
    for value in fields.values():
        value[:first] = np.nan
    return {"on": on, **fields}


def _figure(shortage: Array) -> Array:
    """A shortage without the noise of an interior-point solver."""
    return np.where(shortage > EXCLUSION_TOLERANCE_MW, shortage, 0.0)


def _storage(owner: str, system: PowerSystem, solution: Solution, n_period: int) -> dict[str, Array]:
    if system.storage is None:
        return {name: np.zeros(n_period) for name in ("charge_mw", "discharge_mw", "e_mwh")}
    charge, discharge = solution["charge_mw"][0], solution["discharge_mw"][0]
    both = np.minimum(charge, discharge)
    worst = int(both.argmax())
    if both[worst] > EXCLUSION_TOLERANCE_MW:
        raise RelaxationError(
            f"agent {owner}: storage {system.storage.name}, period {worst}: one direction at a time is "
            f"allowed, got p_charge_mw {charge[worst]:.6g} MW and p_discharge_mw {discharge[worst]:.6g} MW"
        )
    low, high = system.storage.band_mwh
    net, p_max = discharge - charge, system.storage.p_max_mw
    return {
        "charge_mw": np.clip(-net, 0.0, p_max),
        "discharge_mw": np.clip(net, 0.0, p_max),
        "e_mwh": np.clip(low + solution["e_above_mwh"][0], low, high),
    }
