"""Small networks of one's own, and what pandapower says of them untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandapower as pp
import yaml

from gridarium.experiments.benchmarks.base_case_networks import write_flat_profile


def saved(net: Any, path: Path) -> Path:
    """Write a network as a file."""
    pp.to_json(net, str(path))
    return path


def own_scenario(folder: Path, source: Path | str, hours: int = 24, **network: Any) -> Path:
    """A scenario of nothing but a network's own loads, at their nominal size in all hours."""
    tree = {
        "profiles": write_flat_profile(folder).name,
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
