"""The least cost of energy of days and of a whole run, by a linear programme, against what is known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp.vpp_fleets import FleetDay, benchmarks_money, fleet_days
from tests.support.vpp_tables import OWNERS, N, benchmark_money, evidence


@pytest.fixture(scope="module")
def known() -> GridEvidence:
    return evidence()


@pytest.fixture(scope="module")
def fleets(known: GridEvidence) -> list[FleetDay]:
    return list(fleet_days(known))


def test_each_costs_what_the_agents_own_programme_finds(fleets: list[FleetDay]) -> None:
    assert len(fleets) == 4
    for one in fleets:
        count = sum(own[:2] == (one.plant, one.region) for own in OWNERS.values())
        assert one.benchmark_money == pytest.approx(benchmark_money(one.plant, one.region, count), rel=1e-6)
        assert (one.ratings is None) == (count == 0)


def test_who_is_no_member_is_not_counted_with(known: GridEvidence) -> None:
    pool = pd.DataFrame({"agent": list(OWNERS), "day": 0, "member": [0.0, 1.0, 1.0]})
    with_pool = replace(known, tables={**known.tables, "storage_pool": pool})
    resting = [one for one in fleet_days(with_pool) if one.ratings is None]
    assert [(one.plant, one.region) for one in resting] == [("north", "hill"), ("south", "dale")]
    assert resting[0].benchmark_money == resting[0].idle_money


@pytest.mark.parametrize("per_step", [1, 2])
def test_negative_prices_do_not_pay_for_both_ways_at_once(fleets: list[FleetDay], per_step: int) -> None:
    whole = fleets[0]
    assert whole.ratings is not None
    ratings = replace(whole.ratings, p_max_mw=0.1, e_max_mwh=0.4, soc_min=0.0, soc_max=1.0, soc_initial=0.5)
    price = np.array([-60.0, -50.0, 10.0, -40.0])
    rows = whole.rows.iloc[:4].assign(buy_price_per_mwh=price, sell_price_per_mwh=price - 30.0, load_mw=0.3)
    fleet = replace(whole, rows=rows, ratings=ratings, home_mwh=0.2, wear_cost_per_mwh=0.0, per_step=per_step)
    least = np.inf
    for ways in itertools.product((0, 1), repeat=4 // per_step):
        # One way in each step, then a linear programme: gains of MWh inside, and their powers.
        charges = np.repeat(ways, per_step).astype(bool)
        inside = np.where(charges, 0.95, -1.0 / 0.95)
        found = linprog(
            price * np.where(charges, 1.0, -1.0),
            A_eq=inside[None, :], b_eq=[0.0], bounds=[(0.0, 0.1)] * 4, method="highs",
        )  # fmt: skip
        if found.status == 0:
            least = min(least, float(found.fun))
    assert fleet.benchmark_money == pytest.approx(float(price @ np.full(4, 0.3)) + least)
    assert fleet.scale_money == pytest.approx(max(abs(float(price @ np.full(4, 0.3))), 0.1 * 40.0))
    free = replace(fleet, rows=rows.assign(load_mw=0.0))
    assert free.idle_money == 0.0 and free.scale_money == pytest.approx(0.1 * 40.0)


def test_a_day_that_begins_empty_ends_with_what_the_run_began_with(fleets: list[FleetDay]) -> None:
    whole = fleets[0]
    assert whole.ratings is not None
    empty = replace(whole, ratings=replace(whole.ratings, soc_initial=whole.ratings.soc_min))
    # 0.16 MWh more must be bought in cheap hours.
    bought = 260.0 * (0.5 - 0.1) * 0.4 / 0.95
    assert empty.benchmark_money == pytest.approx(whole.benchmark_money + bought)


def test_who_looks_ahead_is_held_against_the_whole_run(known: GridEvidence, fleets: list[FleetDay]) -> None:
    sections = known.scenario.__dict__["vpps"]
    ahead = {name: one.model_copy(update={"look_ahead_days": 2}) for name, one in sections.items()}
    scenario = type(known.scenario)(**{**vars(known.scenario), "vpps": ahead})
    first = fleets[0]
    dear = first.rows.assign(
        buy_price_per_mwh=700.0, sell_price_per_mwh=560.0, period=first.rows["period"] + N
    )
    days = [first, replace(first, day=1, rows=dear)]
    over_night = benchmarks_money(replace(known, scenario=scenario), days)
    apart = [one.benchmark_money for one in days]
    # From its lowest content it can charge in the three hours after the peak, 0.125 MWh beyond what it began
    # with, which serve dear hours of the second day at a wear of 5 money/MWh.
    kept = (0.04 + 3 * 0.1 * 0.95) - 0.2
    saved = kept * (0.95 * (700.0 - 5.0) - 260.0 / 0.95)
    assert over_night[0] > apart[0] and sum(over_night) == pytest.approx(sum(apart) - saved)
    changed = [first, replace(days[1], home_mwh=0.1)]
    assert all(pd.isna(benchmarks_money(replace(known, scenario=scenario), changed)))
