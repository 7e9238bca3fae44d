"""The harness itself, and twenty places of which it is known which certificate sees them broken."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sabotage import trial
from sabotage.draws import EXCLUDED, drawn, excluded
from sabotage.executed import changed, places
from sabotage.places import Place, altered_source, functions_of, places_of
from sabotage.trial import differing
from sabotage.worlds import RUNS

MOST_CHANGED = 0.5
"""Share of functions that may be others than when executed.json was written; `--trace` writes it anew."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("baselines")


@pytest.fixture(scope="module")
def begun(folder: Path) -> Callable[[str], dict[str, Any]]:
    """Return a function that runs what nobody has altered, once."""
    found: dict[str, dict[str, Any]] = {}

    def of(run: str) -> dict[str, Any]:
        if run not in found:
            found[run] = trial.begin(run, folder)
        return found[run]

    return of


def _place(path: str, function: str, kind: str, text: str) -> Place:
    """The first place of a function with this expression."""
    node = functions_of(path)[function]
    lines = frozenset(range((node.end_lineno or 0) - node.lineno + 1))
    found = places_of(path, function, node, lines)
    return next(one for one in found if one.kind == kind and one.text == text)


SEEN = (
    (
        "bargaining",
        "market/bargaining.py",
        "nash_price",
        "factor",
        "0.5 * (bargain.cost_per_mwh + (bargain.d_ep + value - bargain.d_ip) / p_mwh)",
        "certificate: split of gains",
    ),
    (
        "bargaining",
        "market/utility.py",
        "LogUtility.value",
        "factor",
        "self.scale_money * math.log1p(p_mwh / self.unit_mwh)",
        "certificate: split of gains",
    ),
    (
        "bargaining",
        "market/utility.py",
        "LogUtility.value",
        "factor",
        "p_mwh / self.unit_mwh",
        "certificate: split of gains",
    ),
    (
        "bargaining",
        "market/outside_option.py",
        "OverMarket.value",
        "factor",
        "self.price_per_mwh * p_mwh",
        "certificate: split of gains",
    ),
    (
        "bargaining",
        "agents/prosumers/seller_costs.py",
        "SellerCosts.sale_to",
        "factor",
        "(fee + self._reservation) / (1.0 - line.loss)",
        "certificate: split of gains",
    ),
    (
        "bargaining",
        "market/settlement.py",
        "settle_trade",
        "factor",
        "trade.price_per_mwh * trade.delivered_mwh",
        "certificate: payments",
    ),
    (
        "bargaining",
        "market/settlement.py",
        "settle_trade",
        "comparison",
        "trade.fee_money > 0.0",
        "certificate: line fees",
    ),
    (
        "bargaining",
        "market/ladder.py",
        "LadderTariff.cost",
        "factor",
        "self.base * ((1 + k * self.growth) * (x - k * self.interval) + below)",
        "certificate: line fees",
    ),
    (
        "bargaining",
        "agents/prosumers/trading.py",
        "Meters.settle",
        "factor",
        "sale.fee * flow.sent_mwh",
        "certificate: line fees",
    ),
    (
        "bargaining",
        "agents/prosumers/trading.py",
        "Meters.settle",
        "factor",
        "planned_mwh * (1.0 - line.loss)",
        "certificate: energy not sent",
    ),
    (
        "bargaining",
        "environment/private_lines.py",
        "Line.deliver",
        "factor",
        "sent_mwh * (1.0 - self.loss)",
        "certificate: line losses",
    ),
    (
        "bargaining",
        "environment/storage.py",
        "StorageUnit.step",
        "factor",
        "ratings.efficiency_charge * p_charge_mw * period_h",
        "certificate: prosumer batteries",
    ),
    (
        "bargaining",
        "agents/prosumers/own_balance.py",
        "OwnBalance.close",
        "sign",
        "surplus + received_mwh + discharge + drawn - deficit - sold_mwh - charge",
        "certificate: prosumer balance",
    ),
    (
        "bargaining",
        "agents/prosumers/own_balance.py",
        "OwnBalance.close",
        "factor",
        "deficit - received_mwh",
        "certificate: prosumer balance",
    ),
    (
        "bargaining",
        "agents/prosumers/prosumer.py",
        "Prosumer.settle",
        "factor",
        "self._rules.price_band_per_mwh[1] * self._own.record[period].drawn",
        "certificate: prosumer service",
    ),
    (
        "bargaining",
        "agents/prosumers/prosumer.py",
        "Prosumer.meter",
        "factor",
        "metered.drawn / self.world.period_h",
        "certificate: prosumer service",
    ),
    (
        "bargaining",
        "environment/power_flow.py",
        "AcPowerFlow._flows",
        "sign",
        "leaving_mva + shunt_mva[:, 0] - injection_mva[:, 0]",
        "certificate: energy balance",
    ),
    (
        "bargaining",
        "market/settlement.py",
        "settle_trade",
        "comparison",
        "paid > 0.0",
        "certificate: payments",
    ),
    (
        "bargaining",
        "market/bargaining.py",
        "nash_price",
        "factor",
        "bargain.d_ep + value - bargain.d_ip",
        "certificate: split of gains",
    ),
    (
        "adcef",
        "agents/feeder/consumer_day.py",
        "ConsumerDay._load_of",
        "factor",
        "demand.peak_mw * solution['shift']",
        "certificate: follower optimality",
    ),
    (
        "adcef",
        "agents/feeder/dispatch.py",
        "Dispatcher.read",
        "sign",
        "-net_mw",
        "certificate: planned power flow",
    ),
    (
        "adcef",
        "agents/feeder/dso_rows.py",
        "DsoRows._carbon",
        "factor",
        "emitted - turbine",
        "certificate: carbon accounts",
    ),
    (
        "ries",
        "agents/transmission/ties.py",
        "Ties.settle",
        "sign",
        "period + 1",
        "certificate: bulk: wear paid",
    ),
    (
        "bargaining",
        "agents/prosumers/own_balance.py",
        "OwnBalance._battery",
        "factor",
        "offered - through",
        "certificate: prosumer energy",
    ),
    (
        "bargaining",
        "agents/prosumers/own_balance.py",
        "_reserve",
        "sign",
        "needed - mean",
        "certificate: prosumer nominations",
    ),
    (
        "bargaining",
        "agents/prosumers/own_balance.py",
        "_net_by_minute",
        "stale",
        "data.fluctuation * noise",
        "certificate: prosumer minutes",
    ),
    (
        "bargaining",
        "agents/prosumers/supply_sharing.py",
        "share_by_value",
        "factor",
        "supply_mwh / total",
        "certificate: shares of supply",
    ),
    (
        "bargaining",
        "agents/prosumers/shares.py",
        "Sharing._share",
        "sign",
        "1.0 - _CHANGE",
        "certificate: offers as there was",
    ),
    (
        "bargaining",
        "agents/prosumers/prosumer.py",
        "Prosumer._in_period",
        "factor",
        "minute_mwh * self.world.clock.period_s",
        "certificate: grants kept",
    ),
    (
        "bargaining",
        "agents/prosumers/prosumer_rows.py",
        "prosumer_rows",
        "factor",
        "told.outside_price_per_mwh * served",
        "certificate: gains of prosumers",
    ),
    (
        "bargaining",
        "agents/prosumers/reputations.py",
        "Reputations.preference",
        "factor",
        "self._trust_money * self.of(seller)",
        "certificate: worth of trust",
    ),
    (
        "net-zero",
        "agents/prosumers/learned_demands.py",
        "_logarithm",
        "factor",
        "scale / price - volume",
        "certificate: prices by answers",
    ),
    (
        "net-zero",
        "agents/prosumers/conceding_manner.py",
        "ConcedingManner._bid",
        "factor",
        "self._concession.opening_ip * self._agreed.get(seller, low)",
        "certificate: bids as stated",
    ),
    (
        "net-zero",
        "agents/prosumers/p2p_desk.py",
        "P2pDesk._learnt_share",
        "sign",
        "period - 2",
        "certificate: offers of the pool",
    ),
    (
        "net-zero",
        "agents/prosumers/p2p_desk.py",
        "P2pDesk._limits",
        "stale",
        "max(0.0, -pool.call[0].change_mw) / max(self._traded_share, _LEAST_SHARE)",
        "certificate: limits of the desk",
    ),
    (
        "ries",
        "agents/region/region_day.py",
        "RegionDay.response_money",
        "stale",
        "own.cut_cost_per_mwh * plan.cut_mw.sum()",
        "certificate: bulk: cost of users",
    ),
    (
        "ries",
        "market/carbon_price.py",
        "_relative",
        "factor",
        "(values - values.mean()) / scale",
        "certificate: bulk: carbon prices by formula",
    ),
    (
        "ries",
        "market/coalition.py",
        "orders_weight",
        "factor",
        "1.0 / (n_player * math.comb(n_player - 1, s))",
        "certificate: bulk: abatement shared",
    ),
    (
        "ries",
        "agents/following.py",
        "HeadCustomer.rows",
        "comparison",
        "np.abs(taken) > _A_WATT_MW",
        "certificate: bulk: factor at the head",
    ),
    (
        "adcef",
        "agents/feeder/consumer_problem.py",
        "LoadUtility.of",
        "factor",
        "alpha * load_mw",
        "certificate: value of loads",
    ),
    (
        "net-zero",
        "agents/system/pool_outlook.py",
        "PoolOutlook.volumes_mw",
        "stale",
        "self._share * possible",
        "certificate: outlooks of the operator",
    ),
    (
        "bargaining",
        "agents/prosumers/shares.py",
        "Sharing._grant",
        "stale",
        "volume - sale.volume",
        "certificate: grants told",
    ),
    (
        "bargaining",
        "environment/beat.py",
        "Beat.at",
        "factor",
        "t_s - self._clock.now_s",
        "certificate: words in time",
    ),
    (
        "net-zero",
        "agents/prosumers/purchases.py",
        "Purchasing._bid",
        "bound",
        "max(0.0, min(wanted, purchases.need_mwh) - kept)",
        "certificate: bids as worth",
    ),
    (
        "net-zero",
        "agents/devices/thermal_plant.py",
        "ThermalPlant._nearest",
        "stale",
        "level / hours",
        "certificate: units as told",
    ),
    (
        "net-zero",
        "agents/devices/flexible_load.py",
        "FlexibleLoad.settle",
        "sign",
        "self._drawn_mw[period] - self._demand.base_mw[period]",
        "certificate: payments of devices",
    ),
    (
        "net-zero",
        "agents/system/day_ahead_declaration.py",
        "declaration",
        "factor",
        "share * plan.wind_mw",
        "certificate: declared as planned",
    ),
    (
        "net-zero",
        "agents/system/perfect_information.py",
        "PerfectInformation.solve",
        "factor",
        "info.mip_dual_bound + offset",
        "certificate: perfect information proven",
    ),
    (
        "net-zero",
        "agents/prosumers/seller.py",
        "Seller.take_counter",
        "bound",
        "volume > 0.0",
        "certificate: rounds played",
    ),
    (
        "net-zero",
        "agents/prosumers/conceding_manner.py",
        "ConcedingManner.answer",
        "comparison",
        "wanted >= volume",
        "certificate: limits told",
    ),
    (
        "net-zero",
        "agents/devices/system_load.py",
        "SystemLoad.__init__",
        "bound",
        "np.maximum(0.0, actual_mw)",
        "certificate: load and wind drawn",
    ),
    (
        "bargaining",
        "agents/prosumers/p2p_desk.py",
        "P2pDesk._score",
        "stale",
        "fee / max(self._reputation.get(seller, 1.0), _LEAST_REPUTATION)",
        "certificate: introductions",
    ),
    (
        "net-zero",
        "agents/devices/thermal_plant.py",
        "ThermalPlant.rows",
        "stale",
        "done['regenerated_tco2_per_h'] * hours",
        "certificate: allowances traded",
    ),
    (
        "net-zero",
        "agents/system/system_operator.py",
        "SystemOperator._decide",
        "stale",
        "needed - traded",
        "certificate: quarters decided",
    ),
    (
        "net-zero",
        "agents/system/operator_view.py",
        "OperatorView.day_ahead",
        "factor",
        "fixed + self._pool.deficits_mw(periods)",
        "certificate: quarters seen",
    ),
    (
        "net-zero",
        "agents/system/system_costs.py",
        "period_cost",
        "factor",
        "prices.market_price_per_mwh * decisions.market_mw",
        "certificate: quarters counted",
    ),
    (
        "net-zero",
        "agents/system/system_costs.py",
        "marginal_price",
        "sign",
        "unit.marginal_fuel_cost_per_mwh(float(gross)) + system.carbon_price_per_tco2 * carbon",
        "certificate: prices of quarters",
    ),
    (
        "net-zero",
        "agents/system/system_signals.py",
        "system_signals",
        "stale",
        "state.e_mwh - storage.band_mwh[0]",
        "certificate: limits of the operator's plans",
    ),
    (
        "bargaining",
        "agents/prosumers/buyer.py",
        "Buyer._is_loss",
        "stale",
        "worth_money + _ROUNDING_MONEY",
        "certificate: offers left",
    ),
    (
        "bargaining",
        "environment/ledger.py",
        "Ledger.by_period",
        "sign",
        "booked.get(self._names[purpose], np.zeros(n_period)) + found",
        "certificate: earnings of the provider",
    ),
    (
        "adcef",
        "agents/feeder/dso.py",
        "Dso.head_plan_mw",
        "factor",
        "dispatch.buy_mw - dispatch.sell_mw",
        "certificate: plan at the head",
    ),
    (
        "bargaining",
        "environment/random_streams.py",
        "RandomStreams.stream",
        "sign",
        "i + 4",
        "certificate: streams by name",
    ),
)
"""Run, place and what falls."""


