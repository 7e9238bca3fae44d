"""Dispatch with a green label: proven gaps, what envelopes overstate, and limits that are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.solving.highs_solver import integer_model, run_highs
from gridarium.agents.storage.stand_alone import followed_mwh
from gridarium.agents.vpp.green_day import GreenDay, replay
from gridarium.agents.vpp.green_dispatch import (
    dispatch_by_envelopes,
    dispatch_by_shares,
    dispatch_without_label,
    keeps_limits,
)
from gridarium.agents.vpp.green_dispatch_problem import green_form, green_numbers, shape_of, with_rays
from gridarium.environment.errors import InputError
from gridarium.experiments.benchmarks.vpp_instances import drawn_day, shipped_day
from gridarium.experiments.evidence.vpp.green_reference import grid_optimum
from gridarium.market.cleanness import Pricing


@pytest.mark.parametrize(("pricing", "most_of_saving"), [("uniform", 0.01), ("nodal", 0.02)])
def test_shares_prove_their_plan_and_agree_with_dynamic_programming(
    pricing: Pricing, most_of_saving: float
) -> None:
    day = shipped_day(1, pricing)
    unpaid, found = dispatch_without_label(day), dispatch_by_shares(day)
    bill, saving = found.plan.cost_money, unpaid.plan.cost_money - found.plan.cost_money
    assert keeps_limits(day, found.plan)
    assert 0.0 <= found.gap_money <= min(5e-4 * bill, most_of_saving * saving)
    assert found.bound_money <= bill + 1e-6
    reference = grid_optimum(day, 97, 41)
    assert found.bound_money - 1.0 <= reference <= bill + 1.5


def test_envelopes_overstate_what_the_replay_finds() -> None:
    day = shipped_day(1)
    saving = dispatch_without_label(day).plan.cost_money - dispatch_by_shares(day).plan.cost_money
    plain, cut = dispatch_by_envelopes(day), dispatch_by_envelopes(day, 2)
    assert plain.relaxed_money < plain.replayed.cost_money
    assert plain.overstated_money > 0.05 * saving
    assert plain.bound_money <= cut.bound_money + 1e-3 * saving
    assert cut.bound_money <= dispatch_by_shares(day).plan.cost_money


def test_a_schedule_by_hand_costs_what_its_formulas_say() -> None:
    day = shipped_day(0, "nodal")
    charge, discharge = np.zeros((2, 24))
    charge[3], discharge[10] = 0.2, 0.2 * 0.95**2
    plan, region = replay(day, charge, discharge), day.region
    inside = 0.6 + 0.19
    share = (0.3 * 0.6 + day.green_share[3] * 0.19) / inside
    green = share * discharge[10]
    paid = region.green_price_per_mwh[10] * green * (1.0 - green / region.load_mw[10])
    spent = 0.2 * region.buy_price_per_mwh[3] - discharge[10] * region.buy_price_per_mwh[10]
    assert plan.green_discharge_mw[10] == pytest.approx(green, abs=1e-12)
    assert plan.cost_money == pytest.approx(day.idle_money + spent - paid, abs=1e-9)
    assert plan.missing_green_mwh(day) == 0.0


def test_the_label_keeps_its_limits_where_they_bind() -> None:
    day = drawn_day(2)
    low = replace(day, region=replace(day.region, load_mw=0.2 * day.region.load_mw))
    found = dispatch_by_shares(low, rounds=0)
    assert np.all(found.plan.green_discharge_mw <= low.region.load_mw + 1e-6)
    assert found.plan.green_mwh[-1] >= low.initial_green_mwh - 1e-6
    assert found.plan.energy_mwh[-1] == pytest.approx(low.initial_mwh, abs=1e-6)
    assert np.all(np.minimum(found.plan.charge_mw, found.plan.discharge_mw) == 0.0)


def test_days_that_cannot_be_name_all_that_is_wrong() -> None:
    day: GreenDay = shipped_day(0)
    dear = replace(day.region, sell_price_per_mwh=day.region.buy_price_per_mwh + 1.0)
    with pytest.raises(InputError) as error:
        replace(day, region=dear, initial_share=1.2)
    assert "initial_share: got 1.2" in str(error.value)
    assert "sell_price_per_mwh: got 261.0" in str(error.value)


def test_rays_cut_off_no_schedule() -> None:
    """Random schedules, held in the relaxation: feasible, and never dearer than replayed."""
    for seed, pricing in ((2, "uniform"), (5, "nodal")):
        day = drawn_day(seed, pricing)
        # Others' load leaves room for whatever is discharged.
        day = replace(day, region=replace(day.region, foreign_load_mw=np.full(24, 5.0)))
        random = np.random.default_rng(seed)
        wanted = day.ratings.p_max_mw * random.choice([-1.0, -0.3, 0.0, 0.4, 1.0], 24)
        energy = followed_mwh(wanted, day.ratings, day.initial_mwh, 1.0)
        plan = replay(day, *day.ratings.powers_mw(energy, day.initial_mwh, 1.0))
        day = replace(day, least_green_mwh=0.0, final_mwh=float(plan.energy_mwh[-1]))
        assert np.sum(plan.charge_mw > 0.0) > 5
        form = green_form(with_rays(shape_of(day, "share"), 4))
        numbers, constant = green_numbers(form, day)
        lower, upper = numbers.lower.copy(), numbers.upper.copy()
        for name, held in (("p_charge_mw", plan.charge_mw), ("p_discharge_mw", plan.discharge_mw)):
            block = form.decisions[name]
            lower[block.start : block.stop], upper[block.start : block.stop] = held - 1e-7, held + 1e-7
        block = form.decisions["charging"]
        lower[block.start : block.stop] = upper[block.start : block.stop] = plan.charge_mw > 0.0
        highs = integer_model(form, numbers._replace(lower=lower, upper=upper), {})
        relaxed = float(numbers.cost @ run_highs(highs)) + constant
        assert relaxed <= plan.cost_money + 1e-6
        assert relaxed > plan.cost_money - 0.01 * day.idle_money


def test_a_gap_that_envelopes_leave_open_is_closed_by_rays() -> None:
    day = drawn_day(15)
    first, found = dispatch_by_shares(day, rounds=0), dispatch_by_shares(day)
    assert found.n_search == 2
    assert first.gap_money > 2e-4 * day.idle_money
    assert -1e-6 <= found.gap_money <= 5e-5 * day.idle_money + 1e-6
    assert keeps_limits(day, found.plan)
    again = dispatch_by_shares(day, 1.0, near=found.plan)
    assert np.array_equal(again.plan.energy_mwh, found.plan.energy_mwh)


def test_a_plan_that_shall_end_greener_than_it_began_does_so() -> None:
    day = shipped_day(1)
    day = replace(day, region=day.region.cut(14, 24), green_share=day.green_share[14:])
    asked = replace(day, least_green_mwh=1.1 * day.initial_green_mwh)
    found = dispatch_by_shares(asked, rounds=0)
    assert found.plan.green_mwh[-1] >= 1.1 * day.initial_green_mwh - 1e-6
    assert found.plan.cost_money > dispatch_by_shares(day, rounds=0).plan.cost_money
