"""Tidy tables of one finished case; the columns are the contract of the run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.feeder.plant import RenewablePlant
from gridarium.environment.arrays import Array
from gridarium.environment.world import PeriodState
from gridarium.experiments.adcef.build import Built
from gridarium.experiments.table_files import TABLES
from gridarium.experiments.tidy import made_tables, periods, tidy
from gridarium.market.accounts import UPSTREAM

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
        "ledger": lambda built: built.world.ledger.table(),
        "payoffs": _payoffs,
    }
    return made_tables(case, built, names, makers)


def _over_periods(built: Built, value: Callable[[PeriodState], Array]) -> Array:
    """What was measured in each period, shape (n_item, n_period)."""
    return np.stack([value(state) for state in built.world.states], axis=1)


def _substation_mw(built: Built) -> Array:
    return np.array([float(state.flow.p_slack_mw[0]) for state in built.world.states])


def _signals(built: Built) -> pd.DataFrame:
    dso, offer, conditions = built.dso, built.dso.plan.offer, built.conditions
    total = dso.plan.situation.supply.total_mw
    emission = dso.plan.situation.supply.emission_t_per_h
    return periods(built.world).assign(
        tou_price_per_mwh=conditions.tou_price_per_mwh,
        wholesale_price_per_mwh=conditions.wholesale_price_per_mwh,
        price_per_mwh=dso.signal.price_per_mwh,
        factor_tco2_per_mwh=dso.accounts.settled_factor,
        system_factor_tco2_per_mwh=np.divide(emission, total, out=np.zeros_like(total), where=total > 0),
        negative_factor_tco2_per_mwh=offer.negative_factor_tco2_per_mwh,
        grid_factor_tco2_per_mwh=conditions.grid_factor_tco2_per_mwh,
        surplus_mw=offer.surplus_mw,
    )


def _decisions(built: Built) -> pd.DataFrame:
    consumers, n_period = built.consumers, built.world.n_period
    loads = [(one.loads_mw["base"], one.loads_mw["plan"], built.world.meters[one.name]) for one in consumers]
    base, plan, metered = np.array(loads).reshape(len(consumers), 3, n_period).swapaxes(0, 1)
    return tidy(
        built.world,
        {"agent": [one.name for one in consumers], "kind": [one.kind for one in consumers]},
        {"p_base_mw": base, "p_plan_mw": plan, "p_metered_mw": metered},
    )


def _dispatch(built: Built) -> pd.DataFrame:
    dso, world = built.dso, built.world
    plan, shape, labels = dso.plan.dispatch, dso.shape, world.feeder.bus_labels
    sites, nothing, unknown = dict(shape.sites), np.zeros(world.n_period), np.full(world.n_period, np.nan)
    slack = _substation_mw(built)
    slack_q = np.array([float(state.flow.q_slack_mvar[0]) for state in world.states])
    import_mw, export_mw = np.maximum(slack, 0.0), np.maximum(-slack, 0.0)
    rows: list[tuple[Any, ...]] = [
        ("substation", "grid", 0, import_mw, export_mw, slack_q, unknown, unknown),
        *(
            (unit.name, "gas_turbine", sites[unit.name], p_mw, nothing, q_mvar, unknown, unknown)
            for unit, p_mw, q_mvar in zip(shape.turbines, plan.turbine_mw, plan.turbine_mvar, strict=True)
        ),
        *(
            (unit.name, "renewable", unit.bus, p_mw, nothing, q_mvar, _available_mw(built, unit), unknown)
            for unit, p_mw, q_mvar in zip(built.plants, plan.renewable_mw, plan.renewable_mvar, strict=True)
        ),
        *(
            (unit.name, "storage", unit.bus, p_out_mw, p_in_mw, q_mvar, unknown, unit.energy_mwh)
            for unit, p_out_mw, p_in_mw, q_mvar in zip(
                built.storages, plan.discharge_mw, plan.charge_mw, plan.storage_mvar, strict=True
            )
        ),
        *(
            (one.name, "load", 0, nothing, world.meters[one.name], nothing, unknown, unknown)
            for one in built.consumers
        ),
    ]
    units, kinds, buses, *series = zip(*rows, strict=True)
    names = ("p_supply_mw", "p_demand_mw", "q_mvar", "p_available_mw", "e_mwh")
    return tidy(
        built.world,
        {"unit": units, "kind": kinds, "bus": [str(labels[bus]) for bus in buses]},
        dict(zip(names, series, strict=True)),
    )


def _available_mw(built: Built, plant: RenewablePlant) -> Array:
    return built.profiles.column(built.renewable_columns[plant.name])


def _buses(built: Built) -> pd.DataFrame:
    feeder = built.world.feeder
    return tidy(
        built.world,
        {"bus": [str(label) for label in feeder.bus_labels]},
        {
            "vm_pu": _over_periods(built, lambda state: state.flow.vm_pu[0]),
            "va_degree": _over_periods(built, lambda state: state.flow.va_degree[0]),
            "vm_dispatch_pu": built.dso.plan.dispatch.voltage_pu,
            "p_load_mw": _over_periods(built, lambda state: state.load_mw),
            "carbon_intensity_tco2_per_mwh": _over_periods(built, lambda state: state.intensity_tco2_per_mwh),
            "x": feeder.x[:, None],
            "y": feeder.y[:, None],
        },
    )


def _branches(built: Built) -> pd.DataFrame:
    feeder = built.world.feeder
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
            "i_dispatch_pu": built.dso.plan.dispatch.current_pu,
        },
    )


def _carbon(built: Built) -> pd.DataFrame:
    dso, hours = built.dso, built.world.period_h
    plan = dso.plan
    load = np.sum([built.world.meters[consumer.name] for consumer in built.consumers], axis=0)
    turbine = plan.situation.supply.turbine_t_per_h * hours
    pool = [storage.pool_tco2 for storage in built.storages]
    return periods(built.world).assign(
        emission_grid_tco2=dso.accounts.emission_tco2() - turbine,
        emission_gas_tco2=turbine,
        allocated_tco2=dso.accounts.settled_factor * load * hours,
        pool_in_tco2=plan.pool.inflow_t_per_h.sum(axis=0) * hours,
        pool_out_tco2=plan.pool.outflow_t_per_h.sum(axis=0) * hours,
        pool_tco2=np.sum(pool, axis=0) if pool else 0.0,
        credit_tco2=-plan.offer.negative_factor_tco2_per_mwh * load * hours,
        quota_tco2=built.conditions.quota_tco2_per_mwh * load * hours,
    )


def _trades(built: Built) -> pd.DataFrame:
    """Energy that changes hands: retail by consumer, and the exchange at the substation."""
    dso, world, conditions = built.dso, built.world, built.conditions
    exchange, price = _substation_mw(built) * world.period_h, dso.signal.price_per_mwh
    upstream, wholesale = UPSTREAM, conditions.wholesale_price_per_mwh
    deals: list[tuple[Any, ...]] = [
        (dso.name, one.name, "retail", world.meters[one.name] * world.period_h, price)
        for one in built.consumers
    ]
    deals.append((upstream, dso.name, "import", np.maximum(exchange, 0.0), wholesale))
    deals.append((dso.name, upstream, "export", np.maximum(-exchange, 0.0), conditions.export_price_per_mwh))
    sellers, buyers, products, volumes, prices = zip(*deals, strict=True)
    return tidy(
        built.world,
        {"seller": sellers, "buyer": buyers, "product": products},
        {"volume_mwh": volumes, "price_per_mwh": prices},
    )


def _rounds(built: Built) -> pd.DataFrame:
    return pd.DataFrame([asdict(round_) for round_ in built.dso.rounds])


def _payoffs(built: Built) -> pd.DataFrame:
    """What each agent gained, by item; payments from the ledger, utilities from the agents."""
    ledger, rows = built.world.ledger.table(), []
    paid = ledger.groupby(["account", "purpose"], sort=True, as_index=False)["amount_money"].sum()
    kinds = {consumer.name: consumer.kind for consumer in built.consumers}
    kinds[built.dso.name] = "dso"
    for account, purpose, amount in paid.itertuples(index=False):
        rows.append((account, kinds.get(account, "counterparty"), purpose, float(amount)))
    for consumer in built.consumers:
        utility = consumer.utility_money(built.world.meters[consumer.name], built.dso.signal)
        rows.append((consumer.name, consumer.kind, "utility", utility))
    return pd.DataFrame(rows, columns=["agent", "kind", "item", "amount_money"])
