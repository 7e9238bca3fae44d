"""A region's plan under a pull: slopes, the problem near a plan, plans against references without either."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pyomo.environ as pyo
import pytest

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.storage.storage_problem import StorageShape
from gridarium.agents.vpp.fleet import Fleet
from gridarium.agents.vpp.fleet_start import PlantStorage, fleet_start
from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, even_plan, replay
from gridarium.agents.vpp.green_dispatch import bound_beside, keeps_limits
from gridarium.agents.vpp.green_near import NearSearch
from gridarium.agents.vpp.green_slopes import label_slopes, reward_slopes
from gridarium.agents.vpp.near_problem import build_near_model, near_form
from gridarium.agents.vpp.planners import ByShares, Greedy, Unproven
from gridarium.environment.arrays import series
from gridarium.environment.errors import InputError, SolveError
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.benchmarks.vpp_instances import shipped_day
from gridarium.experiments.evidence.vpp.green_reference import grid_optimum
from gridarium.market.cleanness import Pricing
from gridarium.market.messages.cleanness import CleannessSignal, RegionTerms
from gridarium.market.messages.tariffs import Pull
from gridarium.market.regional_bill import RegionDay


def pulled_day(pricing: Pricing, per_mw2h: float = 150.0) -> GreenDay:
    """The shipped day of a region, drawn towards a load that is level."""
    day = shipped_day(0, pricing)
    target = 0.6 * day.region.load_mw + 0.4 * day.region.load_mw.mean()
    return replace(day, pull=Pull(series(target), per_mw2h))


def short_day(pricing: Pricing) -> GreenDay:
    """Four hours, a green price that matters, and a pull as strong as the prices."""
    region = RegionDay(
        "short",
        np.array([0.3, 0.2, 0.1, 0.4]),
        np.array([300.0, 500.0, 520.0, 610.0]),
        np.array([200.0, 450.0, 460.0, 500.0]),
        np.array([60.0, 150.0, 140.0, 90.0]),
    )
    ratings = StorageRatings("short", 0.4, 1.0, 0.1, 0.9, 0.5, 0.95, 0.95, 0.4)
    pull = Pull(series(np.array([0.5, 0.1, 0.2, 0.2])), 400.0)
    return GreenDay(region, ratings, 0.3, np.array([0.8, 0.4, 0.5, 0.2]), pricing, pull=pull)


def by_hand(day: GreenDay, energy: tuple[float, ...]) -> tuple[float, bool]:
    """What a schedule through energies counts, by its formulas; whether it keeps all limits."""
    assert day.pull is not None
    counted, inside, green, keeps = 0.0, 0.5, 0.15, True
    paid = day.region.green_price_per_mwh * (day.pricing != "none")
    for t, after in enumerate(energy):
        charge, discharge = max(after - inside, 0.0) / 0.95, max(inside - after, 0.0) * 0.95
        out, load = discharge * green / inside, float(day.region.load_mw[t])
        green += 0.95 * charge * float(day.green_share[t]) - out / 0.95
        net = load + charge - discharge
        price = day.region.buy_price_per_mwh if net > 0.0 else day.region.sell_price_per_mwh
        clean = 1.0 - out / load if day.pricing == "nodal" else 1.0
        counted += float(price[t]) * net - float(paid[t]) * clean * out
        counted += 200.0 * (net - float(day.pull.target_mw[t])) ** 2
        keeps &= max(charge, discharge) <= 0.4 and (out <= load or day.pricing == "none")
        inside = after
    return counted, keeps and (green >= 0.15 or day.pricing == "none")


@pytest.mark.parametrize("pricing", ["none", "uniform", "nodal"])
def test_plans_are_the_best_of_all_schedules_on_a_grid(pricing: Pricing) -> None:
    day = short_day(pricing)
    grid = np.linspace(0.1, 0.9, 33).tolist()
    told = [by_hand(day, (*way, 0.5)) for way in product(grid, repeat=3)]
    best = min(counted for counted, keeps in told if keeps)
    near = NearSearch(day).improved(day, np.zeros(4), np.zeros(4))
    assert keeps_limits(day, near)
    # Points of the grid are 0.025 MWh apart.
    assert best - 1.0 <= near.counted_money <= best + 1e-6
    if pricing != "none":
        proven = bound_beside(day, near)
        assert proven.bound_money <= near.counted_money + 1e-6
        assert proven.gap_money <= 2e-3 * day.idle_money


def test_a_plan_near_rest_is_as_good_as_dynamic_programming() -> None:
    day = pulled_day("nodal")
    rest = even_plan(day)
    plan = NearSearch(day).improved(day, rest.charge_mw, rest.discharge_mw)
    least = grid_optimum(day, 65, 41)
    assert plan.counted_money <= least + 5e-4 * day.idle_money
    assert plan.counted_money >= bound_beside(day, plan).bound_money
    assert plan.counted_money < rest.counted_money - 0.02 * day.idle_money
    # Where it goes on from changes little, and from itself nothing.
    again = NearSearch(day).improved(day, plan.charge_mw, plan.discharge_mw)
    assert again.counted_money == pytest.approx(plan.counted_money, abs=1e-5 * day.idle_money)


def test_what_breaks_the_label_is_mended_or_left_for_the_even_plan() -> None:
    day = pulled_day("nodal")
    start = even_plan(day)
    plan = NearSearch(day).improved(day, start.charge_mw, start.discharge_mw)
    browner = replace(day, green_share=day.green_share - 0.08)
    assert not keeps_limits(browner, replay(browner, plan.charge_mw, plan.discharge_mw))
    mended = NearSearch(browner).improved(browner, plan.charge_mw, plan.discharge_mw)
    assert keeps_limits(browner, mended)
    assert mended.counted_money < even_plan(browner).counted_money
    # A supply that is nowhere as green as what is inside leaves nothing but rest.
    brown = replace(day, green_share=np.full(24, 0.1))
    assert NearSearch(brown).improved(brown, plan.charge_mw, plan.discharge_mw).discharge_mw.max() == 0.0


@pytest.mark.parametrize("pricing", ["uniform", "nodal"])
def test_slopes_are_those_of_the_replay(pricing: Pricing) -> None:
    day = shipped_day(1, pricing)
    ratings = replace(day.ratings, soc_min=0.0, soc_max=1.0)
    day = replace(day, ratings=ratings)
    power = 0.2 * np.sin(np.arange(24.0))
    charge, discharge = np.maximum(power, 0.0), np.maximum(-power, 0.0)
    plan = replay(day, charge, discharge)
    reward, label, step = reward_slopes(day, plan), label_slopes(day, plan), 1e-6

    def moved(place: int, name: str) -> GreenPlan:
        into, out = charge.copy(), discharge.copy()
        (into if name == "charge" else out)[place] += step
        # Energy is given at the end: what was moved is taken back by the last charge.
        into[21] -= step if name == "charge" else -step / 0.95**2
        return replay(day, into, out)

    for name, slopes in (("charge", 0), ("discharge", 1)):
        place = int(np.flatnonzero((charge if name == "charge" else discharge)[:20] > 0.05)[1])
        back = 1.0 if name == "charge" else -1.0 / 0.95**2
        now = moved(place, name)
        for found, of in ((reward, "money"), (label, "mwh")):
            told = found[slopes][place] - back * found.charge[21]
            seen = (
                float(now.bill.environmental_money - plan.bill.environmental_money)
                if of == "money"
                else float(now.green_mwh[-1] - plan.green_mwh[-1])
            )
            assert seen / step == pytest.approx(told, rel=1e-3, abs=1e-4)


def test_the_problem_near_a_plan_equals_pyomos_highs() -> None:
    from pyomo.contrib.solver.common.factory import SolverFactory

    random = np.random.default_rng(3)
    storage = StorageShape(shipped_day(0).ratings, 24, 1.0)
    buy = random.uniform(1.0, 7.0, 24)
    signals = {
        "buy_price": buy,
        "sell_price": 0.8 * buy,
        "charge_value": random.uniform(0.0, 0.3, 24),
        "discharge_value": random.uniform(-0.2, 0.3, 24),
        "load_mw": random.uniform(0.1, 0.4, 24),
        "target_mw": random.uniform(-0.1, 0.6, 24),
        "charge_most_mw": random.uniform(0.1, 0.5, 24),
        "discharge_most_mw": random.uniform(0.1, 0.5, 24),
        "initial_mwh": 0.5 * storage.ratings.e_max_mwh,
    }
    final = 0.5 * storage.ratings.e_max_mwh
    model = build_near_model(storage, final)
    for name, value in signals.items():
        for data, number in zip(getattr(model, name).values(), np.ravel(value), strict=True):
            data.fix(float(number))
    SolverFactory("highs").solve(model)
    solution = LocalProblem(near_form(storage, final)).solve("region", **signals)
    assert solution.objective == pytest.approx(pyo.value(model.cost), rel=1e-5)


def signal_of(day: GreenDay, number: int, final: bool = False) -> CleannessSignal:
    """The terms of a day as an operator tells them."""
    region, nothing = day.region, np.zeros(24)
    told = (region.load_mw, region.buy_price_per_mwh, region.sell_price_per_mwh, region.green_price_per_mwh)
    terms = RegionTerms(region.name, *told, region.green_price_per_mwh, nothing, nothing, nothing, day.pull)
    return CleannessSignal(number, 0, (terms,), series(day.green_share), day.pricing, final)


def test_a_fleet_goes_on_from_its_plan_and_is_told_a_bound_at_the_end() -> None:
    day = pulled_day("nodal")
    unit = PlantStorage("a", day.region.name, day.ratings)
    start = fleet_start("plant", [unit], [day.initial_mwh], [0.3])
    fleet = Fleet([unit], start, ByShares(), 1.0)
    first = signal_of(day, 1)
    plan = fleet.answer(first, first.regions[0])
    assert fleet.n_search == 0 and plan.pulled_money > 0.0
    assert fleet.answer(first, first.regions[0]).counted_money == plan.counted_money
    assert day.pull is not None
    drawn = day.region.load_mw + plan.charge_mw - plan.discharge_mw
    near = replace(day, pull=Pull(series(0.9 * drawn + 0.1 * day.pull.target_mw), 150.0))
    second, last = signal_of(near, 2), signal_of(near, 3, final=True)
    moved = fleet.answer(second, second.regions[0])
    assert 0.0 < np.abs(moved.energy_mwh - plan.energy_mwh).max() < 0.5
    kept = fleet.look_at(last, last.regions[0])
    assert np.array_equal(kept.energy_mwh, moved.energy_mwh)
    figures = fleet.figures
    assert figures["cost_money"] + figures["pulled_money"] == pytest.approx(kept.counted_money)
    assert figures["bound_money"] <= kept.counted_money
    assert kept.counted_money - figures["bound_money"] <= 5e-4 * near.idle_money


def test_without_proof_the_same_plan_has_no_bound() -> None:
    day = pulled_day("nodal")
    unit = PlantStorage("a", day.region.name, day.ratings)
    start = fleet_start("plant", [unit], [day.initial_mwh], [0.3])
    kept = []
    for planner in (ByShares(), Unproven()):
        fleet = Fleet([unit], start, planner, 1.0)
        for told in (signal_of(day, 1), signal_of(day, 2, final=True)):
            plan = (fleet.look_at if told.final else fleet.answer)(told, told.regions[0])
        kept.append((plan.energy_mwh, fleet.figures))
    (proven, told_of_it), (alone, figures) = kept
    assert np.array_equal(proven, alone)
    assert figures["cost_money"] == told_of_it["cost_money"]
    assert np.isfinite(told_of_it["bound_money"]) and np.isnan(figures["bound_money"])


def test_a_planner_that_does_not_go_on_refuses_a_pull() -> None:
    day = pulled_day("nodal")
    unit = PlantStorage("a", day.region.name, day.ratings)
    fleet = Fleet([unit], fleet_start("plant", [unit], [day.initial_mwh], [0.3]), Greedy(), 1.0)
    told = signal_of(day, 1)
    with pytest.raises(SolveError, match="agent plant: its planner cannot plan under a pull"):
        fleet.answer(told, told.regions[0])


def test_a_pull_has_the_length_of_the_day() -> None:
    with pytest.raises(InputError, match="target_mw"):
        replace(pulled_day("nodal"), pull=Pull(series(np.zeros(3)), 1.0))
