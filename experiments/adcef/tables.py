"""Tidy tables of one finished case; the columns are the contract of the run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.feeder.consumer import Consumer
from gridarium.environment.arrays import Array
from gridarium.environment.grids import PeriodState
from gridarium.experiments.adcef.build import Built
from gridarium.experiments.table_files import TABLES
from gridarium.experiments.tidy import below_mw, ledger_of, made_tables, periods, tidy

MEASURED = ("decisions", "dispatch", "buses", "branches", "carbon", "rounds", "ledger", "payoffs")
"""The tables that metrics and certificates are taken from."""


def tables_of(case: str, built: Built, names: Sequence[str] = TABLES) -> dict[str, pd.DataFrame]:
    """The tables of a case, each with a first column `case`."""
    makers: Mapping[str, Callable[[Built], pd.DataFrame]] = {
        "signals": _signals,
        "decisions": _decisions,
        "dispatch": _dispatch,
        "buses": _buses,
        "branches": _branches,
        "carbon": _carbon,
        "trades": _trades,
        "messages": lambda built: built.world.bus.log(),
        "rounds": _rounds,
        "ledger": lambda built: ledger_of(built.grid),
        "payoffs": _payoffs,
    }
    return made_tables(case, built, names, makers)


def _over_periods(built: Built, value: Callable[[PeriodState], Array]) -> Array:
    """What was measured in each period, shape (n_item, n_period)."""
    return np.stack([value(state) for state in built.grid.states], axis=1)


def _metered(built: Built, consumer: Consumer) -> Array:
    return built.world.meters[consumer.name]


def _signals(built: Built) -> pd.DataFrame:
    dso, grid, hold = built.dso, built.grid, built.dso.by_period
    total = hold(lambda day: day.plan.situation.supply.total_mw)
    emission = hold(lambda day: day.plan.situation.supply.emission_t_per_h)
    taken = grid.exchange_mw
    return periods(built.world).assign(
        tou_price_per_mwh=hold(lambda day: day.conditions.tou_price_per_mwh),
        wholesale_price_per_mwh=dso.terms_price_per_mwh,
        price_per_mwh=hold(lambda day: day.signal.price_per_mwh),
        factor_tco2_per_mwh=dso.settled_factor_tco2_per_mwh,
        system_factor_tco2_per_mwh=np.divide(emission, total, out=np.zeros_like(total), where=total > 0),
        negative_factor_tco2_per_mwh=hold(lambda day: day.plan.offer.negative_factor_tco2_per_mwh),
        grid_factor_tco2_per_mwh=hold(lambda day: day.conditions.grid_factor_tco2_per_mwh),
        grid_factor_metered_tco2_per_mwh=np.divide(
            grid.head_t_per_h, taken, out=np.full_like(taken, np.nan), where=taken > 0
        ),
        surplus_mw=hold(lambda day: day.plan.offer.surplus_mw),
        p_nominated_mw=_nominated_mw(built),
    )


def _nominated_mw(built: Built) -> Array:
    """What the operator has told its supplier that it will take, of one grid."""
    if built.market is not None:
        return built.market.nominated_mw
    return built.dso.by_period(lambda day: built.dso.head_plan_mw(day.number))


def _decisions(built: Built) -> pd.DataFrame:
    consumers, n_period = built.consumers, built.world.n_period
    loads = [(one.loads_mw["base"], one.loads_mw["plan"], _metered(built, one)) for one in consumers]
    base, plan, metered = np.array(loads).reshape(len(consumers), 3, n_period).swapaxes(0, 1)
    names = [built.grid.local(one.name) for one in consumers]
    return tidy(
        built.world,
        {"agent": names, "kind": [one.kind for one in consumers]},
        {"p_base_mw": base, "p_plan_mw": plan, "p_metered_mw": metered},
    )


def _dispatch(built: Built) -> pd.DataFrame:
    world, grid, hold, shape = built.world, built.grid, built.dso.by_period, built.dso.shape
    labels, local = grid.feeder.bus_labels, grid.local
    sites, nothing, unknown = dict(shape.sites), np.zeros(world.n_period), np.full(world.n_period, np.nan)
    slack = grid.exchange_mw
    slack_q = np.array([float(state.flow.q_slack_mvar[0]) for state in grid.states])
    import_mw, export_mw = np.maximum(slack, 0.0), np.maximum(-slack, 0.0)
    turbines = (
        hold(lambda day: day.plan.dispatch.turbine_mw),
        hold(lambda day: day.plan.dispatch.turbine_mvar),
    )
    plants = (
        hold(lambda day: day.plan.dispatch.renewable_mw),
        hold(lambda day: day.plan.dispatch.renewable_mvar),
    )
    storages = (
        hold(lambda day: day.plan.dispatch.discharge_mw),
        hold(lambda day: day.plan.dispatch.charge_mw),
        hold(lambda day: day.plan.dispatch.storage_mvar),
    )
    rows: list[tuple[Any, ...]] = [
        ("substation", "grid", 0, import_mw, export_mw, slack_q, unknown, unknown),
        *(
            (unit.name, "gas_turbine", sites[unit.name], p_mw, nothing, q_mvar, unknown, unknown)
            for unit, p_mw, q_mvar in zip(shape.turbines, *turbines, strict=True)
        ),
        *(
            (local(unit.name), "renewable", unit.site.bus, p_mw, nothing, q_mvar, unit.available_mw, unknown)
            for unit, p_mw, q_mvar in zip(built.plants, *plants, strict=True)
        ),
        *(
            (local(unit.name), "storage", unit.site.bus, p_out, p_in, q_mvar, unknown, unit.energy_mwh)
            for unit, p_out, p_in, q_mvar in zip(built.storages, *storages, strict=True)
        ),
        *(
            (local(one.name), "load", 0, nothing, _metered(built, one), nothing, unknown, unknown)
            for one in built.consumers
        ),
        *(
            (one.name, "grid_below", one.above.bus, *_both_ways(taken), nothing, unknown, unknown)
            for one, taken in below_mw(grid)
            if one.above is not None
        ),
    ]
    units, kinds, buses, *series = zip(*rows, strict=True)
    names = ("p_supply_mw", "p_demand_mw", "q_mvar", "p_available_mw", "e_mwh")
    return tidy(
        built.world,
        {"unit": units, "kind": kinds, "bus": [str(labels[bus]) for bus in buses]},
        dict(zip(names, series, strict=True)),
    )


def _both_ways(taken_mw: Array) -> tuple[Array, Array]:
    """What is fed back and what is taken, MW."""
    return np.maximum(-taken_mw, 0.0), np.maximum(taken_mw, 0.0)


def _buses(built: Built) -> pd.DataFrame:
    feeder = built.grid.feeder
    return tidy(
        built.world,
        {"bus": [str(label) for label in feeder.bus_labels]},
        {
            "vm_pu": _over_periods(built, lambda state: state.flow.vm_pu[0]),
            "va_degree": _over_periods(built, lambda state: state.flow.va_degree[0]),
            "vm_dispatch_pu": built.dso.by_period(lambda day: day.plan.dispatch.voltage_pu),
            "p_load_mw": _over_periods(built, lambda state: state.load_mw + state.below_mw),
            "carbon_intensity_tco2_per_mwh": _over_periods(built, lambda state: state.intensity_tco2_per_mwh),
            "x": feeder.x[:, None],
            "y": feeder.y[:, None],
        },
    )


def _branches(built: Built) -> pd.DataFrame:
    feeder = built.grid.feeder
    labels = [str(label) for label in feeder.bus_labels]
    current = _over_periods(built, lambda state: state.flow.i_pu[0])
    rating = np.where(np.isfinite(feeder.i_max_pu), feeder.i_max_pu, np.nan)
    return tidy(
        built.world,
        {
            "branch": feeder.branch_labels,
            "from_bus": [labels[bus] for bus in feeder.parent],
            "to_bus": labels[1:],
        },
        {
            "p_from_mw": _over_periods(built, lambda state: state.flow.p_from_mw[0]),
            "q_from_mvar": _over_periods(built, lambda state: state.flow.q_from_mvar[0]),
            "p_to_mw": _over_periods(built, lambda state: state.flow.p_to_mw[0]),
            "q_to_mvar": _over_periods(built, lambda state: state.flow.q_to_mvar[0]),
            "i_pu": current,
            "loading": current / rating[:, None],
            "i_dispatch_pu": built.dso.by_period(lambda day: day.plan.dispatch.current_pu),
        },
    )


def _carbon(built: Built) -> pd.DataFrame:
    dso, hours, hold = built.dso, built.world.period_h, built.dso.by_period
    load = np.concatenate([day.accounts.load_mw() for day in dso.days])
    turbine = hold(lambda day: day.plan.situation.supply.turbine_t_per_h) * hours
    pool = [storage.pool_tco2 for storage in built.storages]
    quota = hold(lambda day: np.full(dso.horizon.n_step, day.conditions.quota_tco2_per_mwh))
    return periods(built.world).assign(
        emission_grid_tco2=dso.emission_tco2 - turbine,
        emission_gas_tco2=turbine,
        allocated_tco2=dso.settled_factor_tco2_per_mwh * load * hours,
        pool_in_tco2=hold(lambda day: day.plan.pool.inflow_t_per_h.sum(axis=0)) * hours,
        pool_out_tco2=hold(lambda day: day.plan.pool.outflow_t_per_h.sum(axis=0)) * hours,
        pool_tco2=np.sum(pool, axis=0) if pool else 0.0,
        credit_tco2=-hold(lambda day: day.plan.offer.negative_factor_tco2_per_mwh) * load * hours,
        quota_tco2=quota * load * hours,
    )


def _trades(built: Built) -> pd.DataFrame:
    """Energy that changes hands: retail by consumer, and the exchange at the head."""
    dso, world, local = built.dso, built.world, built.grid.local
    exchange = built.grid.exchange_mw * world.period_h
    price = dso.by_period(lambda day: day.signal.price_per_mwh)
    supplier, operator = local(dso.supplier), local(dso.name)
    deals: list[tuple[Any, ...]] = [
        (operator, local(one.name), "retail", _metered(built, one) * world.period_h, price)
        for one in built.consumers
    ]
    deals += [
        (operator, one.name, "retail", taken_mw * world.period_h, price)
        for one, taken_mw in below_mw(built.grid)
    ]
    deals.append((supplier, operator, "import", np.maximum(exchange, 0.0), dso.terms_price_per_mwh))
    deals.append((operator, supplier, "export", np.maximum(-exchange, 0.0), dso.terms_export_per_mwh))
    sellers, buyers, products, volumes, prices = zip(*deals, strict=True)
    return tidy(
        built.world,
        {"seller": sellers, "buyer": buyers, "product": products},
        {"volume_mwh": volumes, "price_per_mwh": prices},
    )


def _rounds(built: Built) -> pd.DataFrame:
    return pd.DataFrame(
        [{"day": day.number, **asdict(round_)} for day in built.dso.days for round_ in day.rounds]
    )


def _payoffs(built: Built) -> pd.DataFrame:
    """What each agent gained, by item; payments from the ledger, utilities from the agents."""
    ledger, rows, local = ledger_of(built.grid), [], built.grid.local
    mine = ledger[ledger["account"].isin(_accounts(built)) | ledger["counterparty"].isin(_accounts(built))]
    paid = mine.groupby(["account", "purpose"], sort=True, as_index=False)["amount_money"].sum()
    kinds = {consumer.name: consumer.kind for consumer in built.consumers}
    kinds[built.dso.name] = "dso"
    for account, purpose, amount in paid.itertuples(index=False):
        rows.append((local(account), kinds.get(account, "counterparty"), purpose, float(amount)))
    rows += [(local(one.name), one.kind, "utility", _utility_money(built, one)) for one in built.consumers]
    return pd.DataFrame(rows, columns=["agent", "kind", "item", "amount_money"])


def _accounts(built: Built) -> list[str]:
    return [built.dso.name, *(one.name for one in built.consumers)]


def _utility_money(built: Built, consumer: Consumer) -> float:
    """Utility of what was really drawn, over all days."""
    horizon, metered = consumer.horizon, _metered(built, consumer)
    return sum(
        consumer.day(day.number).utility_money(horizon.fit(metered[horizon.periods(day.number)]), day.signal)
        for day in built.dso.days
    )
