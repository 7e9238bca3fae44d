"""The adjustable carbon emission factor: the paper's noon hour, C1 to C5 by hand, the pool by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridarium.market.adcef import AdcefTariff, negative_factor, strict_pool, surplus
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.supply import Situation, Supply, system_factor


def one_hour(value: float) -> np.ndarray:
    return np.array([value])


def noon() -> Situation:
    """The paper's high-renewables noon: 3.5 MW of renewables, 2.0 MW of load, 0.5 MW charging."""
    none = one_hour(0.0)
    conditions = MarketConditions(one_hour(980.0), one_hour(588.0), none, one_hour(0.6), one_hour(73.65), 0.5)
    return Situation(
        conditions=conditions,
        supply=Supply(none, one_hour(0.6), none, none, one_hour(2.5)),
        load_mw=one_hour(2.0),
        base_mw=one_hour(2.0),
        charge_mw=one_hour(0.5),
        available_mw=one_hour(3.5),
        pool_in_t_per_h=none,
        pool_out_t_per_h=none,
        avoided_t_per_h=none,
        period_h=1.0,
    )


def test_noon_example_is_exact() -> None:
    offer = AdcefTariff(credit="formula").offer(noon())
    assert offer.surplus_mw.tolist() == [1.0]
    assert offer.negative_factor_tco2_per_mwh.tolist() == [-0.30]
    assert offer.factor_tco2_per_mwh.tolist() == [-0.30]
    assert (offer.factor_tco2_per_mwh * noon().load_mw).tolist() == [-0.60]


def test_noon_price_by_hand() -> None:
    offer = AdcefTariff(budget_balanced=False, credit="formula").offer(noon())
    assert offer.price_per_mwh[0] == pytest.approx(980.0 - 73.65 * 0.8)
    half = AdcefTariff(adjustment=0.5, budget_balanced=False, credit="formula").offer(noon())
    assert half.price_per_mwh[0] == pytest.approx(980.0 - 73.65 * 0.4)


@pytest.mark.parametrize(("kind", "factor"), [("ex-ante", -0.30), ("ex-post", -0.6 * 0.6 / 2.4)])
def test_surplus_before_and_after_the_response(kind: str, factor: float) -> None:
    responded = replace(noon(), load_mw=one_hour(2.4))
    offer = AdcefTariff(surplus=kind, credit="formula").offer(responded)  # type: ignore[arg-type]
    assert offer.surplus_mw[0] == pytest.approx(1.0 if kind == "ex-ante" else 0.6)
    assert offer.factor_tco2_per_mwh[0] == pytest.approx(factor)


def test_a_response_that_takes_all_surplus_ends_the_ex_post_signal_only() -> None:
    responded = replace(noon(), load_mw=one_hour(3.0))
    assert AdcefTariff(surplus="ex-post", credit="formula").offer(responded).factor_tco2_per_mwh.tolist() == [
        0.0
    ]
    assert AdcefTariff(surplus="ex-ante", credit="formula").offer(responded).factor_tco2_per_mwh.tolist() == [
        -0.30
    ]


def test_system_factor_by_hand() -> None:
    supply = Supply(
        grid_mw=np.array([1.2, 0.0]),
        grid_factor_tco2_per_mwh=np.array([0.6, 0.8]),
        turbine_mw=np.array([0.5, 0.0]),
        turbine_t_per_h=np.array([0.215, 0.0]),
        renewable_mw=np.array([1.0, 0.0]),
    )
    assert supply.emission_t_per_h == pytest.approx([0.72 + 0.215, 0.0])
    assert system_factor(supply) == pytest.approx([0.935 / 2.7, 0.0])


def two_hours(second_mw: float, second_tco2: float = 0.0, avoided_tco2: float = 0.0) -> Situation:
    """An hour of 2.5 MW and one of any load, the second with a pool flow, or a credit, of its own."""
    none, grid = np.zeros(2), np.array([0.6, 0.6])
    flat = np.full(2, 500.0)
    return Situation(
        MarketConditions(flat, flat, none, grid, np.full(2, 73.65), 0.5),
        Supply(np.array([1.2, 0.0]), grid, np.array([0.5, 0.0]), np.array([0.215, 0.0]), none, 0.43),
        load_mw=np.array([2.5, second_mw]),
        base_mw=np.array([2.5, second_mw]),
        charge_mw=none,
        available_mw=none,
        pool_in_t_per_h=np.array([0.1, 0.0]),
        pool_out_t_per_h=np.array([0.25, second_tco2]),
        avoided_t_per_h=np.array([0.0, avoided_tco2]),
        period_h=1.0,
    )


