"""Certificates: how far a finished case is from physics, balance and equilibrium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array
from gridarium.environment.errors import LedgerError
from gridarium.experiments.adcef.build import Built
from gridarium.experiments.adcef.leader_certificates import certify_leader
from gridarium.experiments.adcef.metrics import Tables
from gridarium.experiments.records import Certificate, Reading
from gridarium.market.accounts import TRUE_UP

if TYPE_CHECKING:
    from gridarium.experiments.adcef.schema import AdcefScenario


def certify(case: str, scenario: AdcefScenario, built: Built, tables: Tables) -> list[Certificate]:
    """All certificates of one case."""
    measured = [
        *_energy(built, tables),
        *_carbon(built, tables),
        *_money(built, tables),
        *_grid(scenario, built, tables),
        *_equilibrium(scenario, built),
    ]
    if scenario.certifies_leader:
        measured += certify_leader(scenario, built)
    return [Reading(*item).certificate(case, scenario.currency_code) for item in measured]


_PLAN_KEPT_MW = 1e-6
_Measured = tuple[str, float, float, str, bool, str]


def _energy(built: Built, tables: Tables) -> Iterator[_Measured]:
    dispatch = tables["dispatch"].groupby("period")[["p_supply_mw", "p_demand_mw"]].sum()
    lost = np.array([float(state.flow.loss_mw[0]) for state in built.grid.states])
    gap = np.abs(dispatch["p_supply_mw"] - dispatch["p_demand_mw"] - lost).max()
    yield (
        "energy balance", float(gap), 1e-6, "MW", True,
        "largest difference of supply and demand plus AC losses in a period",
    )  # fmt: skip
    if built.storages:
        rows = [
            (unit.energy_mwh[-1], unit.ratings.soc_initial * unit.ratings.e_max_mwh)
            for unit in built.storages
        ]
        drift = max(abs(float(last) - first) for last, first in rows)
        yield (
            "storage cycle", drift, 1e-5, "MWh", True,
            "largest difference of a storage's energy after and before the day",
        )  # fmt: skip


def _carbon(built: Built, tables: Tables) -> Iterator[_Measured]:
    carbon, dso = tables["carbon"], built.dso
    emitted = float(carbon["emission_grid_tco2"].sum() + carbon["emission_gas_tco2"].sum())
    held = _pool_change_tco2(built)
    gap = float(carbon["allocated_tco2"].sum()) - (emitted - held - float(carbon["credit_tco2"].sum()))
    scale = max(emitted, 1e-9)
    yield (
        "carbon balance", abs(gap) / scale, 1e-6, "", True,
        "carbon allocated to loads against emission minus pool change minus credits, relative to emission",
    )  # fmt: skip
    planned = dso.by_period(lambda day: day.plan.offer.factor_tco2_per_mwh)
    corrected = np.abs(dso.settled_factor_tco2_per_mwh - planned)
    yield (
        "carbon correction", float(corrected.max()), 1e-3, "tCO2/MWh", False,
        "largest change of the factor when metered emission replaces the planned one",
    )  # fmt: skip
    traced = max(abs(state.residual_t_per_h) for state in built.grid.states)
    yield (
        "carbon flow", traced * built.world.period_h / scale, 1e-6, "", True,
        "carbon of sources against carbon of loads and losses by proportional sharing, relative to emission",
    )  # fmt: skip
    if dso.tariff.pool:
        yield (
            "pool neutrality", abs(held), 1e-5, "tCO2", True,
            "change of the virtual carbon pools over the days",
        )  # fmt: skip


def _pool_change_tco2(built: Built) -> float:
    """What the virtual carbon pools hold more after each day than before it, summed over the days."""
    dso = built.dso
    if not dso.tariff.pool:
        return 0.0
    ends = [dso.horizon.periods(day.number).stop - 1 for day in dso.days]
    after = sum(float(unit.pool_tco2[end]) for unit in built.storages for end in ends)
    return after - sum(float(day.plan.pool.first_tco2.sum()) for day in dso.days)


def _money(built: Built, tables: Tables) -> Iterator[_Measured]:
    ledger, dso = tables["ledger"], built.dso
    try:
        built.world.ledger.verify()
        broken = 0.0
    except LedgerError:
        broken = 1.0
    yield (
        "money balance", abs(float(ledger["amount_money"].sum())) + broken, 1e-6, "money", True,
        "sum of all bookings, each made twice; 1 is added if the chain of entries is broken",
    )  # fmt: skip
    if dso.tariff.budget_balanced:
        extra = ledger.loc[(ledger["purpose"] == TRUE_UP) & (ledger["account"] == built.grid.local(dso.name))]
        excess = sum(max(0.0, day.accounts.budget_excess_money()) for day in dso.days)
        left = excess - float(extra["amount_money"].sum())
        yield (
            "budget balance", max(0.0, left), 1e-6, "money", True,
            "discounts to consumers beyond the carbon revenue, after the true-up (C8)",
        )  # fmt: skip


def _grid(scenario: AdcefScenario, built: Built, tables: Tables) -> Iterator[_Measured]:
    buses, branches = tables["buses"], tables["branches"]
    # Where bounded agents bring another load than was counted on, the grid shows it; no model is wrong.
    counted_mw = built.dso.by_period(lambda day: day.plan.situation.load_mw)
    served_mw = np.concatenate([day.accounts.load_mw() for day in built.dso.days])
    hard = _is_rational(scenario) or bool(np.abs(served_mw - counted_mw).max() <= _PLAN_KEPT_MW)
    yield (
        "cone gap", max(day.plan.dispatch.cone_gap for day in built.dso.days), 1e-5, "p.u.", True,
        "largest |P^2 + Q^2 - l v| of a branch, on a base of 1 MVA (C10)",
    )  # fmt: skip
    yield (
        "AC voltage error", float(np.abs(buses["vm_pu"] - buses["vm_dispatch_pu"]).max()), 1e-5, "p.u.", hard,
        "largest difference of dispatched and AC voltage",
    )  # fmt: skip
    largest = float(branches["i_pu"].max())
    yield (
        "AC loading error",
        float(np.abs(branches["i_pu"] - branches["i_dispatch_pu"]).max()) / max(largest, 1e-9),
        1e-3, "", hard,
        "largest difference of dispatched and AC current, relative to the largest current",
    )  # fmt: skip
    network = scenario.network
    outside = np.maximum(network.voltage_min_pu - buses["vm_pu"], buses["vm_pu"] - network.voltage_max_pu)
    yield (
        "voltage band", max(0.0, float(outside.max())), 1e-5, "p.u.", hard,
        "how far an AC voltage leaves the allowed band",
    )  # fmt: skip


def _equilibrium(scenario: AdcefScenario, built: Built) -> Iterator[_Measured]:
    exact = _has_rational_consumers(scenario)
    regrets = [_regret_share(consumer, day) for consumer in built.consumers for day in built.dso.days]
    yield (
        "follower regret", max(regrets, default=0.0), 1e-6, "", exact,
        "most that a consumer could gain by re-solving against the final tariff, relative to its bill",
    )  # fmt: skip
    plans = np.sum([consumer.loads_mw["plan"] for consumer in built.consumers], axis=0)
    yield (
        "plan kept", float(np.abs(_metered_mw(built) - plans).max()), _PLAN_KEPT_MW, "MW", exact,
        "largest difference of metered and planned load",
    )  # fmt: skip
    rules = built.dso.rules
    # Not the last round's residual: answers that missed the round still come in after it.
    left, day = max(
        ((day.setter.distance(day.signal.price_per_mwh, day.plan), day) for day in built.dso.days),
        key=lambda item: item[0],
    )
    last = day.rounds[-1]
    rounds = "1 round" if last.round == 1 else f"{last.round} rounds"
    yield (
        "convergence", left, rules.price_tolerance_per_mwh, "money/MWh", False,
        f"posted price against the one that the answers call for; ended after {rounds}: {last.ended}",
    )  # fmt: skip


def _regret_share(consumer: Consumer, day: DsoDay) -> float:
    """What a consumer could gain on a day by another plan, as a share of its bill."""
    own, horizon = consumer.day(day.number), consumer.horizon
    bill = float(np.sum(day.signal.price_per_mwh * own.plan_mw) * horizon.step_h)
    return own.regret_money(day.signal) / max(abs(bill), 1e-9)


def _metered_mw(built: Built) -> Array:
    """Load of all consumers as metered, shape (n_period,)."""
    return np.asarray(np.sum([built.world.meters[consumer.name] for consumer in built.consumers], axis=0))


def _has_rational_consumers(scenario: AdcefScenario) -> bool:
    groups = scenario.consumers.values()
    return all(group.agent == "consumer" and not group.behaviour and not group.mixture for group in groups)


def _is_rational(scenario: AdcefScenario) -> bool:
    return _has_rational_consumers(scenario) and not scenario.dso.behaviour
