"""A leader under C7 behind a line whose losses bend: power flow in closed form, neighbours pay less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.tied_network import (
    NetworkState,
    hold_on_network,
    settle_on_network,
)
from gridarium.agents.leader.tied_optimum import tied_optimum
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedOutcome
from gridarium.agents.leader.tied_supply import NetworkTangent, TiedPlan
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.benchmarks.tied_instances import tied_instance

LOSS_PER_MW = 0.03
"""What is lost of a MW squared, 1/MW."""


class Line:
    """One bus behind a line that loses a share of the power squared; import may be limited."""

    def __init__(self, problem: TiedProblem, most_mw: float = np.inf) -> None:
        self._supply, self._most_mw = problem.supply, most_mw

    def flow(self, plan: TiedPlan, loads_mw: Array) -> NetworkState | None:
        load = loads_mw.sum(axis=0)
        units = plan.turbine_mw.sum(axis=0) + plan.renewable_mw.sum(axis=0)
        drawn = load - units - plan.discharge_mw.sum(axis=0) + plan.charge_mw.sum(axis=0)
        head = drawn + LOSS_PER_MW * drawn**2
        if drawn.max() > self._most_mw:
            return None
        slope = 2.0 * LOSS_PER_MW * drawn
        buy = np.maximum(head, 0.0)
        rates = np.array([unit.emission_tco2_per_mwh for unit in self._supply.turbines])
        emission = self._supply.grid_factor_tco2_per_mwh * buy + rates @ plan.turbine_mw
        carried = replace(plan, load_mw=load, buy_mw=buy, emission_t_per_h=emission)

        def fed(number: int) -> Array:
            return np.tile(-slope, (number, 1))

        losses = NetworkTangent(np.zeros_like(load), slope, *(fed(len(part)) for part in _units(plan)))
        return NetworkState(carried, replace(losses, constant=carried.surplus_mw - losses.moved(carried)))

    carry = flow


def _units(plan: TiedPlan) -> tuple[Array, Array, Array]:
    return plan.turbine_mw, plan.renewable_mw, plan.charge_mw


def one_bus(seed: int) -> tuple[TiedProblem, TiedOutcome]:
    problem = tied_instance(seed, 3)
    return problem, tied_optimum(problem, np.random.default_rng(0), 3, exact=False).best


def test_a_plan_that_has_settled_keeps_the_law_of_the_line_and_its_neighbours_pay_less() -> None:
    problem, start = one_bus(5)
    line = Line(problem)
    settled = settle_on_network(problem, start, line)
    plan, found = settled.outcome.plan, settled.problem
    drawn = plan.load_mw - sum(part.sum(axis=0) for part in (plan.turbine_mw, plan.renewable_mw))
    drawn = drawn - (plan.discharge_mw - plan.charge_mw).sum(axis=0)
    assert plan.buy_mw - plan.sell_mw == pytest.approx(drawn + LOSS_PER_MW * drawn**2, abs=1e-5)
    assert problem.tie_error_per_mwh(plan) <= 1e-4
    assert max(found.broken(plan).values()) <= 1e-5
    assert np.abs(drawn).max() > 0.5
    random = np.random.default_rng(1)
    gain, compared = problem.supply.storages[0].efficiencies, 0
    for _ in range(20):
        # Inside, energy moves from one period to another.
        stored = gain[0] * plan.charge_mw - plan.discharge_mw / gain[1]
        moved = stored + random.uniform(0.002, 0.1) * np.roll([1.0, -1.0, 0.0], random.integers(3))
        charge, discharge = np.maximum(moved, 0.0) / gain[0], np.maximum(-moved, 0.0) * gain[1]
        most = problem.supply.storages[0].p_max_mw
        if max(charge.max(), discharge.max()) > most:
            continue
        other = replace(plan, charge_mw=charge, discharge_mw=discharge)
        try:
            held = hold_on_network(found, replace(settled.outcome, plan=other), line)
        except InfeasibleError:
            continue
        if max(held.problem.broken(held.outcome.plan).values()) <= 1e-5:
            assert held.outcome.profit_money <= settled.outcome.profit_money + 0.05
            compared += 1
    assert compared >= 8


@pytest.mark.parametrize(("seed", "gain"), [(0, 0.0), (4, 2.0)])
def test_settling_is_never_below_holding_what_one_bus_would_do(seed: int, gain: float) -> None:
    problem, start = one_bus(seed)
    line = Line(problem)
    held, settled = (bring(problem, start, line) for bring in (hold_on_network, settle_on_network))
    assert settled.outcome.profit_money >= held.outcome.profit_money + gain


def test_loads_that_nothing_supplies_are_refused() -> None:
    problem, start = one_bus(1)
    with pytest.raises(InfeasibleError, match="cannot be supplied"):
        settle_on_network(problem, start, Line(problem, most_mw=0.1))
