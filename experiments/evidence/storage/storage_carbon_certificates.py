"""Certificate of the carbon that stored energy carries, by meters and the intensity of the storage's bus."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_TCO2
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.results.records import Reading

_ROUNDING = 1e-6
_THROUGH_MWH = 1e-6


def stored_carbon(known: GridEvidence) -> Iterator[Reading]:
    """What storages are said to hold of carbon against meters: mixed with what is inside, free at first."""
    done, buses = rows_of(known.tables, "storages", "storage"), known.tables.get("buses")
    if done.empty or buses is None or "carbon_tco2" not in done or done["carbon_tco2"].isna().all():
        return
    intensity = buses.pivot(index="period", columns="bus", values="carbon_intensity_tco2_per_mwh")
    places = rows_of(known.tables, "dispatch", "storage").groupby("agent")["bus"].first()
    apart, size, hours = 0.0, LEAST_TCO2, known.world.period_h
    for name, unit in STORAGES.of(known.scenario).items():
        own = done[done["agent"] == name].sort_values("period")
        if own.empty:
            continue
        arriving = np.nan_to_num(intensity[places[name]].to_numpy(dtype=float))
        right, told = _stored_tco2(unit, own, arriving, hours), own["carbon_tco2"].to_numpy(dtype=float)
        apart = max(apart, float(np.max(np.abs(right - told))))
        size = max(size, float(np.abs(right).max()))
    yield Reading(
        "stored carbon", apart, _ROUNDING * size, "tCO2", True,
        "largest difference of the carbon that a storage is said to hold and what its meter took at the "
        "intensity of its bus, less what left in proportion to what was inside",
    )  # fmt: skip


def _stored_tco2(unit: StorageUnit, own: pd.DataFrame, intensity: Array, period_h: float) -> Array:
    """Carbon inside at the end of each period, tCO2, shape (n_period,).

    Where more leaves than was there before, what was charged and given back within the period keeps its
    carbon inside.
    """
    charged, given = (own[f"p_{way}_mw"].to_numpy(dtype=float) * period_h for way in ("charge", "discharge"))
    inside, held, found = unit.soc_initial * unit.e_max_mwh, 0.0, list[float]()
    for taken, fed, factor in zip(charged, given, intensity, strict=True):
        into, out = taken * unit.efficiency_charge, fed / unit.efficiency_discharge
        through = out - inside if out - inside > _THROUGH_MWH else 0.0
        left = min(1.0, (out - through) / inside) if inside > 0.0 else 0.0
        held = held * (1.0 - left) + factor * taken
        inside += into - out
        found.append(held)
    return np.array(found)
