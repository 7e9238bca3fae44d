"""Profiles of SimBench as a file: what its loads and generators do, as shares of their nominal power."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.network_tables import check_network
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.reading.scenario_files import profile_path

_QUARTERS = 4
_DAYS = 366


def write_simbench_profiles(
    code: str, path: Path, first_day: int = 1, n_day: int = 1, beside: str = "adcef-ordinary"
) -> Path:
    """Write days of a SimBench network's own profiles, in hours, with prices of another profile beside them.

    Parameters
    ----------
    code : str
        Such as ``1-LV-rural1--0-sw``.
    path : Path
        CSV file to write: `load_share`, and `PV_share` and so on for each type of generators, which are
        fractions of the power that the network's own tables have; the same for each profile that its loads
        and generators follow, `load_H0-A_share` and `sgen_PV1_share`.
    first_day, n_day : int, optional
        Days of SimBench's year 2016, from 1 on.
    beside : str, optional
        Profiles whose time and further columns go with them, repeated over the days.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If there is no such network or day, or `beside` is not in hours.

    Notes
    -----
    Loads of one profile have one share at all times, so that consumers by `load_profile` and generators by
    `generation_columns` draw and give at each bus what SimBench has there. Its reactive power, which has
    profiles of its own, follows the active power by the ratio of the network's tables.
    """
    profiles = read_profiles(profile_path(beside))
    faults = check_network(code, {}, "network")
    if not 1 <= first_day <= first_day + n_day - 1 <= _DAYS:
        days = f"{first_day} to {first_day + n_day - 1}"
        faults.append(Fault("days", days, f"must be days of a year of {_DAYS}"))
    if profiles.period_h != 1.0:
        faults.append(Fault("beside", beside, f"must be in steps of 1 h, not {profiles.period_h:g} h"))
    if faults:
        raise InputError("simbench profiles", faults)
    n_hour = 24 * n_day
    index = pd.date_range(profiles.index[0], periods=n_hour, freq="h")
    others = {
        name: np.resize(values, n_hour) for name, values in profiles.columns.items() if name[-3:] != "_mw"
    }
    shares = _shares(code, slice(96 * (first_day - 1), 96 * (first_day - 1 + n_day)))
    table = pd.DataFrame({"time": [time.isoformat() for time in index], **shares, **others})
    table.to_csv(path, index=False)
    return path


def _shares(code: str, quarters: slice) -> dict[str, Array]:
    """Means of the hours."""
    import simbench

    from gridarium.environment.network_reader import simbench_network

    net = simbench_network(code)
    power = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    of_loads, of_plants = power[("load", "p_mw")], power[("sgen", "p_mw")]
    groups = {"load": (net.load, of_loads)}
    groups |= {str(kind): (plants, of_plants) for kind, plants in net.sgen.groupby("type")}
    for element, series in (("load", of_loads), ("sgen", of_plants)):
        for profile, table in net[element].groupby("profile"):
            groups[f"{element}_{profile}"] = (table, series)
    return {
        f"{name}_share": _by_hour(series[table.index].iloc[quarters])
        / float((table.p_mw * table.scaling).sum())
        for name, (table, series) in groups.items()
    }


def _by_hour(power_mw: pd.DataFrame) -> Array:
    """Sum of all elements, mean of each hour, MW."""
    return np.asarray(power_mw.sum(axis=1).to_numpy().reshape(-1, _QUARTERS).mean(axis=1))
