"""The signals of the system's problems: forecast and state as arrays of the compiled forms."""

from __future__ import annotations

import numpy as np

from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import SolveError
from gridarium.environment.storage import TOLERANCE


def system_signals(
    system: PowerSystem, forecast: SystemForecast, state: SystemState, first: int = 0
) -> dict[str, Array]:
    """Values of `gridarium.agents.system.system_families.SIGNALS`.

    Periods before `first` are switched off: no load, no wind, no storage, no market. All their decisions
    are then 0, and what they left behind arrives in period `first`.

    Parameters
    ----------
    system : PowerSystem
    forecast : SystemForecast
    state : SystemState
        When `first` begins.
    first : int

    Raises
    ------
    SolveError
        If an array has another length than the load, or the state does not fit the system.
    """
    _check(system, forecast, state)
    n_period = len(forecast.load_mw)
    ahead = np.arange(n_period) >= first
    planned = np.asarray(forecast.flexible_mw, dtype=float)
    load = forecast.load_mw + planned.sum(axis=1)
    reserve = system.reserve_load_share * load + system.reserve_wind_share * system.wind_capacity_mw
    captures = [place for place, unit in enumerate(system.units) if unit.capture]
    e_arriving = np.zeros((len(system.storages), n_period))
    for row, storage in zip(e_arriving, system.storages, strict=True):
        row[first] = state.e_mwh - storage.band_mwh[0]
    tank_arriving = np.zeros((len(captures), n_period))
    tank_arriving[:, first] = state.tank_tco2[captures]
    return {
        "load_mw": ahead * load,
        "reserve_mw": ahead * reserve,
        "wind_available_mw": ahead * forecast.wind_mw,
        "most_raised_mw": (ahead[:, None] * np.maximum(forecast.flexible_most_mw - planned, 0.0)).T,
        "most_lowered_mw": (ahead[:, None] * np.maximum(planned - forecast.flexible_least_mw, 0.0)).T,
        "market_price": ahead * forecast.market_price_per_mwh,
        "most_market_mw": ahead * system.import_limit_mw,
        "pool_fee": ahead * forecast.pool_fee_per_mwh,
        "most_pool_mw": ahead * forecast.pool_mw,
        "storage_power_mw": np.array([s.p_max_mw * ahead for s in system.storages]).reshape(-1, n_period),
        "e_arriving_mwh": e_arriving,
        "tank_arriving_tco2": tank_arriving,
        "owed_mwh": np.asarray(state.owed_mwh, dtype=float),
    }


def commitment_signals(
    system: PowerSystem,
    forecast: SystemForecast,
    n_hour: int,
    state: SystemState | None,
    hours_in_state: Array | None,
    available: Flags | None = None,
) -> dict[str, Array]:
    """`system_signals` and values of `gridarium.agents.problems.unit_commitment.COMMITMENT_SIGNALS`.

    Minimum times that still run and outages bind the first hours. Without a state it is the initial one.

    Raises
    ------
    SolveError
        If the arrays do not fit the system.
    """
    state = SystemState.initial(system) if state is None else state
    least, most = np.zeros((len(system.units), n_hour)), np.ones((len(system.units), n_hour))
    for i, unit in enumerate(system.units):
        if hours_in_state is not None and state.on[i]:
            least[i, : max(0, unit.min_up_h - round(float(hours_in_state[i])))] = 1.0
        elif hours_in_state is not None:
            most[i, : max(0, unit.min_down_h - round(float(hours_in_state[i])))] = 0.0
    if available is not None:
        most *= np.asarray(available, dtype=bool).T
        # An outage is stronger than a minimum time.
        least = np.minimum(least, np.minimum.accumulate(most, axis=1))
    return system_signals(system, forecast, state) | {
        "on_before": state.on.astype(float),
        "gross_before_mw": np.asarray(state.gross_mw, dtype=float),
        "least_on": least,
        "most_on": most,
    }


def _check(system: PowerSystem, forecast: SystemForecast, state: SystemState) -> None:
    n_period, n_load, n_unit = len(forecast.load_mw), len(system.loads), len(system.units)
    flexible = ("flexible_mw", "flexible_least_mw", "flexible_most_mw")
    for name, value in vars(forecast).items():
        wanted = (n_period, n_load) if name in flexible else (n_period,)
        if np.shape(value) != wanted:
            raise SolveError(f"forecast: {name} must have shape {wanted}, got {np.shape(value)}")
    sizes = {"on": n_unit, "gross_mw": n_unit, "tank_tco2": n_unit, "owed_mwh": n_load}
    for name, size in sizes.items():
        if np.shape(getattr(state, name)) != (size,):
            got = np.shape(getattr(state, name))
            raise SolveError(f"state: {name} must have shape {(size,)}, got {got}")
    if system.storage is not None:
        _check_level("e_mwh", state.e_mwh, *system.storage.band_mwh, "MWh")
    for unit, level in zip(system.units, state.tank_tco2, strict=True):
        if unit.capture:
            _check_level(f"tank_tco2 of {unit.name}", float(level), 0.0, unit.capture.tank_tco2, "tCO2")


def _check_level(name: str, level: float, low: float, high: float, unit: str) -> None:
    if not low - TOLERANCE <= level <= high + TOLERANCE:
        raise SolveError(f"state: {name} must be in [{low:.9g}, {high:.9g}] {unit}, got {level:.9g}")
