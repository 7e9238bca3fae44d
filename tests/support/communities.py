"""A feeder of five buses with prosumers and a storage provider on it, small enough for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gridarium.experiments.reading.plain_yaml import Tree, dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.scenario import load_scenario

PROFILES = "community.csv"
_BATTERY = {"p_max_mw": 0.2, "e_max_mwh": 0.6, "soc_min": 0.1, "soc_max": 0.9, "soc_initial": 0.2}
_DROPPED = frozenset({"title", "description", "papers", "currency", "exchange_rates", "seed", "start"})


def write_profiles(folder: Path, offset: str = "+08:00") -> None:
    """Write the ordinary day with panels and loads of two classes of prosumers beside it, in a zone."""
    lines = profile_path("adcef-ordinary").read_text(encoding="utf-8").splitlines()
    names, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    hour = np.arange(len(rows))
    sun = np.clip(np.cos(np.pi * (hour - 12.5) / 13.0), 0.0, None)
    evening = np.exp(-(((hour - 19.0) / 3.0) ** 2))
    more = {
        "roofs_pv_mw": 0.5 * sun,
        "roofs_load_mw": 0.08 + 0.12 * evening,
        "flats_pv_mw": 0.02 * sun,
        "flats_load_mw": 0.12 + 0.1 * evening,
    }
    cells = [[*row, *(f"{values[place]:.4f}" for values in more.values())] for place, row in enumerate(rows)]
    text = "\n".join(",".join(row) for row in [[*names, *more], *cells])
    text = text.replace("+08:00", offset)
    (folder / PROFILES).write_text(text, encoding="utf-8")


def community(case: str = "adcef") -> Tree:
    """The sections of the feeder: three classes of consumers, six prosumers, a provider, and their lines."""
    shipped = load_scenario("adcef-small").cases[case]
    own: Tree = shipped.model_dump(mode="json", exclude=set(_DROPPED | {"period_h", "horizon_h"}))
    own.pop("communication", None)
    utility = {"kind": "log", "scale_money": 2.0, "unit_mwh": 0.0002}
    roofs = {"count": 4, "diversity": 0.3, "battery": _BATTERY, "charging_ratio": 0.3, "utility": utility}
    return own | {
        "profiles": PROFILES,
        "real_time_market": {"price_per_mwh": 900.0},
        "prosumers": {
            "roofs": {"pv_column": "roofs_pv_mw", "load_column": "roofs_load_mw", **roofs},
            "flats": {"pv_column": "flats_pv_mw", "load_column": "flats_load_mw", "count": 2}
            | {"utility": utility},
        },
        "lines": {"distance_km": {"roofs": {"flats": 3.0}}, "within_km": 1.0, "capacity_mw": 0.5},
        "trading": {"opens_h": 6, "closes_h": 20},
        "provider": {
            "storage": {"p_max_mw": 0.3, "e_max_mwh": 0.9, "soc_min": 0.1, "soc_max": 0.9}
            | {"soc_initial": 0.5},
            "lease": {"first": {"base_fee_per_km_mwh": 2.0, "interval_km": 2.0}},
        },
    }


def write_community(folder: Path, case: str = "adcef", horizon_h: int = 24, **more: Tree) -> Path:
    """Write the scenario of the feeder alone, which settles in quarters and plans in hours."""
    write_profiles(folder)
    tree = {
        "title": "Prosumers on a feeder",
        "currency": "cny",
        "start": "2026-01-15T00:00:00+08:00",
        "period_h": 0.25,
        "horizon_h": horizon_h,
        "grids": {"feeder": {"step_h": 1.0} | community(case) | more},
    }
    path = folder / "scenario.yaml"
    path.write_text(dump_yaml(tree), encoding="utf-8")
    return path


def under_a_system(
    horizon_h: int = 24, replicas: int = 20, case: str = "ladder", tariff: str = "adcef"
) -> Tree:
    """The same feeder, many times, under the bulk system of `ties-feeders-small`, which may call it."""
    study = load_scenario("ties-feeders-small").cases[case]
    tree: Tree = study.model_dump(mode="json")
    bulk = tree["grids"]["bulk"]
    # The desk tells what the pool has 225 s before a period, and introduces 135 s before it.
    bulk["ties"] |= {"lead_s": 200.0, "trigger_mw": 2.0}
    own = community(tariff)
    own["prices"] = {"quota_tco2_per_mwh": 0.5, "carbon_price_per_tco2": 0.0}
    own["prices"] |= {"import_limit_mw": 10.0, "export_limit_mw": 0.0}
    place = {"under": "bulk", "at": 3, "replicas": replicas, "step_h": 1.0, "currency": "cny"}
    grids = {"bulk": bulk, "feeder": place | own}
    return tree | {"period_h": 0.25, "horizon_h": horizon_h, "grids": grids}


def write_under_a_system(folder: Path, **given: int | str) -> Path:
    """Write that scenario."""
    write_profiles(folder, "+00:00")
    path = folder / "system.yaml"
    path.write_text(dump_yaml(under_a_system(**given)), encoding="utf-8")  # type: ignore[arg-type]
    return path
