"""A run of model E: certificates, tables that agree with each other, and the same bytes every time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from gridarium.experiments.evidence.system.system_metrics import COST_PARTS
from gridarium.experiments.names import registry
from gridarium.experiments.results.result import Result
from gridarium.experiments.results.table_files import parquet_bytes
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import POOL_CALL, REAL_TIME

Run = Callable[..., Result]

TABLES = {
    "signals", "dispatch", "loads", "storages", "units", "quarters", "carbon", "prosumers", "pool", "trades",
    "offers", "leases", "benchmarks", "buses", "heads", "payoffs", "messages", "traffic", "ledger",
    "settlements",
}  # fmt: skip
CASES = ("capture", "shared-storage", "decentralised")
OPERATORS = {
    "dead-band": ("{width_mw: 0}", "{width_mw: 20}"),
    "hysteresis": ("{begins_mw: 0, ends_mw: 0}", "{begins_mw: 20, ends_mw: 10}"),
    "noisy-measurement": ("{scale_mw: 0, bias_mw: 0}", "{scale_mw: 5}"),
}
PROSUMERS = {
    "first-acceptable": ("{haste: 0}", "{haste: 1}"),
    "overconfident": ("{excess_share: 0}", "{excess_share: 0.5}"),
    "reputation-weighted": ("{weight: 1}", "{weight: 5}"),
    "partial-compliance": ("{compliance: 1}", "{compliance: 0.6}"),
    "override": ("{probability: 0}", "{probability: 0.5}"),
    "drop-out": ("{probability: 0}", "{probability: 0.2}"),
}
"""Parameters at which a behaviour changes nothing, and others at which it does."""


def digests(result: Result) -> Mapping[str, str]:
    return {name: hashlib.sha256(parquet_bytes(table)).hexdigest() for name, table in result.tables.items()}


def test_every_certificate_passes(short_run: Result) -> None:
    assert [item for item in short_run.certificates if not item.passed] == []
    names = {item.name for item in short_run.certificates if item.case == "shared-storage"}
    assert {
        "energy balance", "prosumer balance", "storage energy", "unit limits", "ramps", "reserve",
        "solvent tank", "demand response energy", "carbon balance", "carbon trading", "money balance",
        "money each minute", "payments", "line fees", "price band", "mutual gain", "matching bound",
        "welfare lost", "perfect information", "deals within both limits", "concessions one way",
        "concessions as stated", "deals where offers cross",
    } <= names  # fmt: skip


def test_the_folder_holds_the_models_own_tables(
    short_run: Result, folder_of: Callable[..., Result], tmp_path: Path
) -> None:
    assert set(short_run.tables) == TABLES
    again = folder_of(short_run, tmp_path / "run")
    assert set(again.tables) == TABLES
    assert list(again.table("quarters")["case"].unique()) == list(CASES)
    assert len(again.table("units")) == 3 * 3 * 16


def test_the_cost_is_the_sum_of_its_parts_and_of_what_the_operator_counted(short_run: Result) -> None:
    for case in CASES:
        metrics = short_run.summary[case]
        assert metrics["total_cost_money"] == pytest.approx(sum(metrics[part] for part in COST_PARTS))
        quarters = short_run.table("quarters")
        counted = quarters[quarters["case"] == case][
            [
                "start_stop_money",
                "fuel_money",
                "carbon_money",
                "compensation_money",
                "wear_money",
                "market_money",
            ]
        ].sum()
        assert metrics["total_cost_money"] - metrics["p2p_cost_money"] == pytest.approx(
            counted.sum(), abs=0.01
        )


def test_money_of_the_ledger_is_that_of_the_tables(short_run: Result) -> None:
    ledger = short_run.table("ledger")
    ledger = ledger[ledger["case"] == "shared-storage"]
    leases = short_run.table("leases")
    profit = ledger[ledger["account"] == "esp"]["amount_money"].sum()
    sources = ["line_fees_money", "energy_margin_money", "compensation_money", "degradation_money"]
    assert leases[leases["case"] == "shared-storage"][sources].to_numpy().sum() == pytest.approx(profit)
    prosumers = short_run.table("prosumers")
    own = (
        prosumers[prosumers["case"] == "shared-storage"]
        .groupby("agent")[["income_money", "premiums_money", "payments_money", "fees_money", "drawn_mwh"]]
        .sum()
    )
    for name, (income, premiums, payments, fees, drawn) in zip(own.index, own.to_numpy(), strict=True):
        served = ledger[(ledger["account"] == name) & (ledger["purpose"] == REAL_TIME)]
        # What the system has served costs the upper end of the price band, and the operator is paid for it.
        assert served["amount_money"].sum() == pytest.approx(-300.0 * drawn)
        assert set(served["counterparty"]) <= {"operator"}
        balance = ledger[ledger["account"] == name]["amount_money"].sum()
        assert income + premiums - payments - fees - 300.0 * drawn == pytest.approx(balance)


def test_the_pool_is_called_for_what_is_left_and_paid_for_what_it_delivers(short_run: Result) -> None:
    quarters, pool, own, trades, ledger = (
        table[table["case"] == "shared-storage"].reset_index(drop=True)
        for table in map(short_run.table, ("quarters", "pool", "prosumers", "trades", "ledger"))
    )
    called, traded = -quarters["called_mw"] * 0.25, pool["traded_mwh"]
    # Now and then the operator needs less than the pool could trade; then sellers get limits, and keep them.
    limited = own["limit_mwh"].notna().groupby(own["period"]).any()
    assert limited.any()
    assert (called[limited] <= pool[["surplus_mwh", "need_mwh"]].min(axis=1)[limited] + 1e-9).all()
    assert (own["sold_mwh"] <= own["limit_mwh"].fillna(np.inf) + 1e-9).all()
    assert traded[called <= 1e-9].sum() == pytest.approx(0.0, abs=1e-9)
    # By the meters of the system, too: what prosumers draw falls by what they trade, their batteries apart.
    used = traded.sum() - own["for_battery_mwh"].sum()
    assert own["for_battery_mwh"].sum() > 0.05
    assert -quarters["delivered_mw"].sum() * 0.25 == pytest.approx(used, abs=0.1)
    paid = -ledger[(ledger["account"] == "operator") & (ledger["purpose"] == POOL_CALL)]["amount_money"].sum()
    assert paid == pytest.approx(10.0 * trades["delivered_mwh"].sum())
    assert paid == pytest.approx(quarters["line_fee_money"].sum())
    assert paid > 0.0


def test_who_cannot_call_the_pool_pays_it_nothing(short_run: Result) -> None:
    quarters = short_run.table("quarters").query("case == 'decentralised'")
    assert not quarters[["called_mw", "line_fee_money", "pool_short_money"]].to_numpy().any()
    assert short_run.table("prosumers").query("case == 'decentralised'")["limit_mwh"].isna().all()


def test_the_manifest_counts_solves_and_messages(short_run: Result) -> None:
    fired = short_run.table("quarters")["fired"].sum()
    days = len(CASES)
    # A commitment and its layout in quarters for each day, then a plan whenever the operator acts.
    assert short_run.manifest["solves"] == 2 * days + fired
    assert short_run.manifest["solver_s"] > 0.0
    assert short_run.manifest["messages"] == len(short_run.table("messages"))


def test_trades_agree_with_the_meters_of_prosumers(short_run: Result) -> None:
    trades, prosumers = short_run.table("trades").query("product == 'p2p'"), short_run.table("prosumers")
    assert len(trades) > 100
    for who, what, column in (("buyer", "delivered_mwh", "received_mwh"), ("seller", "sent_mwh", "sold_mwh")):
        traded = trades.groupby(["case", who])[what].sum()
        metered = prosumers.groupby(["case", "agent"])[column].sum()
        for key, amount in traded.items():
            assert metered[key] == pytest.approx(amount)
    minute = trades["time"].dt.minute + 60 * trades["time"].dt.hour
    np.testing.assert_array_equal((minute - 8 * 60) // 15, trades["period"])


def test_without_shared_storage_and_trade_there_is_neither(short_run: Result) -> None:
    metrics = short_run.summary["capture"]
    assert metrics["storage_compensation_money"] == metrics["p2p_cost_money"] == 0.0
    assert not {"esp_profit_money", "p2p_mwh", "prosumer_1_profit_money"} & metrics.keys()
    assert "capture" not in set(short_run.table("trades").query("product == 'p2p'")["case"])
    pool = short_run.table("pool")
    assert not pool[pool["case"] == "capture"][["traded_mwh", "welfare_bound_money"]].to_numpy().any()


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(
    run_short: Run, short_run: Result
) -> None:
    again = run_short("horizon_h=2")
    assert digests(run_short("horizon_h=2")) == digests(again)
    assert digests(run_short("horizon_h=2", "seed=2")) != digests(again)
    for name in ("wind",):
        wind = [result.table("dispatch").query(f"agent == '{name}'") for result in (again, short_run)]
        first, second = (table[table["case"] == "shared-storage"]["p_available_mw"] for table in wind)
        # The weather does not depend on how long one looks at it.
        np.testing.assert_allclose(first.to_numpy(), second.to_numpy()[: len(first)])


def test_behaviours_of_this_model_are_all_tested() -> None:
    roles = {
        name: getattr(registry.load("behaviours", name), "roles", frozenset())
        for name in registry.entries("behaviours")
    }
    assert {name for name, role in roles.items() if "operator" in role} == set(OPERATORS)
    assert {name for name, role in roles.items() if "prosumer" in role} == set(PROSUMERS)


def test_behaviours_at_their_limit_leave_the_same_bytes(run_short: Run) -> None:
    operator = ", ".join(f"{{{name}: {limit}}}" for name, (limit, _) in OPERATORS.items())
    prosumer = ", ".join(f"{{{name}: {limit}}}" for name, (limit, _) in PROSUMERS.items())
    settings = [f"operator.behaviour=[{operator}]"]
    settings += [f"prosumers.prosumer_{number}.behaviour=[{prosumer}]" for number in (1, 2, 3)]
    assert digests(run_short("horizon_h=2", *settings)) == digests(run_short("horizon_h=2"))


@pytest.mark.parametrize("name", [*OPERATORS, *PROSUMERS])
def test_balances_hold_whoever_is_bounded(run_short: Run, name: str) -> None:
    if name in OPERATORS:
        settings = [f"operator.behaviour=[{{{name}: {OPERATORS[name][1]}}}]"]
    else:
        behaviour = f"[{{{name}: {PROSUMERS[name][1]}}}]"
        settings = [f"prosumers.prosumer_{number}.behaviour={behaviour}" for number in (1, 2, 3)]
    result = run_short("horizon_h=2", "operator.benchmark_nodes=0", *settings)
    assert [item for item in result.certificates if item.hard and not item.passed] == []


def test_a_line_that_is_out_carries_nothing(run_short: Run) -> None:
    outages = "[{line: [prosumer_1, prosumer_3], start_s: 3600, end_s: 7200}]"
    # Other cases have other prosumers.
    settings = [f"cases.{case}.lines.outages={outages}" for case in ("shared-storage", "decentralised")]
    result = run_short("horizon_h=2", "operator.benchmark_nodes=0", *settings)
    trades = result.table("trades")
    pair = trades[(trades["seller"] == "prosumer_1") & (trades["buyer"] == "prosumer_3")]
    assert len(pair[pair["period"] < 4])
    assert pair[pair["period"] >= 4]["delivered_mwh"].sum() == 0.0
    assert [item for item in result.certificates if item.hard and not item.passed] == []


def test_the_pool_runs_without_a_system(bargaining_run: Result) -> None:
    assert bargaining_run.passed
    offers, quadratic, posted = (
        bargaining_run.summary[case] for case in ("concession-quadratic", "declared-nash-quadratic", "posted")
    )
    assert posted["p2p_price_per_mwh"] == pytest.approx(110.0)
    assert posted["p2p_efficiency_percent"] < quadratic["p2p_efficiency_percent"] <= 100.0
    # Nobody declares: some of what declarations reach is lost, but less than under a price fixed for all.
    assert (
        posted["p2p_efficiency_percent"]
        < offers["p2p_efficiency_percent"]
        < quadratic["p2p_efficiency_percent"]
    )
    assert "total_cost_money" not in quadratic
    assert not {"quarters", "units", "heads"} & set(bargaining_run.tables)


def test_a_day_whose_dispatch_has_no_room_left_is_planned() -> None:
    # Nothing is planned anew, so that the second day begins with tanks and ramps at their limits. Then the
    # quadratic programme has no interior, on which an interior-point method stalls unless the cost is scaled.
    settings = ("horizon_h=48", "operator.trigger_mw=1000", "operator.benchmark_nodes=0")
    result = run(load_scenario("net-zero", settings), cases=["capture"])
    assert all(one.passed for one in result.certificates if one.hard)


def test_what_is_imported_beyond_the_limit_is_certified(from_eight: tuple[str, ...]) -> None:
    settings = (
        *from_eight,
        "horizon_h=2",
        "operator.benchmark_nodes=0",
        "real_time_market.import_limit_mw=0",
    )
    result = run(load_scenario("net-zero", settings), cases=["capture"])
    (found,) = (one for one in result.certificates if one.name == "import limit")
    head = result.table("dispatch").query("kind == 'head'")
    assert found.value == pytest.approx(head["p_supply_mw"].max()) and found.value > 0.1
    assert not found.passed and not found.hard