@pytest.mark.parametrize(("run", "path", "function", "kind", "text", "falls"), SEEN)
def test_what_is_broken_is_seen(
    folder: Path,
    begun: Callable[[str], dict[str, Any]],
    run: str,
    path: str,
    function: str,
    kind: str,
    text: str,
    falls: str,
) -> None:
    assert begun(run)["failed"] == []
    found = trial.attempt(_place(path, function, kind, text), run, folder)
    assert found["result"] == "caught", found
    assert falls in found["fell"]


def test_what_only_takes_another_way_changes_nothing(
    folder: Path, begun: Callable[[str], dict[str, Any]]
) -> None:
    begun("bargaining")
    place = _place("market/bargaining.py", "accepted", "factor", "1e-12 * abs(value)")
    assert trial.attempt(place, "bargaining", folder)["result"] == "nothing"


def test_alterations_are_what_they_are_called() -> None:
    path, name = "market/bargaining.py", "nash_price"
    for kind, text, altered in (
        ("sign", "bargain.d_ep + value - bargain.d_ip", "bargain.d_ep + value + bargain.d_ip"),
        ("factor", "(bargain.d_ep + value - bargain.d_ip) / p_mwh", "0.99 * ("),
        ("bound", "price < low", "price < 0.99 * low"),
        ("comparison", "price > high", "price <= high"),
        ("stale", "bargain.d_ep + value", "__stale__(bargain.d_ep + value)"),
    ):
        before = ast.unparse(functions_of(path)[name])
        after = ast.unparse(altered_source(_place(path, name, kind, text)))
        assert altered in after and altered not in before


