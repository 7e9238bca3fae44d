"""Tidy tables of one finished case of model E."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.net_zero.benchmarks import benchmark_table
from gridarium.experiments.net_zero.build import Built
from gridarium.experiments.net_zero.pool_tables import lease_table, pool_table, prosumer_table, trade_table
from gridarium.experiments.tidy import below_mw, ledger_of, made_tables, periods, tidy
from gridarium.market.carbon_trading import carbon_trading_money

TABLES = (
    "signals",
    "decisions",
    "dispatch",
    "carbon",
    "units",
    "quarters",
    "prosumers",
    "pool",
    "trades",
    "leases",
    "benchmarks",
    "traffic",
    "messages",
    "ledger",
    "payoffs",
)
"""Names of the tables of a run."""

MEASURED = tuple(name for name in TABLES if name not in ("signals", "messages"))
"""The tables that metrics and certificates are taken from."""


def tables_of(case: str, built: Built, names: Sequence[str] = TABLES) -> dict[str, pd.DataFrame]:
    """The tables of a case, each with a first column `case`."""
    makers: Mapping[str, Callable[[Built], pd.DataFrame]] = {
        "signals": _signals,
        "decisions": _decisions,
        "dispatch": _dispatch,
        "carbon": _carbon,
        "units": _units,
        "quarters": _quarters,
        "prosumers": prosumer_table,
        "pool": pool_table,
        "trades": trade_table,
        "leases": lease_table,
        "benchmarks": benchmark_table,
        "traffic": lambda built: pd.DataFrame({"messages": [built.world.bus.sent]}),
        "messages": lambda built: built.world.bus.log(),
        "ledger": lambda built: ledger_of(built.grid),
        "payoffs": _payoffs,
    }
    return made_tables(case, built, names, makers)


def _signals(built: Built) -> pd.DataFrame:
    operator, n_period = built.operator, built.world.n_period
    return periods(built.world).assign(
        price_per_mwh=operator.price_per_mwh if operator else np.full(n_period, np.nan),
        market_price_per_mwh=built.scenario.real_time_market.price_per_mwh,
    )


def _decisions(built: Built) -> pd.DataFrame:
    """Loads before and after their response, as planned and as drawn."""
    local = built.grid.local
    rows: list[tuple[Any, ...]] = []
    if built.load is not None:
        forecast, actual = built.load.loads_mw["forecast"], built.load.loads_mw["actual"]
        rows.append((local(built.load.name), "load", forecast, forecast, actual))
    rows += [
        (local(load.name), "flexible_load", *(load.loads_mw[key] for key in ("base", "plan", "drawn")))
        for load in built.flexible_loads
    ]
    if not rows:
        return pd.DataFrame(columns=["agent", "kind", "period", "time", *_LOADS])
    agents, kinds, *series = zip(*rows, strict=True)
    return tidy(built.world, {"agent": agents, "kind": kinds}, dict(zip(_LOADS, series, strict=True)))


_LOADS = ("p_base_mw", "p_plan_mw", "p_metered_mw")


def _dispatch(built: Built) -> pd.DataFrame:
    """What everybody supplies and draws; what prosumers get from each other counts on both sides."""
    world, local = built.world, built.grid.local
    nothing, unknown = np.zeros(world.n_period), np.full(world.n_period, np.nan)
    slack = built.grid.exchange_mw
    rows: list[tuple[Any, ...]] = [
        (local(plant.name), "thermal", plant.done["net_mw"], nothing, unknown, unknown)
        for plant in built.plants
    ]
    for farm in built.wind_farms:
        power = farm.power_mw
        rows.append((local(farm.name), "wind", power["delivered"], nothing, power["available"], unknown))
    if built.provider is not None:
        esp = built.provider
        rows.append((local(esp.name), "storage", esp.discharge_mw, esp.charge_mw, unknown, esp.e_mwh))
    received = {one.name: received_mw(built, one.name) for one in built.prosumers}
    total = np.sum([*received.values(), nothing], axis=0)
    rows.append(("leased lines", "pool", total, nothing, unknown, unknown))
    rows.append(
        ("real-time market", "market", np.maximum(slack, 0.0), np.maximum(-slack, 0.0), unknown, unknown)
    )
    loads = [(load.name, "load") for load in [built.load] if load is not None]
    loads += [(load.name, "flexible_load") for load in built.flexible_loads]
    rows += [(local(name), kind, nothing, world.meters[name], unknown, unknown) for name, kind in loads]
    rows += [
        (grid.name, "grid_below", np.maximum(-taken, 0.0), np.maximum(taken, 0.0), unknown, unknown)
        for grid, taken in below_mw(built.grid)
    ]
    rows += [
        (local(one.name), "grid_below", one.fed_back_mw, world.meters[one.name], unknown, unknown)
        for one in built.recorded
    ]
    rows += [
        (local(name), "prosumer", nothing, world.meters[name] + from_others, unknown, unknown)
        for name, from_others in received.items()
    ]
    units, kinds, *series = zip(*rows, strict=True)
    names = ("p_supply_mw", "p_demand_mw", "p_available_mw", "e_mwh")
    return tidy(world, {"unit": units, "kind": kinds}, dict(zip(names, series, strict=True)))


def received_mw(built: Built, name: str) -> Array:
    """What a prosumer received over leased lines, mean power of each period, shape (n_period,)."""
    (prosumer,) = [one for one in built.prosumers if one.name == name]
    return np.array([metered.received for metered in prosumer.metered]) / built.world.period_h


def _units(built: Built) -> pd.DataFrame:
    if not built.plants:
        return pd.DataFrame(columns=["unit", "period", "time", *_UNIT_SERIES])
    emission = [
        built.scenario.thermal_units[built.grid.local(plant.name)].emission_tco2_per_mwh
        * plant.done["gross_mw"]
        for plant in built.plants
    ]
    series = [
        *(np.stack([plant.done[name] for plant in built.plants]) for name in _DONE),
        np.stack([plant.tank_tco2 for plant in built.plants]),
        np.stack(emission),
    ]
    return tidy(
        built.world,
        {"unit": [built.grid.local(plant.name) for plant in built.plants]},
        dict(zip(_UNIT_SERIES, series, strict=True)),
    )


_DONE = ("on", "gross_mw", "net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h")
_UNIT_SERIES = (*_DONE, "tank_tco2", "emission_gross_tco2_per_h")


def _carbon(built: Built) -> pd.DataFrame:
    """Carbon of all units in each period, tCO2, and what it is traded for."""
    hours, zeros = built.world.period_h, np.zeros(built.world.n_period)
    units, market = _units(built), built.scenario.carbon_market
    by_period = units.groupby("period")[["gross_mw", *_CARBON]].sum() if len(units) else None

    def total(name: str) -> Array:
        return zeros if by_period is None else by_period[name].to_numpy(dtype=float) * hours

    net = total("emission_gross_tco2_per_h") - total("absorbed_tco2_per_h")
    gross_mwh = total("gross_mw")
    return periods(built.world).assign(
        emission_gross_tco2=total("emission_gross_tco2_per_h"),
        absorbed_tco2=total("absorbed_tco2_per_h"),
        regenerated_tco2=total("regenerated_tco2_per_h"),
        tank_tco2=total("tank_tco2") / hours,
        emission_net_tco2=net,
        allowance_tco2=market.allowance_tco2_per_mwh * gross_mwh,
        trading_money=carbon_trading_money(
            net, gross_mwh, market.price_per_tco2, market.allowance_tco2_per_mwh
        ),
    )


_CARBON = ("emission_gross_tco2_per_h", "absorbed_tco2_per_h", "regenerated_tco2_per_h", "tank_tco2")
_RECORDED = (
    "deviation_mw",
    "perceived_mw",
    "fired",
    "left_mw",
    "called_mw",
    "available_wind_mw",
    "load_mw",
    "price_per_mwh",
    "silent",
)
_SHORT = ("reserve_up_short_mw", "reserve_down_short_mw")


def _quarters(built: Built) -> pd.DataFrame:
    """What the operator saw and decided in each period, and what it cost."""
    records = built.operator.records if built.operator else []
    rows = [
        {name: getattr(record, name) for name in _RECORDED}
        | {name: getattr(record.realised, name) for name in _SHORT}
        | asdict(record.costs)
        for record in records
    ]
    table = pd.DataFrame(rows)
    return pd.concat([periods(built.world).iloc[: len(rows)], table], axis=1)


def _payoffs(built: Built) -> pd.DataFrame:
    """What each agent gained, by item; payments from the ledger, utilities of what prosumers bought."""
    ledger, prosumers = ledger_of(built.grid), prosumer_table(built)
    paid = ledger.groupby(["account", "purpose"], sort=True, as_index=False)["amount_money"].sum()
    kinds = {one.name: "prosumer" for one in built.prosumers}
    kinds |= {one.name: "thermal" for one in built.plants}
    kinds |= {one.name: "flexible_load" for one in built.flexible_loads}
    kinds |= {one.name: "operator" for one in [built.operator] if one is not None}
    kinds |= {one.name: "provider" for one in [built.provider] if one is not None}
    rows: list[tuple[Any, ...]] = [
        (built.grid.local(account), kinds.get(account, "counterparty"), purpose, float(amount))
        for account, purpose, amount in paid.itertuples(index=False)
    ]
    values = prosumers.groupby("prosumer", sort=False)["value_money"].sum()
    rows += [(str(name), "prosumer", "value of energy", float(value)) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["agent", "kind", "item", "amount_money"])
