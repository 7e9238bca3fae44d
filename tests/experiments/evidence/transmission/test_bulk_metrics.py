"""Metrics of a TIES and its regional systems against sums over ledger, meters and tables by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.region.region import Region
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.transmission.bulk_metrics import fairness
from tests.support.ries_small import known_of, known_of_night


def metrics(known: GridEvidence) -> dict[str, float]:
    traffic = pd.DataFrame({"messages": [0]})
    return summarise({**known.tables, "traffic": traffic}, [""], known.world.period_h)


def paid(known: GridEvidence, purpose: str, account: str) -> float:
    ledger = known.tables["ledger"]
    own = (ledger["purpose"] == purpose) & (ledger["account"] == account)
    return float(ledger.loc[own, "amount_money"].sum())


def test_the_cost_of_the_ties_is_what_it_pays_for_supply_wear_and_carbon() -> None:
    known = known_of("full")
    found = metrics(known)
    payments = {"generation", "head energy", "wear", "carbon"}
    by_hand = -sum(paid(known, purpose, "ties") for purpose in payments)
    assert found["ties_cost_money"] == pytest.approx(by_hand, rel=1e-12)
    assert found["own_carbon_money"] == pytest.approx(paid(known, "carbon", "carbon-market"), rel=1e-12)
    assert found["retail_money"] == pytest.approx(paid(known, "retail", "ties"), rel=1e-12)
    used = by_hand - found["own_carbon_money"] + sum(known.tables["satisfaction"]["response_money"])
    assert found["resource_cost_money"] == pytest.approx(used, rel=1e-12)


def test_emission_is_that_of_the_units_and_of_balancing_energy() -> None:
    known = known_of("full")
    found, units = metrics(known), known.tables["units"].groupby("agent")["gross_mw"].sum()
    by_hand = 0.95 * units["coal"] + 0.6 * units["gas"] + 0.35 * units["combined"]
    taken = known.tables["heads"]["p_metered_mw"].clip(lower=0.0).sum()
    assert found["emission_tco2"] == pytest.approx(by_hand + 0.8 * taken, rel=1e-9)
    drawn = sum(float(known.world.meters[region.name].sum()) for region in known.of(Region))
    assert found["intensity_tco2_per_mwh"] == pytest.approx(found["emission_tco2"] / drawn, rel=1e-12)


def test_each_tonne_is_charged_twice_or_once() -> None:
    twice, once, never = (metrics(known_of(case)) for case in ("full", "once", "none"))
    # Personal tonnes leave out what is lost on the way and what storages keep.
    assert twice["charges_per_tonne"] == pytest.approx(2.0, abs=0.08)
    assert once["charges_per_tonne"] == pytest.approx(1.0, abs=0.02)
    assert never["charges_per_tonne"] == pytest.approx(1.0, abs=0.02)
    assert twice["regions_carbon_money"] == once["regions_carbon_money"] > 0.0
    assert twice["carbon_paid_money"] - once["carbon_paid_money"] == pytest.approx(
        once["regions_carbon_money"], rel=1e-9
    )
    assert once["ties_net_money"] - twice["ties_net_money"] == pytest.approx(
        once["regions_carbon_money"], rel=1e-9
    )


def test_fairness_is_what_the_formulas_make_of_what_a_tonne_costs() -> None:
    known = known_of("full")
    found, own = metrics(known), known.tables["region_accounts"]
    money = [-paid(known, "personal carbon ladder", name) for name in own["agent"]]
    x = np.array(money) / own["personal_tco2"].to_numpy()
    assert found["jain_carbon_per_tonne"] == pytest.approx(x.sum() ** 2 / (3 * (x**2).sum()), rel=1e-9)
    spread = np.abs(x[:, None] - x[None, :]).sum() / (2 * 9 * x.mean())
    assert found["gini_carbon_per_tonne"] == pytest.approx(spread, rel=1e-9)
    bills = np.array(money) - [paid(known, "retail", name) for name in own["agent"]]
    y = (bills + own["response_money"].to_numpy()) / own["energy_mwh"].to_numpy()
    spread = np.abs(y[:, None] - y[None, :]).sum() / (2 * 9 * y.mean())
    assert found["gini_cost_per_mwh"] == pytest.approx(spread, rel=1e-9)
    shares = np.array(money) / sum(money) - own["personal_tco2"] / own["personal_tco2"].sum()
    assert found["carbon_share_gap"] == pytest.approx(np.abs(shares).max(), rel=1e-9)


def test_messages_of_the_rounds_are_those_on_the_bus() -> None:
    known = known_of("full")
    log = known.world.bus.log()
    kinds = log["topic"].isin(["TariffSignal", "LoadPlan"]) & (log["outcome"] == "delivered")
    names = [region.name for region in known.of(Region)]
    sent = log[kinds & (log["sender"].isin(names) | log["recipient"].isin(names))]
    # Beyond the rounds a final signal goes to each region, and is answered.
    opening = sent[sent["sent_s"] < known.world.delivery_s]
    assert metrics(known)["round_messages"] == len(opening) - 2 * 3


def test_energy_is_paid_for_unevenly_or_not_whether_or_not_carbon_is() -> None:
    found = metrics(known_of("none"))
    assert 0.0 < found["gini_cost_per_mwh"] < 1.0 and "gini_cost_per_tonne" not in found


def test_one_price_for_all_is_free_of_envy_and_personal_prices_are_not() -> None:
    assert metrics(known_of_night("fixed"))["envy_money"] == 0.0
    own = known_of("full").tables["region_accounts"].set_index("agent")
    dear, cheap = (
        known_of("full").tables["personal_carbon"].groupby("agent")["first_price_per_tco2"].mean().agg([at])
        for at in ("idxmax", "idxmin")
    )
    assert own.loc[dear.iloc[0], "envied"] == cheap.iloc[0]
    assert own.loc[dear.iloc[0], "envy_money"] > 0.0
    assert own.loc[cheap.iloc[0], "envy_money"] == 0.0
    assert own.loc[cheap.iloc[0], "envied"] == cheap.iloc[0]


def test_envy_is_the_difference_of_two_bills_for_the_same_load() -> None:
    known = known_of("full")
    regions = {known.grid.local(region.name): region for region in known.of(Region)}
    own = known.tables["region_accounts"].set_index("agent")
    name = own["envy_money"].idxmax()
    mine, other = (regions[each].day(0) for each in (name, own.loc[name, "envied"]))
    assert mine.signal is not None and other.signal is not None
    load, bill = known.world.meters[regions[name].name], []
    for day in (mine, other):
        signal = day.signal
        assert signal is not None and signal.ladder is not None
        carbon = signal.factor_tco2_per_mwh * load
        above = carbon - 0.25 * mine.demand.base_mw
        length = 0.2 * 0.25 * float(mine.demand.base_mw.mean())
        cost = above.copy()
        for step in range(1, 4):
            cost += 0.25 * np.maximum(above - step * length, 0.0)
        bill.append(float(signal.ladder.base_price_per_tco2 @ cost))
    assert own.loc[name, "envy_money"] == pytest.approx(bill[0] - bill[1], abs=1e-3)


def test_peak_and_valley_losses_and_satisfaction() -> None:
    known = known_of("full")
    found = metrics(known)
    load = sum(known.world.meters[region.name] for region in known.of(Region))
    assert found["peak_valley_mw"] == pytest.approx(float(load.max() - load.min()), rel=1e-12)
    assert found["base_peak_valley_mw"] == pytest.approx(150.0, abs=1e-9)
    lost = sum(float(state.flow.loss_mw[0]) for state in known.grid.states)
    assert found["loss_share"] == pytest.approx(lost / (lost + float(load.sum())), rel=1e-6)
    assert 0.9 < found["satisfaction"] < 1.0


def test_no_index_stands_where_somebody_is_paid_for_its_carbon() -> None:
    known = known_of("full")
    own = known.tables["region_accounts"].copy()
    own.loc[own.index[0], "carbon_money"] = -1.0
    found = dict(fairness({**known.tables, "region_accounts": own}, 1.0))
    assert "jain_carbon_per_tonne" not in found and "jain_cost_per_tonne" in found


def test_a_pool_refunds_part_of_what_its_members_pay_and_costs_a_fee() -> None:
    pool = "cases.full.grids.bulk.carbon_pool.fee_money=50"
    alone, pooled = metrics(known_of_night("full")), metrics(known_of_night("full", pool))
    known = known_of_night("full", pool)
    refunds, fees = (
        sum(paid(known, item, name) for name in ("residential", "commercial", "industrial"))
        for item in ("pooled carbon", "pool fee")
    )
    assert refunds > 0.0 and fees == -150.0
    assert alone["regions_carbon_money"] - pooled["regions_carbon_money"] == pytest.approx(refunds, rel=1e-4)
    assert alone["carbon_paid_money"] - pooled["carbon_paid_money"] == pytest.approx(refunds, rel=1e-4)
    assert pooled["regions_cost_money"] - alone["regions_cost_money"] == pytest.approx(
        150.0 - refunds, rel=1e-3
    )
    assert pooled["resource_cost_money"] - alone["resource_cost_money"] == pytest.approx(150.0, abs=1.0)


def test_social_cost_adds_carbon_and_discomfort_to_what_is_used_up() -> None:
    known = known_of("full")
    found, days = metrics(known), [region.day(0) for region in known.of(Region)]
    discomfort = sum(day.own_money(day.plan) - day.response_money(day.plan) for day in days)
    assert discomfort > 100.0
    by_hand = found["resource_cost_money"] + found["own_carbon_money"] + discomfort
    assert found["social_cost_money"] == pytest.approx(by_hand, rel=1e-12)
    assert found["at_rest_share"] == 1.0