def test_factor_by_hand_with_pool_flows() -> None:
    for second_mw, factor in ((0.0, 0.0), (1.0, 0.2)):
        offer = AdcefTariff().offer(two_hours(second_mw, factor * second_mw))
        assert offer.factor_tco2_per_mwh == pytest.approx([(0.935 - 0.1 + 0.25) / 2.5, factor])


def test_what_an_hour_of_little_load_cannot_carry_is_carried_by_the_day() -> None:
    # 0.3 t on 0.1 MWh would be 3 t/MWh; two MWh of the dirtiest source are 1.2; 0.18 t are left.
    offer = AdcefTariff().offer(two_hours(0.1, 0.3))
    assert offer.factor_tco2_per_mwh == pytest.approx([(1.085 + 0.18) / 2.5, 1.2])
    # A credit of 0.4 t on 0.1 MWh would be -4 t/MWh; a MWh of load avoids at most one of 0.6 t.
    offer = AdcefTariff(budget_balanced=False).offer(two_hours(0.1, avoided_tco2=0.4))
    assert offer.factor_tco2_per_mwh == pytest.approx([(1.085 - 0.34) / 2.5, -0.6])
    assert offer.negative_factor_tco2_per_mwh == pytest.approx([0.0, -0.6])
    assert offer.price_per_mwh == pytest.approx([500.0 + 73.65 * (0.298 - 0.5), 500.0 - 73.65 * 1.1])


def test_bounds_that_bind_nowhere_change_nothing() -> None:
    offer = AdcefTariff().offer(two_hours(1.0, 0.3, avoided_tco2=0.4))
    assert offer.factor_tco2_per_mwh.tolist() == [(1.2 * 0.6 + 0.215 - 0.1 + 0.25) / 2.5, 0.3 - 0.4]


@pytest.mark.parametrize("carbon", [{"second_tco2": 0.3}, {"avoided_tco2": 0.4}, {}])
@pytest.mark.parametrize("credit", ["avoided", "formula"])
def test_signals_are_continuous_down_to_no_load(carbon: dict[str, float], credit: str) -> None:
    tariff = AdcefTariff(credit=credit)  # type: ignore[arg-type]
    none = tariff.offer(two_hours(0.0, **carbon))
    for load_mw in (1e-12, 1e-9, 1e-7):
        next_to_none = tariff.offer(two_hours(load_mw, **carbon))
        assert next_to_none.factor_tco2_per_mwh == pytest.approx(none.factor_tco2_per_mwh, abs=1e-6)
        assert next_to_none.price_per_mwh == pytest.approx(none.price_per_mwh, abs=1e-4)


def test_without_any_load_what_is_left_of_nothing_stays_nothing() -> None:
    idle = replace(two_hours(0.0), load_mw=np.zeros(2), base_mw=np.zeros(2))
    noise = replace(
        idle,
        supply=replace(idle.supply, grid_mw=np.full(2, 1e-12), turbine_t_per_h=np.zeros(2)),
        pool_in_t_per_h=np.zeros(2),
        pool_out_t_per_h=np.zeros(2),
    )
    assert AdcefTariff().offer(noise).factor_tco2_per_mwh == pytest.approx([0.0, 0.0], abs=1e-5)


def test_no_surplus_no_credit() -> None:
    load = np.array([2.0, 2.0, 0.0])
    left = surplus(np.array([1.0, 2.5, 1.0]), load, np.array([0.0, 0.5, 0.0]))
    assert left.tolist() == [0.0, 0.0, 1.0]
    assert negative_factor(left, load, np.full(3, 0.6)).tolist() == [0.0, 0.0, 0.0]


def test_a_mwh_of_load_takes_up_no_more_than_a_mwh_of_surplus() -> None:
    left, load = np.array([1.0, 1.0, 1.0, 0.0]), np.array([2.0, 0.5, 0.0, 0.0])
    assert negative_factor(left, load, np.full(4, 0.6), 1e-3).tolist() == [-0.3, -0.6, -0.6, 0.0]


def positive(low: float, high: float, n: int = 6) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, n, elements=st.floats(low, high))


