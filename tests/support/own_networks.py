"""Small networks of one's own, and what pandapower says of them untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandapower as pp
import yaml


def saved(net: Any, path: Path) -> Path:
    """Write a network as a file."""
    pp.to_json(net, str(path))
    return path


def own_scenario(folder: Path, source: Path | str, hours: int = 24, **network: Any) -> Path:
    """A scenario of nothing but a network's own loads, at their nominal size in all hours."""
    rows = (f"2026-01-15T{hour:02d}:00:00+08:00,1.0,300.0,0.6" for hour in range(24))
    header = "time,load_mw,tou_price_per_mwh,grid_tco2_per_mwh"
    (folder / "profile.csv").write_text("\n".join((header, *rows)), encoding="utf-8")
    tree = {
        "profiles": "profile.csv",
        "horizon_h": hours,
        "network": {"source": str(source), "voltage_min_pu": 0.5, "voltage_max_pu": 1.5} | network,
        "prices": {"import_limit_mw": 1000.0, "export_limit_mw": 1000.0},
        "consumers": {"all": {"share": 1.0, "beta_per_mwh_per_mw": 60.0, "flexible_share": 0.0}},
        "tariff": {"kind": "tou"},
        "dso": {"carbon_in_cost": False},
    }
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def solved_by_pandapower(net: Any) -> Any:
    """The power flow of a network as it is."""
    pp.runpp(net, calculate_voltage_angles=True, tolerance_mva=1e-10, max_iteration=50, numba=False)
    return net
