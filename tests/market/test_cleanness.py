"""Carbon potentials, nodal carbon prices and bills of regions by hand and by limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from gridarium.environment.carbon_flow import carbon_flow
from gridarium.environment.errors import InputError
from gridarium.environment.network_reader import read_feeder
from gridarium.market.cleanness import (
    Pricing,
    avoided_t_per_h,
    carbon_potential_tco2_per_mwh,
    cleanness_price_per_mwh,
    emission_t_per_h,
    green_price_per_mwh,
    grid_share,
    nodal_carbon_price_per_mwh,
)
from gridarium.market.regional_bill import RegionDay

E0 = np.array([0.6, 0.4, 0.3])
LOAD = np.array([[0.4, 0.5, 0.0], [0.2, 0.2, 0.2]])
GREEN = np.array([[0.1, 0.5, 0.0], [0.0, 0.05, 0.1]])
C0 = np.array([50.0, 40.0, 36.0])


def test_the_printed_band_of_carbon_prices_gives_the_printed_band_of_green_prices() -> None:
    assert green_price_per_mwh(np.array([40.0, 60.0])) == pytest.approx([35.68, 53.52])


def test_potentials_are_what_emission_is_left_over_the_load() -> None:
    potential = carbon_potential_tco2_per_mwh(E0, LOAD, GREEN)
    left = emission_t_per_h(E0, LOAD) - avoided_t_per_h(E0, GREEN)
    assert potential * LOAD == pytest.approx(left)
    # A region that uses nothing keeps the potential of the grid.
    assert potential == pytest.approx(np.array([[0.45, 0.0, 0.3], [0.6, 0.3, 0.15]]))


def test_nodal_prices_follow_the_potential_and_lack_nothing_where_the_grid_emits_nothing() -> None:
    nodal = cleanness_price_per_mwh("nodal", C0, LOAD, GREEN)
    assert nodal == pytest.approx(np.array([[37.5, 0.0, 36.0], [50.0, 30.0, 18.0]]))
    potential = carbon_potential_tco2_per_mwh(E0, LOAD, GREEN)
    assert nodal_carbon_price_per_mwh(C0, E0, potential) == pytest.approx(nodal)
    assert cleanness_price_per_mwh("uniform", C0, LOAD, GREEN) == pytest.approx(np.broadcast_to(C0, (2, 3)))
    assert not cleanness_price_per_mwh("none", C0, LOAD, GREEN).any()


def test_payment_at_the_nodal_price_is_highest_at_half_the_load() -> None:
    green = np.linspace(0.0, 0.4, 401)
    payment = cleanness_price_per_mwh("nodal", np.full(401, 50.0), np.full(401, 0.4), green) * green
    assert green[payment.argmax()] == pytest.approx(0.2)
    assert payment.max() == pytest.approx(50.0 * 0.4 / 4)
    # The marginal payment is c0 (1 - 2 Pgd / L).
    assert np.gradient(payment, green)[1:-1] == pytest.approx((50.0 * (1 - 2 * green / 0.4))[1:-1])


@pytest.mark.parametrize("green", [0.2001, -0.0001, np.nan])
def test_green_discharge_beyond_the_load_is_refused_with_its_place(green: float) -> None:
    with pytest.raises(InputError, match=r"green_discharge_mw\[1, 0\].*\[0, load\] MW.*0\.2 MW"):
        grid_share(LOAD, np.array([[0.0, 0.0, 0.0], [green, 0.0, 0.0]]))


def test_solver_noise_beyond_the_load_makes_no_negative_price() -> None:
    assert grid_share(LOAD, LOAD + 1e-7).min() == 0.0


def test_prices_that_cannot_be_are_refused() -> None:
    odd: Any = "free"
    with pytest.raises(InputError, match=r"pricing.*none, uniform, nodal"):
        cleanness_price_per_mwh(odd, C0, LOAD, GREEN)
    with pytest.raises(InputError, match="initial_tco2_per_mwh"):
        nodal_carbon_price_per_mwh(C0, np.array([0.6, 0.0, 0.3]), E0)
    with pytest.raises(InputError, match="avoided_tco2_per_mwh"):
        green_price_per_mwh(C0, 0.0)


def region(**more: Any) -> RegionDay:
    values = {
        "load_mw": np.array([0.4, 0.2]),
        "buy_price_per_mwh": np.array([300.0, 700.0]),
        "sell_price_per_mwh": np.array([200.0, 600.0]),
        "green_price_per_mwh": np.array([36.0, 50.0]),
    }
    return RegionDay("r1", **{**values, **more})


@pytest.mark.parametrize(("pricing", "paid"), [("none", 0.0), ("uniform", 5.0), ("nodal", 2.5)])
def test_the_bill_of_a_region_by_hand(pricing: Pricing, paid: float) -> None:
    charge, discharge, green = np.array([0.3, 0.0]), np.array([0.0, 0.25]), np.array([0.0, 0.1])
    bill = region().bill(charge, discharge, green, pricing)
    # 0.7 MW are bought at 300, 0.05 MW sold at 600.
    assert [float(part) for part in bill] == pytest.approx([210.0, 30.0, paid])
    assert float(bill.cost_money) == pytest.approx(180.0 - paid)
    half = region(period_h=0.5).bill(charge, discharge, green, pricing)
    assert float(half.cost_money) == pytest.approx(0.5 * (180.0 - paid))


def test_a_bill_refuses_more_green_than_is_discharged_and_a_region_what_it_cannot_be() -> None:
    none, some = np.zeros(2), np.array([0.0, 0.05])
    with pytest.raises(InputError, match=r"region r1.*\n.*green_discharge_mw, period 1: got 0\.1; .*0\.05\]"):
        region().bill(none, some, 2 * some, "none")
    with pytest.raises(InputError, match=r"2 faults\n.* charge_mw, period 1.*\n.* discharge_mw, period 0"):
        region().bill(-some, np.array([np.nan, 0.0]), none, "none")
    with pytest.raises(InputError, match=r"region r1: 1 fault\n  charge_mw: got \(3,\); .*\(2,\)"):
        region().bill(np.zeros(3), some, none, "none")
    with pytest.raises(InputError, match=r"load_mw: got \(0,\)"):
        RegionDay("r1", *[np.zeros(0)] * 4)
    with pytest.raises(InputError, match="sell_price_per_mwh: got \\(3,\\)"):
        region(sell_price_per_mwh=np.ones(3))
    with pytest.raises(InputError, match=r"load_mw: got -0\.1"):
        region(load_mw=np.array([-0.1, 0.2]))
    with pytest.raises(InputError, match="period_h"):
        region(period_h=0.0)
    with pytest.raises(InputError, match=r"green_price_per_mwh.*must be finite"):
        region(green_price_per_mwh=np.array([np.nan, 1.0]))


@pytest.mark.parametrize("pricing", ["none", "uniform", "nodal"])
def test_two_plants_of_a_region_are_paid_together_what_one_would_be(pricing: Pricing) -> None:
    rng = np.random.default_rng(5)
    mine, other = rng.uniform(0.2, 1.0, (2, 2))
    charge, discharge = rng.uniform(0.0, 0.2, (2, 2, 2))
    green = discharge * rng.uniform(0.0, 1.0, (2, 2))
    whole = region(load_mw=mine + other).bill(
        charge.sum(axis=0), discharge.sum(axis=0), green.sum(axis=0), pricing
    )
    parts = [
        region(load_mw=load, foreign_load_mw=rest, foreign_green_mw=green[1 - k]).bill(
            charge[k], discharge[k], green[k], pricing
        )
        for k, (load, rest) in enumerate(((mine, other), (other, mine)))
    ]
    assert [float(sum(each)) for each in zip(*parts, strict=True)] == pytest.approx([float(x) for x in whole])


def test_a_plant_is_paid_by_the_first_price_and_the_room_that_others_leave() -> None:
    day = region(foreign_load_mw=0.3, foreign_green_mw=np.array([0.1, 0.5]))
    first, room = day.first_green_price_per_mwh("nodal"), day.green_room_mw
    # The second hour's load is clean already.
    assert first == pytest.approx([36.0 * 6.0 / 7.0, 0.0])
    assert room == pytest.approx([0.6, 0.0])
    green = np.array([0.25, 0.0])
    paid = day.bill(np.zeros(2), green, green, "nodal").environmental_money
    assert float(paid) == pytest.approx(first[0] * (0.25 - 0.25**2 / room[0]))
    assert day.cut(1, 2).foreign_green_mw.tolist() == [0.5]


def test_green_beyond_what_others_leave_and_foreign_series_that_cannot_be_are_told() -> None:
    day = region(foreign_load_mw=np.array([0.1, 0.0]), foreign_green_mw=np.array([0.0, 0.15]))
    some = np.array([0.0, 0.1])
    with pytest.raises(
        InputError, match=r"r1.*\n.*green_discharge_mw, period 1: got 0\.1; .*\[0, 0\.05\] MW"
    ):
        day.bill(np.zeros(2), some, some, "nodal")
    with pytest.raises(
        InputError, match=r"foreign_green_mw, period 1: got 0\.3; .*\[0, 0\.2\] MW, the load of"
    ):
        region(foreign_green_mw=np.array([0.0, 0.3]))
    with pytest.raises(InputError, match=r"foreign_load_mw: got -0\.1"):
        region(foreign_load_mw=np.array([-0.1, 0.0]))
    with pytest.raises(InputError, match=r"foreign_load_mw: got \(3,\)"):
        region(foreign_load_mw=np.zeros(3))


def test_bills_are_the_least_that_purchase_and_sale_can_cost() -> None:
    """B9 as a linear programme, whose prices leave nothing to gain from buying and selling at once."""
    rng = np.random.default_rng(3)
    load, charge, discharge = rng.uniform(0.0, 1.0, (3, 24))
    buy = rng.uniform(200.0, 900.0, 24)
    sell = buy * rng.uniform(0.3, 1.0, 24)
    bill = RegionDay("r1", load, buy, sell, np.zeros(24)).bill(charge, discharge, np.zeros(24), "none")
    balance = np.hstack([np.eye(24), -np.eye(24)])
    least = linprog(np.concatenate([buy, -sell]), A_eq=balance, b_eq=load + charge - discharge)
    assert float(bill.cost_money) == pytest.approx(least.fun)
    assert float(bill.sales_money) > 0.0


def test_potentials_are_the_mean_of_what_is_traced_through_a_feeder_without_losses() -> None:
    """A1 of a feeder that is one region, where storages discharge green energy at some of its buses."""
    feeder = read_feeder("case33bw")
    rng = np.random.default_rng(4)
    load = rng.uniform(0.02, 0.2, (6, feeder.n_bus))
    # Nobody feeds more than is drawn below it, so that nothing green flows out of the head.
    green = load * rng.uniform(0.0, 1.0, load.shape) * (rng.random(load.shape) < 0.4)
    flow = (load - green)[:, 1:]
    for branch in range(feeder.n_branch - 1, 0, -1):
        if feeder.parent[branch] > 0:
            flow[:, feeder.parent[branch] - 1] += flow[:, branch]
    initial = rng.uniform(0.3, 0.7, 6)
    source, carbon = green.copy(), np.zeros_like(green)
    drawn = (load - green).sum(axis=1)
    source[:, 0] += drawn
    carbon[:, 0] = initial * drawn
    traced = carbon_flow(feeder.parent, np.arange(1, feeder.n_bus), flow, flow, source, carbon)
    mean = (traced.intensity_tco2_per_mwh * load).sum(axis=1) / load.sum(axis=1)
    potential = carbon_potential_tco2_per_mwh(initial, load.sum(axis=1), green.sum(axis=1))
    assert potential == pytest.approx(mean)
    assert (potential < initial).all()