def test_what_is_excluded_is_there() -> None:
    for (path, function), (reason, expressions) in EXCLUDED.items():
        node = functions_of(path)[function]
        lines = frozenset(range((node.end_lineno or 0) - node.lineno + 1))
        found = list(places_of(path, function, node, lines))
        assert expressions <= {one.text for one in found} | {f"{one.kind}: {one.text}" for one in found}
        assert len(reason) > 40
    place = {"path": "agents/problems/thermal_unit.py", "function": "ramp_limits", "text": "lowest - down"}
    assert excluded(place | {"kind": "sign"}) and not excluded(place | {"kind": "factor"})
    assert not excluded(place | {"kind": "sign", "text": "down - here"})


def test_what_counts_as_the_same() -> None:
    before = {
        "offers": pd.DataFrame({"period": 1, "time": 1, "agent": "s", "buyer": ["a", "b"], "round": 0,
                                "move": "offer", "volume_mwh": [1.0, 2.0]}),
        "letters": pd.DataFrame({"content": ['{"load_mw": [1.0, 2.0], "final": true}']}),
        "storages": pd.DataFrame({"p_charge_mw": [0.0, 2e-7], "e_mwh": [0.0, 1.0]}),
        "dispatch": pd.DataFrame({"p_supply_mw": [1.0], "q_mvar": [0.0]}),
        "buses": pd.DataFrame({"q_mvar": [0.0]}),
    }  # fmt: skip

    def apart(name: str, table: pd.DataFrame) -> bool:
        return differing(before, {**before, name: table}) == [name]

    offers, storages, dispatch = (before[name] for name in ("offers", "storages", "dispatch"))
    assert differing(before, before) == []
    assert not apart("offers", offers.iloc[::-1]) and apart("offers", offers.assign(volume_mwh=[2.0, 1.0]))
    for text, differs in (
        ('{"load_mw": [1.0000000001, 2.0], "final": true}', False),
        ('{"load_mw": [1.0001, 2.0], "final": true}', True),
        ('{"load_mw": [1.0, 2.0], "final": false}', True),
        ('{"load_mw": [1.0, 2.0, 3.0], "final": true}', True),
    ):
        assert apart("letters", pd.DataFrame({"content": [text]})) == differs
    assert not apart("storages", storages.assign(p_charge_mw=[0.0, 0.0]))
    assert apart("storages", storages.assign(p_charge_mw=[0.0, 3e-6]))
    assert apart("storages", storages.assign(e_mwh=[0.0, 1.00001]))
    assert not apart("dispatch", dispatch.assign(q_mvar=[1.0]))
    assert apart("buses", pd.DataFrame({"q_mvar": [1.0]}))


def test_draws_are_the_same_each_time_and_of_all_models() -> None:
    first = drawn(200, 1)
    assert first == drawn(200, 1) and len(set(first)) == 200
    assert first != drawn(200, 2)
    assert {run for _, run in first} == set(RUNS)
    assert {place.kind for place, _ in first} == {"sign", "factor", "bound", "comparison", "stale", "lost"}
    assert {place.path.split("/")[0] for place, _ in first} == {"agents", "market", "environment"}


def test_what_is_executed_is_known_of_most_functions() -> None:
    assert changed() < MOST_CHANGED
    assert len({place.path for place, _ in places()}) > 200