@given(
    grid=positive(0, 5),
    factor=positive(0, 1.2),
    turbine=positive(0, 2),
    renewable=positive(0, 4),
    into=positive(0, 1),
    out=positive(0, 1),
    load=positive(0.1, 5),
    base=positive(0.1, 5),
    charge=positive(0, 1),
    kind=st.sampled_from(["ex-ante", "ex-post"]),
)
def test_allocated_is_emission_less_pool_change_less_credits_within_the_bounds(
    grid: np.ndarray,
    factor: np.ndarray,
    turbine: np.ndarray,
    renewable: np.ndarray,
    into: np.ndarray,
    out: np.ndarray,
    load: np.ndarray,
    base: np.ndarray,
    charge: np.ndarray,
    kind: str,
) -> None:
    flat = np.full(6, 500.0)
    situation = Situation(
        MarketConditions(flat, flat, flat, factor, np.full_like(flat, 73.65), 0.5),
        Supply(grid, factor, turbine, 0.43 * turbine, renewable, 0.43),
        load_mw=load,
        base_mw=base,
        charge_mw=charge,
        available_mw=renewable,
        pool_in_t_per_h=into,
        pool_out_t_per_h=out,
        avoided_t_per_h=np.zeros(6),
        period_h=1.0,
    )
    offer = AdcefTariff(surplus=kind, credit="formula").offer(situation)  # type: ignore[arg-type]
    against = base if kind == "ex-ante" else load
    spare = [max(0.0, r - a - c) for r, a, c in zip(renewable, against, charge, strict=True)]
    credit = sum(e * min(s / a, 1.0) * p for e, s, a, p in zip(factor, spare, against, load, strict=True))
    emission = sum(e * g + 0.43 * t for e, g, t in zip(factor, grid, turbine, strict=True))
    allocated, dirtiest = float(offer.factor_tco2_per_mwh @ load), max(0.43, float(factor.max()))
    owed = emission - (into.sum() - out.sum()) - credit
    least, most = -dirtiest * load.sum(), 2.0 * dirtiest * load.sum()
    assert allocated == pytest.approx(min(max(owed, least), most), abs=1e-9)
    assert offer.factor_tco2_per_mwh.max() <= 2.0 * dirtiest
    assert offer.factor_tco2_per_mwh.min() >= -dirtiest


def simulate(
    days: int, content: float, e_in: np.ndarray, e_out: np.ndarray, first_mwh: float, inflow: np.ndarray
) -> tuple[float, list[float]]:
    """A water tank, day after day; content at the end and outflows of the last day."""
    outflow: list[float] = []
    for _ in range(days):
        energy, outflow = first_mwh, []
        for gained, lost, taken in zip(e_in, e_out, inflow, strict=True):
            released = content * lost / energy if lost else 0.0
            outflow.append(released)
            content += taken - released
            energy += gained - lost
    return content, outflow


@st.composite
def cycles(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    """Energy in and out of a storage that ends where it began."""
    first = draw(st.floats(0.2, 0.9))
    ends = [*draw(st.lists(st.floats(0.1, 1.0), min_size=2, max_size=8)), first]
    change = np.diff([first, *ends])
    return np.maximum(change, 0.0), np.maximum(-change, 0.0), first


@given(cycles(), st.integers(0, 2**32 - 1))
def test_strict_pool_repeats_and_conserves(cycle: tuple[np.ndarray, np.ndarray, float], seed: int) -> None:
    e_in, e_out, first_mwh = cycle
    factor = np.random.default_rng(seed).uniform(0.0, 0.9, e_in.size)
    charge = e_in / 0.92
    inflow, outflow, first = strict_pool(e_in, e_out, first_mwh, factor, charge)
    assert inflow == pytest.approx(factor * charge)
    last, repeated = simulate(1, first, e_in, e_out, first_mwh, inflow)
    assert last == pytest.approx(first, abs=1e-9)
    assert outflow == pytest.approx(repeated, abs=1e-9)
    if e_out.sum() > 1e-6:
        assert outflow.sum() == pytest.approx(inflow.sum(), abs=1e-9)


def test_strict_pool_is_where_many_days_lead_to() -> None:
    e_in = np.array([0.4, 0.0, 0.2, 0.0])
    e_out = np.array([0.0, 0.5, 0.0, 0.1])
    factor = np.array([0.55, 0.6, 0.0, 0.8])
    inflow, outflow, first = strict_pool(e_in, e_out, 0.5, factor, e_in / 0.92)
    last, settled = simulate(200, 7.0, e_in, e_out, 0.5, inflow)
    assert first == pytest.approx(last, abs=1e-12)
    assert outflow == pytest.approx(settled, abs=1e-12)


def test_strict_pool_of_an_idle_storage_is_empty() -> None:
    nothing = np.zeros(3)
    inflow, outflow, first = strict_pool(nothing, nothing, 0.5, np.full(3, 0.6), nothing)
    assert (inflow.tolist(), outflow.tolist(), first) == ([0.0] * 3, [0.0] * 3, 0.0)
