"""The operator of regions against closed forms: rounds, nodal prices, head plan, payments, bad deliveries."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from priced_regions import (
    BUSES,
    BUY,
    CARBON_PRICE,
    FACTOR,
    FEEDER,
    GREEN_SHARE,
    KAPPA,
    LOAD,
    SELL,
    WHOLESALE,
    Answer,
    Stage,
    loads,
    plans,
    stage,
)

from gridarium.agents.base import GridAgent, on
from gridarium.environment.arrays import series
from gridarium.environment.errors import MessageError
from gridarium.environment.links import LinkQuality
from gridarium.market.accounts import (
    ENVIRONMENTAL_PAYMENT,
    EXPORT,
    PURCHASE,
    REGION_PURCHASE,
    REGION_SALE,
)
from gridarium.market.certificate_book import double_counting
from gridarium.market.cleanness import carbon_potential_tco2_per_mwh, nodal_carbon_price_per_mwh
from gridarium.market.green_certificates import GreenCertificates
from gridarium.market.messages.cleanness import CleannessSignal, GreenDelivery, RegionPlans
from gridarium.market.messages.commands import Receipt

C0 = KAPPA * CARBON_PRICE
BOTH = np.array([LOAD["near"], LOAD["far"]])
COST = 8.0
"""What a scripted plant loses with each MWh that it discharges."""


def steady(green: float, charge: float = 0.0, brown: float = 0.0) -> Answer:
    """Discharge a share of the load as green and some more, but charge in the first step."""

    def answer(signal: CleannessSignal) -> RegionPlans:
        load = loads(signal)
        busy = np.ones_like(load)
        busy[:, 0] = 0.0
        z = green * load * busy
        return plans(signal, charge * load * (1.0 - busy), z + brown * load * busy, z)

    return answer


def best_response(signal: CleannessSignal) -> RegionPlans:
    """Most of ``c0 z (1 - (z + z_f) / L) - COST z``: z = (L - z_f - COST L / c0) / 2."""
    load = loads(signal)
    foreign = np.array([one.foreign_green_mw for one in signal.regions])
    initial = np.array([one.initial_price_per_mwh for one in signal.regions])
    z = np.maximum(0.0, (load - foreign - COST * load / initial) / 2.0)
    return plans(signal, np.zeros_like(z), z, z)


def price_taker(steepness: float) -> Answer:
    """Most of ``p z - COST z - a z**2 / 2`` at the posted price p, with a = c0 / (steepness L)."""

    def answer(signal: CleannessSignal) -> RegionPlans:
        posted = np.array([one.nodal_price_per_mwh for one in signal.regions])
        load = loads(signal)
        z = np.clip((posted - COST) * steepness * load / C0, 0.0, load)
        return plans(signal, np.zeros_like(z), z, z)

    return answer


def b3(green_mw: np.ndarray) -> np.ndarray:
    """Nodal price by B2 and B3, in their two steps."""
    return nodal_carbon_price_per_mwh(C0, FACTOR, carbon_potential_tco2_per_mwh(FACTOR, BOTH, green_mw))


# Rounds and prices.


@pytest.mark.parametrize(("pricing", "rounds"), [("none", 1), ("uniform", 1), ("nodal", 2)])
def test_one_plant_rests_after_one_round_or_two_where_it_moves_the_price(pricing: str, rounds: int) -> None:
    one = stage({"vpp": steady(0.25)}, pricing)  # type: ignore[arg-type]
    one.run()
    *heard, closing = one.plants["vpp"].signals
    assert len(heard) == rounds
    assert [signal.final for signal in heard] == [False] * rounds
    assert closing.final
    assert [each.ended for each in one.rounds] == [""] * (rounds - 1) + ["converged"] * 2
    expected = {
        "none": 0.0 * BOTH,
        "uniform": C0 + 0.0 * BOTH,
        "nodal": C0 * np.array([1.0, 0.75, 0.75]) + 0.0 * BOTH,
    }
    posted = np.array([region.nodal_price_per_mwh for region in closing.regions])
    np.testing.assert_allclose(posted, expected[pricing], rtol=1e-12)
    first = np.array([region.nodal_price_per_mwh for region in heard[0].regions])
    np.testing.assert_allclose(first, (C0 if pricing != "none" else 0.0) + 0.0 * BOTH, rtol=1e-12)


def test_a_plant_that_knows_its_weight_gets_the_price_of_a_monopoly() -> None:
    one = stage({"vpp": best_response}).run()
    z = BOTH * (1.0 - COST / C0) / 2.0
    final = one.operator.days[0].final_price_per_mwh
    np.testing.assert_allclose(final, b3(z), rtol=1e-12)
    np.testing.assert_allclose(final, C0 * (1.0 + COST / C0) / 2.0 + 0.0 * BOTH, rtol=1e-12)
    closing = one.plants["vpp"].signals[-1]
    potential = np.array([region.potential_tco2_per_mwh for region in closing.regions])
    np.testing.assert_allclose(potential, FACTOR * (1.0 - z / BOTH), rtol=1e-12)
    assert closing.green_share.tolist() == GREEN_SHARE.tolist()
    assert [region.region for region in closing.regions] == ["near", "far"]
    assert {
        float(closing.regions[1].buy_price_per_mwh[0]),
        float(closing.regions[1].sell_price_per_mwh[0]),
    } == {
        BUY["far"],
        SELL["far"],
    }


def test_two_plants_in_turns_come_to_the_equilibrium_of_a_duopoly() -> None:
    one = stage({"a": best_response, "b": best_response}, shares=(0.6, 0.4), tolerance=1e-6).run()
    day = one.operator.days[0]
    z = BOTH * (1.0 - COST / C0) / 3.0
    for name in ("a", "b"):
        np.testing.assert_allclose(day.plans[name].green_discharge_mw, z, atol=1e-7)
    np.testing.assert_allclose(day.final_price_per_mwh, b3(2.0 * z), atol=1e-5)
    asked = [signal.round for signal in one.plants["a"].signals[:-1]]
    assert asked == list(range(1, 2 * len(asked), 2))
    first = one.plants["b"].signals[0]
    np.testing.assert_allclose(loads(first, whole=False), 0.4 * BOTH)
    np.testing.assert_allclose(loads(first), BOTH)
    np.testing.assert_allclose(
        [region.foreign_green_mw for region in first.regions], BOTH * (1.0 - COST / C0) / 2.0
    )
    assert one.rounds[-2].ended == "converged"


def test_damping_brings_a_plant_to_rest_that_takes_the_price_as_it_is() -> None:
    """At slope -2, half a step leaves -1/2 of the distance to rest, and a whole one -2 of it."""
    damped = stage({"vpp": price_taker(2.0)}, takes_prices=True, damping=0.5, tolerance=1e-6).run()
    price = (C0 + 2.0 * COST) / 3.0 + 0.0 * BOTH
    np.testing.assert_allclose(damped.operator.days[0].final_price_per_mwh, price, atol=1e-6)
    assert damped.rounds[-1].ended == "converged"
    plain = stage({"vpp": price_taker(2.0)}, takes_prices=True, damping=1.0, round_limit=9).run()
    assert plain.rounds[-1].ended == "round limit"
    # Of all that was posted, the price whose answer calls for the least change is the last word.
    nearest = min(each.judgement.distance for each in plain.rounds[:-1])
    assert plain.rounds[-1].judgement.distance == pytest.approx(nearest, abs=1e-12)
    assert stage({"vpp": price_taker(2.0)}, takes_prices=True, damping=1.0).run().rounds[-1].ended == "cycle"


def test_a_plant_that_is_told_of_two_days_hears_of_the_first_two_and_then_of_the_last() -> None:
    one = stage({"vpp": steady(0.25)}, look_ahead_days=2, n_day=2).run()
    by_day = {day: [signal for signal in one.plants["vpp"].signals if signal.day == day] for day in (0, 1)}
    assert {signal.regions[0].load_mw.shape for signal in by_day[0]} == {(6,)}
    assert {signal.regions[0].load_mw.shape for signal in by_day[1]} == {(3,)}
    told = by_day[0][0]
    np.testing.assert_allclose(told.green_share, np.concatenate([GREEN_SHARE, 1.1 * GREEN_SHARE]))
    np.testing.assert_allclose(told.regions[1].initial_price_per_mwh, np.concatenate([C0, 1.1 * C0]))
    np.testing.assert_allclose(told.regions[1].load_mw, np.concatenate([LOAD["far"], 1.1 * LOAD["far"]]))
    np.testing.assert_allclose(told.regions[1].potential_tco2_per_mwh, np.concatenate([FACTOR, 1.1 * FACTOR]))
    assert [report.day for report in one.plants["vpp"].reports] == [0, 1]


# What is agreed is what is metered, and paid.


def by_purpose(one: Stage) -> Counter[str]:
    paid: Counter[str] = Counter()
    for entry in one.world.ledger.entries:
        paid[f"{entry.purpose}, {entry.payer} to {entry.payee}"] += entry.amount
    return paid


def test_the_head_takes_what_was_planned_and_all_payments_follow_from_meters_and_certificates() -> None:
    one = stage({"vpp": steady(0.25, charge=0.5, brown=0.9)}).run()
    operator, meter = one.operator, one.world.grid.exchange_mw
    np.testing.assert_allclose(operator.head_plan_mw(0), meter, atol=1e-6)
    np.testing.assert_allclose(
        operator.head_plan_mvar(0), [state.flow.q_slack_mvar[0] for state in one.world.grid.states], atol=1e-6
    )
    rest = operator.head_forecast_mw(0)
    assert rest is not None
    # Losses are what the head takes beyond the loads.
    assert ((rest > BOTH.sum(axis=0)) & (rest < 1.1 * BOTH.sum(axis=0))).all()
    busy = np.array([0.0, 1.0, 1.0])
    green = 0.25 * BOTH * busy
    taken = BOTH + 0.5 * BOTH * (1.0 - busy) - 1.15 * BOTH * busy
    buy, sell = (np.array([[prices["near"]], [prices["far"]]]) for prices in (BUY, SELL))
    expected = {
        f"{REGION_PURCHASE}, vpp to operator": (buy * np.maximum(taken, 0.0)).sum() * 8.0,
        f"{REGION_SALE}, operator to vpp": (sell * np.maximum(-taken, 0.0)).sum() * 8.0,
        f"{ENVIRONMENTAL_PAYMENT}, operator to vpp": (C0 * (green - green**2 / BOTH)).sum() * 8.0,
        f"{PURCHASE}, operator to market": WHOLESALE * np.maximum(meter, 0.0).sum() * 8.0,
        f"{EXPORT}, market to operator": 0.5 * WHOLESALE * np.maximum(-meter, 0.0).sum() * 8.0,
    }
    assert (meter < 0.0).any()
    assert by_purpose(one) == pytest.approx(expected, rel=1e-9)
    (report,) = one.plants["vpp"].reports
    assert report.paid_money == pytest.approx(expected[f"{ENVIRONMENTAL_PAYMENT}, operator to vpp"])
    assert report.cancelled_mwh == pytest.approx(green.sum() * 8.0)
    totals = GreenCertificates(one.world.records).totals
    assert totals.held_mwh == pytest.approx(0.0, abs=1e-9)
    assert totals.cancelled_mwh == pytest.approx(green.sum() * 8.0)


def test_plans_in_longer_steps_are_settled_alike_in_settlement_periods() -> None:
    whole, halves = (stage({"vpp": steady(0.25, 0.5, 0.9)}, per_step=n, n_day=2).run() for n in (1, 2))
    assert halves.world.n_period == 2 * whole.world.n_period
    assert by_purpose(halves) == pytest.approx(by_purpose(whole), rel=1e-9)
    for day in (0, 1):
        planned = np.repeat(halves.operator.head_plan_mw(day), 2)
        np.testing.assert_allclose(planned, halves.world.grid.exchange_mw[6 * day : 6 * day + 6], atol=1e-6)
    for one, other in zip(whole.table("price_regions"), halves.table("price_regions"), strict=True):
        for name in ("nodal_price_per_mwh", "green_discharge_mw", "potential_tco2_per_mwh"):
            np.testing.assert_allclose(other[name], np.repeat(one[name], 2), rtol=1e-9)


def test_it_tells_of_each_region_what_came_of_it() -> None:
    one = stage({"vpp": steady(0.25, charge=0.5)}).run()
    near, far = one.table("price_regions")
    assert (near["region"], near["buses"], far["region"], far["buses"]) == ("near", 3, "far", 2)
    np.testing.assert_allclose(far["load_mw"], LOAD["far"])
    np.testing.assert_allclose(far["charge_mw"], [0.5 * LOAD["far"][0], 0.0, 0.0])
    np.testing.assert_allclose(far["discharge_mw"], 0.25 * LOAD["far"] * [0.0, 1.0, 1.0])
    np.testing.assert_allclose(far["green_discharge_mw"], far["discharge_mw"], rtol=1e-9)
    np.testing.assert_allclose(far["initial_price_per_mwh"], C0)
    np.testing.assert_allclose(far["nodal_price_per_mwh"], C0 * [1.0, 0.75, 0.75])
    np.testing.assert_allclose(far["potential_tco2_per_mwh"], FACTOR * [1.0, 0.75, 0.75])
    for values in (near, far):
        nominal = np.zeros(FEEDER.n_bus)
        nominal[BUSES[values["region"]]] = FEEDER.p_load_mw[BUSES[values["region"]]]
        at_bus = np.array([state.intensity_tco2_per_mwh for state in one.world.grid.states])
        carbon = np.nansum(at_bus * nominal, axis=1)
        np.testing.assert_allclose(values["traced_tco2_per_mwh"], carbon / nominal.sum())
    # While storages charge, what is used carries the head's carbon and that of losses on the way; cells give
    # power without carbon.
    assert FACTOR[0] < near["traced_tco2_per_mwh"][0] < far["traced_tco2_per_mwh"][0] < 1.05 * FACTOR[0]
    assert (near["traced_tco2_per_mwh"][1:] < FACTOR[1:]).all()
    (rounds,) = one.table("rounds")
    assert rounds["round"].tolist() == [1, 2, 3]
    assert rounds["ended"].tolist() == ["", "converged", "converged"]
    assert rounds["price_change_per_mwh"][0] == pytest.approx(0.25 * C0[1:].max())


# What comes late, twice, or from nobody.


class Stranger(GridAgent):
    """Sends what it likes."""

    @on(Receipt)
    def shrug(self, receipt: Receipt, sender: str) -> None:
        """Do nothing about a receipt."""


def paid_money(one: Stage) -> float:
    return by_purpose(one)[f"{ENVIRONMENTAL_PAYMENT}, operator to vpp"]


def refusals(one: Stage) -> list[str]:
    records = one.world.records
    said = [records.record(number).what for number in range(len(records))]
    return [what for what in said if what.startswith("not paid for")]


@pytest.fixture(scope="module")
def right() -> float:
    """What is paid if all is as it should be."""
    return paid_money(stage({"vpp": steady(0.25)}).run())


def test_a_delivery_that_comes_twice_is_paid_once(right: float) -> None:
    one = stage({"vpp": steady(0.25)})
    one.plants["vpp"].deliver = lambda period, made: [made, made]
    assert paid_money(one.run()) == pytest.approx(right)
    assert refusals(one) == []
    assert double_counting(one.world.records.record(i) for i in range(len(one.world.records))) == []


def test_certificates_handed_over_again_in_a_later_period_are_paid_once(right: float) -> None:
    one, earlier = stage({"vpp": steady(0.25)}), list[tuple[str, int]]()

    def deliver(period: int, made: GreenDelivery) -> list[GreenDelivery]:
        earlier.extend(made.certificates)
        return [replace(made, certificates=tuple(earlier))]

    one.plants["vpp"].deliver = deliver
    assert paid_money(one.run()) == pytest.approx(right)
    assert len(refusals(one)) == 3
    assert all("is of period 1" in what for what in refusals(one))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: replace(made, period=made.period + 1), "comes before the period has been metered"),
        (lambda made: replace(made, period=-1), "comes before the period has been metered"),
        (lambda made: replace(made, certificates=(("far", 99999),)), "no certificate of this number"),
        (
            lambda made: replace(
                made, certificates=tuple(("far", number) for _, number in made.certificates)
            ),
            "stands in near, not in far",
        ),
        (
            lambda made: replace(
                made, certificates=tuple(("away", number) for _, number in made.certificates)
            ),
            "stands in near, not in away",
        ),
    ],
    ids=["too early", "never", "no certificate", "another region", "no region"],
)
def test_what_is_not_as_it_was_certified_is_not_paid_and_is_recorded(spoil: object, said: str) -> None:
    one = stage({"vpp": steady(0.25)})
    one.plants["vpp"].deliver = lambda period, made: [spoil(made)]  # type: ignore[operator]
    one.run()
    amounts = [entry for entry in one.world.ledger.entries if entry.purpose == ENVIRONMENTAL_PAYMENT]
    assert len(amounts) <= 2
    assert any(said in what for what in refusals(one))
    assert one.plants["vpp"].reports[0].paid_money == pytest.approx(sum(each.amount for each in amounts))


def test_certificates_over_more_than_was_metered_or_of_others_are_not_paid() -> None:
    one = stage({"vpp": steady(0.25)})
    vpp = one.plants["vpp"]

    def claim(period: int, made: GreenDelivery) -> list[GreenDelivery]:
        book, now_s = GreenCertificates(one.world.records), one.world.clock.now_s
        if period == 0:
            # Nothing has left any cell so far.
            number = book.issue(now_s, "vpp-far-4", "vpp", 0, 0.5)
            book.transfer(now_s, number, "vpp", "operator", 0.5)
            alien = book.issue(now_s, "somebody", "vpp", 0, 0.5)
            kept = book.issue(now_s, "vpp-near-1", "vpp", 0, 0.5)
            return [GreenDelivery(0, (("far", number), ("far", alien), ("near", kept)))]
        return [made]

    vpp.deliver = claim
    one.run()
    said = refusals(one)
    assert len(said) == 3
    assert "over 0.5 MWh, 0 MWh were metered" in said[0]
    assert "somebody is no storage of vpp" in said[1]
    assert "is not held by operator" in said[2]


def test_more_green_than_a_region_uses_is_not_paid_beyond_its_load() -> None:
    """The plant answers what could be, and then discharges half as much again as the load, all green."""
    one = stage({"vpp": steady(0.25)}, "uniform")
    vpp = one.plants["vpp"]
    while one.world.periods_done < 1:
        one.world.step()
    for region, cells in vpp.cells.items():
        vpp.green_mw[region][1] = 1.5 * LOAD[region][1]
        for cell in cells:
            cell.discharge_mw[1] = 1.5 * LOAD[region][1] / len(cells)
    one.run()
    table = {values["region"]: values for values in one.table("price_regions")}
    for region, values in table.items():
        assert values["green_discharge_mw"][1] == pytest.approx(LOAD[region][1])
        assert values["potential_tco2_per_mwh"][1] == pytest.approx(0.0, abs=1e-12)
    held = GreenCertificates(one.world.records).totals.held_mwh
    assert held == pytest.approx(0.5 * 8.0 * sum(load[1] for load in LOAD.values()))


def test_a_delivery_of_a_day_that_is_closed_is_not_paid() -> None:
    one = stage({"vpp": steady(0.25)}, n_day=2)
    late: list[GreenDelivery] = []

    def deliver(period: int, made: GreenDelivery) -> list[GreenDelivery]:
        if period == 2:
            late.append(made)
            return []
        return [made] if period != 4 else [made, late[0]]

    one.plants["vpp"].deliver = deliver
    one.run()
    assert len(refusals(one)) == 1
    assert "delivery of period 2: comes after the day has been closed" in refusals(one)[0]
    first, second = one.plants["vpp"].reports
    green = 0.25 * BOTH.sum(axis=0) * 8.0
    assert first.cancelled_mwh == pytest.approx(green[1])
    assert second.cancelled_mwh == pytest.approx(1.1 * green[1:].sum())


def test_nobody_s_delivery_moves_nothing(right: float) -> None:
    one = stage({"vpp": steady(0.25)})
    stranger = Stranger(one.world.grid.head, "stranger")

    def intrude(period: int, made: GreenDelivery) -> list[GreenDelivery]:
        stranger.send("operator", made)
        return [made]

    one.plants["vpp"].deliver = intrude
    assert paid_money(one.run()) == pytest.approx(right)
    assert all("comes from no plant of this feeder" in what for what in refusals(one))
    assert refusals(one)


# Plants that are silent, or answer what cannot be.


def test_of_a_silent_plant_an_idle_answer_counts_and_the_negotiation_ends_by_its_limit() -> None:
    one = stage({"a": best_response, "b": best_response}, shares=(0.5, 0.5), round_limit=5)
    one.plants["b"].is_silent = True
    one.run()
    z = BOTH * (1.0 - COST / C0) / 2.0
    np.testing.assert_allclose(one.operator.days[0].final_price_per_mwh, b3(z), rtol=1e-12)
    assert [each.ended for each in one.rounds] == [""] * 4 + ["round limit"] * 2
    assert [each.missing for each in one.rounds] == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda signal, made: replace(made, day=made.day + 1),
        lambda signal, made: replace(made, charge_mw=series(made.charge_mw[0])),
        lambda signal, made: replace(made, charge_mw=series(made.charge_mw - 0.1)),
        lambda signal, made: replace(made, discharge_mw=series(0.5 * made.discharge_mw)),
        lambda signal, made: replace(made, discharge_mw=series(made.discharge_mw * np.nan)),
        lambda signal, made: plans(signal, *[0.0 * loads(signal)], *[1.1 * loads(signal)] * 2),
    ],
    ids=["day", "shape", "negative", "green above discharge", "nan", "green above load"],
)
def test_an_answer_that_cannot_be_does_not_count(spoil: object) -> None:
    def answer(signal: CleannessSignal) -> RegionPlans:
        made = best_response(signal)
        return made if signal.round != 2 or signal.final else spoil(signal, made)  # type: ignore[operator]

    one = stage({"vpp": answer}).run()
    z = BOTH * (1.0 - COST / C0) / 2.0
    np.testing.assert_allclose(one.operator.days[0].final_price_per_mwh, b3(z), rtol=1e-12)
    assert [each.judgement.refused for each in one.rounds] == [0, 1, 0, 0]


def test_lost_doubled_and_late_messages_change_what_is_paid_only_by_what_is_lost(right: float) -> None:
    quality = LinkQuality(latency_s=0.2, latency_jitter_s=0.1, loss=0.1, duplication=0.3, reordering=0.1)
    one = stage({"vpp": steady(0.25)}, quality=quality).run()
    assert 0.0 < paid_money(one) <= right * (1.0 + 1e-9)
    assert refusals(one) == []
    records = (one.world.records.record(number) for number in range(len(one.world.records)))
    assert double_counting(records) == []
    np.testing.assert_allclose(one.operator.head_plan_mw(0), one.world.grid.exchange_mw, atol=1e-6)


def test_without_a_green_share_of_the_supply_there_is_no_plan() -> None:
    one = stage({"vpp": steady(0.25)})
    market = next(agent for agent in one.world.agents if agent.kind == "market")
    profile = market._profile  # type: ignore[attr-defined]
    market._profile = replace(profile, green_share=None)  # type: ignore[attr-defined]
    with pytest.raises(MessageError, match="supplier market does not tell the green share of day 0"):
        one.run()
