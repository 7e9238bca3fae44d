"""Random systems of model E with a pool of prosumers, as scenarios of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from math import dist
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gridarium.environment.profiles import read_profiles
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.synthetic_pool import (
    MadeUpProsumers,
    SyntheticPoolPlan,
    made_up_prosumers,
)
from gridarium.experiments.names.registry import entries
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path, read_scenario_file, without_cases
from gridarium.market.utility import LogUtility, QuadraticUtility

if TYPE_CHECKING:
    from numpy.random import Generator

    from gridarium.agents.prosumers.own_balance import ProsumerData
    from gridarium.environment.storage import StorageRatings

BASE = "net-zero"
"""The scenario that the drawn fields are laid over."""
MOST_PROSUMERS = 40
MOST_ON_LONG_RUNS = 12
"""Prosumers of a run of more than a day."""
DAYS = {1: 0.8, 2: 0.12, 3: 0.08}
"""How often a run takes so many days."""
WIND_SCALE = (0.0, 2.0)
TANK_TCO2 = (0.0, 200.0)
STORAGE_MWH = (20.0, 300.0)
NONE_SHARE = 0.12
"""How often there is no storage at all; likewise for wind, tank, latency, loss and prosumers."""
LOAD_SCALE = (0.75, 1.3)
IMPORT_LIMIT_MW = (0.0, 300.0)
FLEXIBLE_SHARE = (0.0, 0.2)
TRIGGER_MW = (0.5, 10.0)
CARBON_PRICE_PER_TCO2 = (0.0, 80.0)
CAPTURE_EFFICIENCY = (0.5, 0.95)
POOL_FEE_PER_MWH = (0.0, 30.0)
LINE_FEE_PER_KM_MWH = (0.05, 1.5)
LATENCY_S = (0.0, 2.0)
LOSS = (0.0, 0.15)
MOST_PARTNERS = 10
LATER_DAY = {"load_mw": (0.9, 1.1), "wind_forecast_mw": (0.5, 1.0), "pv": (0.4, 1.0)}
"""Profiles of a further day over those of the first."""
BENCHMARKED_EVERY = 4
"""Of so many seeds one is compared with the day of perfect information, which takes longer than the day."""
MOST_NODES = 200
_STORAGE_H = 3.5
_OF_THE_AGENT = ("name", "s_max_mva")
"""Ratings of a battery that no section of a scenario has to say."""
_QUARTERS = 96


@dataclass(frozen=True)
class PoolDraw:
    """What was drawn for a scenario; fields have the units of the scenario's.

    Parameters
    ----------
    seed : int
        It gives the same draw again.
    storage_mwh : float
        Of the provider's storage; at 0 there is no provider, and so no line to trade over.
    tank_tco2 : float
        Of both capture plants together.
    """

    seed: int
    days: int
    n_prosumer: int
    rule: str
    desk: bool
    partners: int
    storage_mwh: float
    wind_scale: float
    tank_tco2: float
    load_scale: float
    import_limit_mw: float
    flexible_share: float
    trigger_mw: float
    carbon_price_per_tco2: float
    capture_efficiency: float
    pool_fee_per_mwh: float
    line_fee_per_km_mwh: float
    log_share: float
    battery_share: float
    latency_s: float
    loss: float

    def told(self) -> str:
        """All of it in one line."""
        return ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in asdict(self).items()
        )


def draw_pool(seed: int, most_prosumers: int = MOST_PROSUMERS, most_days: int = 3) -> PoolDraw:
    """Draw a system and its pool; every seed has a stream of its own.

    Parameters
    ----------
    seed : int
        Rules of bargaining take turns with it, so that each is met equally often.
    most_prosumers, most_days : int
    """
    random = _stream(seed, "pools")
    rules = sorted(entries("bargaining-rules"))
    days = min(most_days, int(random.choice(list(DAYS), p=list(DAYS.values()))))
    most = most_prosumers if days == 1 else min(most_prosumers, MOST_ON_LONG_RUNS)

    def or_none(low: float, high: float) -> float:
        value, is_none = float(random.uniform(low, high)), random.random() < NONE_SHARE
        return 0.0 if is_none else value

    return PoolDraw(
        seed=seed,
        days=days,
        n_prosumer=int(or_none(1.0, most + 1.0)),
        rule=rules[seed % len(rules)],
        desk=bool(random.random() < 0.5),
        partners=int(random.integers(1, MOST_PARTNERS + 1)),
        storage_mwh=or_none(*STORAGE_MWH),
        wind_scale=or_none(*WIND_SCALE),
        tank_tco2=or_none(*TANK_TCO2),
        load_scale=float(random.uniform(*LOAD_SCALE)),
        import_limit_mw=float(random.uniform(*IMPORT_LIMIT_MW)),
        flexible_share=float(random.uniform(*FLEXIBLE_SHARE)),
        trigger_mw=float(random.uniform(*TRIGGER_MW)),
        carbon_price_per_tco2=float(random.uniform(*CARBON_PRICE_PER_TCO2)),
        capture_efficiency=float(random.uniform(*CAPTURE_EFFICIENCY)),
        pool_fee_per_mwh=float(random.uniform(*POOL_FEE_PER_MWH)),
        line_fee_per_km_mwh=float(random.uniform(*LINE_FEE_PER_KM_MWH)),
        log_share=float(random.random()),
        battery_share=float(random.random()),
        latency_s=or_none(*LATENCY_S),
        loss=or_none(*LOSS),
    )


def write_pool_scenario(drawn: PoolDraw, folder: Path) -> Path:
    """Write the scenario of a draw with its profiles.

    Returns
    -------
    Path
        The scenario, which `gridarium run` takes as it takes any other; every field is written out that
        says what the system can supply.
    """
    tree = without_cases(read_scenario_file(BASE).tree)
    plan = SyntheticPoolPlan(
        drawn.n_prosumer, log_share=drawn.log_share, battery_share=drawn.battery_share, n_period=_QUARTERS
    )
    pool = made_up_prosumers(plan, _stream(drawn.seed, "pool of prosumers"))
    for field in ("lines", "prosumers", "trading"):
        del tree[field]
    if pool.data:
        tree |= _pool(drawn, pool)
    tree |= {
        "title": f"Pools, seed {drawn.seed}",
        "description": drawn.told(),
        "papers": [],
        "seed": drawn.seed,
        "horizon_h": 24 * drawn.days,
        "profiles": str(_write_profiles(drawn, pool, folder)),
        "real_time_market": {**tree["real_time_market"], "import_limit_mw": drawn.import_limit_mw},
        "operator": {
            **tree["operator"],
            "trigger_mw": drawn.trigger_mw,
            "pool_fee_per_mwh": drawn.pool_fee_per_mwh,
            "benchmark_nodes": MOST_NODES if drawn.seed % BENCHMARKED_EVERY == 0 else 0,
        },
        "carbon_market": {**tree["carbon_market"], "price_per_tco2": drawn.carbon_price_per_tco2},
        "thermal_units": {name: _unit(drawn, unit) for name, unit in tree["thermal_units"].items()},
        "wind_farms": _wind_farms(drawn, tree["wind_farms"]),
        "flexible_loads": {
            name: {**load, "share": 0.5 * drawn.flexible_share, "lowest_share": 0.7, "highest_share": 1.3}
            for name, load in tree["flexible_loads"].items()
        },
        "provider": _provider(drawn, tree["provider"]),
        "communication": {"latency_s": drawn.latency_s, "loss": drawn.loss},
    }
    path = folder / "scenario.yaml"
    path.write_text(dump_yaml(tree), encoding="utf-8")
    return path


def _pool(drawn: PoolDraw, pool: MadeUpProsumers) -> dict[str, Any]:
    """Prosumers, and how they trade where there is somebody to lease them lines."""
    trading = {"rule": drawn.rule, "desk": drawn.desk, "partners": drawn.partners}
    return {
        "lines": {"distance_km": _distances_km(pool), "capacity_mw": 5.0, "loss_per_km": 0.0005},
        "prosumers": {name: _prosumer(name, one) for name, one in pool.data.items()},
        "trading": {"active": drawn.storage_mwh > 0.0, **trading},
    }


def _write_profiles(drawn: PoolDraw, pool: MadeUpProsumers, folder: Path) -> Path:
    """A day of the base and of the pool, and further ones that are like it."""
    day = read_profiles(profile_path(BASE))
    random = _stream(drawn.seed, "days of pools")
    one_day = {
        "load_mw": drawn.load_scale * day.column("load_mw"),
        "wind_forecast_mw": drawn.wind_scale * day.column("wind_forecast_mw"),
    }
    for name, data in pool.data.items():
        one_day |= {_pv(name): data.pv_mw, _load(name): data.load_mw}
    days = [one_day]
    for _ in range(1, drawn.days):
        scale = {key: float(random.uniform(*band)) for key, band in LATER_DAY.items()}
        days.append(
            {
                name: scale.get("pv" if name.endswith("_pv_mw") else name, 1.0) * values
                for name, values in one_day.items()
            }
        )
    start = day.index[0]
    times = pd.date_range(start, periods=_QUARTERS * drawn.days, freq="15min")
    columns = {name: np.concatenate([one[name] for one in days]) for name in one_day}
    path = folder / "profiles.csv"
    pd.DataFrame({"time": [time.isoformat() for time in times], **columns}).to_csv(path, index=False)
    return path


def _pv(prosumer: str) -> str:
    return f"{prosumer}_pv_mw"


def _load(prosumer: str) -> str:
    return f"{prosumer}_load_mw"


def _unit(drawn: PoolDraw, unit: Mapping[str, Any]) -> dict[str, Any]:
    if "capture" not in unit:
        return dict(unit)
    own = {"efficiency": drawn.capture_efficiency, "tank_tco2": 0.5 * drawn.tank_tco2}
    return {**unit, "capture": {**unit["capture"], **own}}


def _wind_farms(drawn: PoolDraw, farms: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    if drawn.wind_scale == 0.0:
        return {}
    return {
        name: {**farm, "capacity_mw": drawn.wind_scale * farm["capacity_mw"]} for name, farm in farms.items()
    }


def _provider(drawn: PoolDraw, provider: Mapping[str, Any]) -> dict[str, Any]:
    if drawn.storage_mwh == 0.0:
        return {**provider, "active": False}
    size = {"e_max_mwh": drawn.storage_mwh, "p_max_mw": drawn.storage_mwh / _STORAGE_H}
    first = {**provider["lease"]["first"], "base_fee_per_km_mwh": drawn.line_fee_per_km_mwh}
    return {
        **provider,
        "active": True,
        "storage": {**provider["storage"], **size},
        "lease": {**provider["lease"], "first": first},
    }


def _distances_km(pool: MadeUpProsumers) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for (one, here), (other, there) in combinations(pool.positions_km.items(), 2):
        rows.setdefault(one, {})[other] = dist(here, there)
    return rows


def _prosumer(name: str, data: ProsumerData) -> dict[str, Any]:
    own = {"pv_column": _pv(name), "load_column": _load(name), "fluctuation": data.fluctuation}
    kind = "log" if isinstance(data.utility, LogUtility) else "quadratic"
    assert isinstance(data.utility, LogUtility | QuadraticUtility)
    worth = {"utility": {"kind": kind, **_plain(data.utility)}}
    if data.battery is None:
        return {**own, **worth}
    ratings = {field: value for field, value in _plain(data.battery).items() if field not in _OF_THE_AGENT}
    return {**own, **worth, "battery": ratings}


def _plain(record: LogUtility | QuadraticUtility | StorageRatings) -> dict[str, Any]:
    """Fields of a record, numbers as YAML knows them."""
    return {
        field: float(value) if isinstance(value, float) else value for field, value in asdict(record).items()
    }


def _stream(seed: int, purpose: str) -> Generator:
    return RandomStreams(seed).stream(purpose)
