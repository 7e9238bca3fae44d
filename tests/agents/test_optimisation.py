"""Local problems: the solver that fits, signals checked, failures named by agent, period and family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import compile_model
from gridarium.agents.storage.storage_problem import SIGNALS, StorageShape, build_storage_model
from gridarium.environment.errors import InfeasibleError, SolveError, SolverLimitError, UnboundedError
from gridarium.environment.storage import StorageRatings

RATINGS = StorageRatings("pool", 1.0, 2.0, 0.0, 1.0, 0.5, 0.9, 0.9, 1.0)


def storage(n_period: int = 4, period_h: float = 1.0, wear_cost_per_mwh: float = 0.0) -> LocalProblem:
    return LocalProblem.compile(
        build_storage_model(StorageShape(RATINGS, n_period, period_h, wear_cost_per_mwh)), SIGNALS
    )


def test_storage_buys_cheap_and_sells_dear_by_hand() -> None:
    price = np.array([100.0, 100.0, 1000.0, 100.0])
    solution = storage().solve("owner", buy_price=price, sell_price=price, initial_mwh=0.0)
    # Two hours fill 1.8 MWh; the dear hour takes 1 MW, which empties 1/0.9 MWh: 1/0.81 MWh are bought.
    assert solution["p_discharge_mw"] == pytest.approx([0.0, 0.0, 1.0, 0.0])
    assert solution["p_charge_mw"].sum() == pytest.approx(1.0 / 0.81)
    assert solution.objective == pytest.approx(100.0 / 0.81 - 1000.0)


def test_storage_stands_still_where_the_spread_does_not_pay_its_losses() -> None:
    price = np.array([81.5, 100.0, 81.5, 100.0])
    solution = storage().solve("owner", buy_price=price, sell_price=price, initial_mwh=1.0)
    assert solution.objective == pytest.approx(0.0, abs=1e-9)
    price[::2] = 80.0
    assert storage().solve("owner", buy_price=price, sell_price=price, initial_mwh=1.0).objective < -1.0


def test_wear_narrows_the_spread_and_short_periods_carry_less_energy() -> None:
    price = np.array([100.0, 1000.0, 100.0, 100.0])
    signals = {"buy_price": price, "sell_price": price, "initial_mwh": 0.0}
    assert storage(wear_cost_per_mwh=900.0).solve("owner", **signals).objective == pytest.approx(
        0.0, abs=1e-9
    )
    # One quarter of an hour stores 0.225 MWh, of which 0.2025 MWh come out again.
    quarter = storage(period_h=0.25).solve("owner", **signals)
    assert quarter["energy_mwh"][0] == pytest.approx(0.225)
    assert quarter.objective == pytest.approx(25.0 - 202.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"initial_mwh": None}, "agent owner: signals must be .*initial_mwh"),
        ({"weather": 1.0}, "agent owner: signals must be"),
        ({"buy_price": np.zeros(3)}, r"signal buy_price must have shape \(4,\), got \(3,\)"),
        ({"buy_price": 1.0}, r"signal buy_price must have shape \(4,\), got \(\)"),
        ({"sell_price": np.zeros((2, 2))}, r"signal sell_price must have shape \(4,\), got \(2, 2\)"),
        ({"sell_price": np.array([0.0, np.nan, 0.0, 0.0])}, r"finite, these are not: \['sell_price'\]"),
        ({"initial_mwh": np.inf}, r"finite, these are not: \['initial_mwh'\]"),
    ],
)
def test_wrong_signals_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    signals = {"buy_price": np.ones(4), "sell_price": np.ones(4), "initial_mwh": 0.0} | change
    with pytest.raises(SolveError, match=message):
        storage().solve("owner", **{name: value for name, value in signals.items() if value is not None})


def test_infeasible_names_agent_period_and_family_and_the_problem_lives_on() -> None:
    problem = storage()
    flat = {"buy_price": np.ones(4), "sell_price": np.ones(4)}
    with pytest.raises(InfeasibleError, match=r"agent owner: infeasible: .*period 3.*state of charge"):
        problem.solve("owner", **flat, initial_mwh=5.0)
    assert problem.solve("owner", **flat, initial_mwh=1.0)["energy_mwh"][-1] == pytest.approx(1.0)


def unbounded_model(quadratic: bool) -> Any:
    m = pyo.ConcreteModel()
    m.slope = pyo.Var()
    m.x, m.y = pyo.Var(), pyo.Var(bounds=(0, 1))
    m.row = pyo.Constraint(expr=m.x + m.y >= 0)
    m.cost = pyo.Objective(expr=m.slope * m.x + (m.y**2 if quadratic else m.y))
    return m


@pytest.mark.parametrize("quadratic", [False, True])
def test_unbounded_names_the_agent_and_the_problem_lives_on(quadratic: bool) -> None:
    problem = LocalProblem.compile(unbounded_model(quadratic), ["slope"])
    with pytest.raises(UnboundedError, match="agent follower: the objective improves without limit"):
        problem.solve("follower", slope=-1.0)
    # With the slope turned round the optimum is x = -y, y as large as it pays.
    assert problem.solve("follower", slope=1.0).objective == pytest.approx(
        -0.25 if quadratic else 0.0, abs=1e-7
    )


def knapsack() -> LocalProblem:
    m = pyo.ConcreteModel()
    m.item = pyo.RangeSet(0, 3)
    m.value, m.room = pyo.Var(m.item), pyo.Var()
    m.take = pyo.Var(m.item, domain=pyo.Binary)
    size = [3.0, 4.0, 5.0, 6.0]
    m.fits = pyo.Constraint(expr=sum(size[i] * m.take[i] for i in m.item) <= m.room)
    m.gain = pyo.Objective(expr=sum(m.value[i] * m.take[i] for i in m.item), sense=pyo.maximize)
    return LocalProblem.compile(m, ["value", "room"])


def test_whole_numbers_are_searched() -> None:
    problem = knapsack()
    value = np.array([4.0, 5.0, 6.5, 8.0])
    assert problem.solve("packer", value=value, room=10.0)["take"] == pytest.approx([0, 1, 0, 1])
    assert problem.solve("packer", value=value, room=8.0)["take"] == pytest.approx([1, 0, 1, 0])
    assert problem.solve("packer", value=value, room=10.0)["take"] == pytest.approx([0, 1, 0, 1])


def test_binaries_beside_a_quadratic_cost_are_refused() -> None:
    m = pyo.ConcreteModel()
    m.n = pyo.Var(domain=pyo.Binary)
    m.cost = pyo.Objective(expr=(m.n - 0.3) ** 2)
    with pytest.raises(SolveError, match="binaries beside a quadratic cost"):
        LocalProblem.compile(m, [])


def test_a_disc_is_solved_to_its_rim() -> None:
    m = pyo.ConcreteModel()
    m.east, m.north = pyo.Var(), pyo.Var()
    m.x, m.y = pyo.Var(bounds=(-9, 9)), pyo.Var(bounds=(-9, 9))
    m.disc = pyo.Constraint(expr=m.x**2 + m.y**2 <= 4)
    m.cost = pyo.Objective(expr=-m.east * m.x - m.north * m.y)
    problem = LocalProblem.compile(m, ["east", "north"])
    for angle in np.linspace(0.0, 6.0, 7):
        solution = problem.solve("walker", east=np.cos(angle), north=np.sin(angle))
        assert float(solution["x"]) == pytest.approx(2.0 * np.cos(angle), abs=1e-5)
        assert float(solution["y"]) == pytest.approx(2.0 * np.sin(angle), abs=1e-5)


def switched(cost_of_on: float) -> LocalProblem:
    """A disc that opens only where a binary is on; the binary costs or couples."""
    m = pyo.ConcreteModel()
    m.price = pyo.Var()
    m.x, m.y = pyo.Var(bounds=(0, 3)), pyo.Var(bounds=(0, 3))
    m.on = pyo.Var(domain=pyo.Binary)
    m.disc = pyo.Constraint(expr=m.x**2 + m.y**2 <= 4)
    m.gate = pyo.Constraint(expr=m.x <= 3 * m.on)
    m.cost = pyo.Objective(expr=-m.price * m.x - 0.1 * m.y + cost_of_on * m.on)
    return LocalProblem.compile(m, ["price"])


def test_a_binary_that_costs_is_searched_on_tangent_cuts() -> None:
    problem = switched(cost_of_on=1.0)
    off, on = problem.solve("unit", price=0.3), problem.solve("unit", price=1.0)
    assert float(off["on"]) == pytest.approx(0.0, abs=1e-6) and off.objective == pytest.approx(-0.2, abs=1e-6)
    assert float(on["on"]) == pytest.approx(1.0)
    assert on.objective == pytest.approx(1.0 - 2.0 * np.hypot(1.0, 0.1), abs=1e-6)
    assert problem.searches == 1  # free of cost and off, the first one was whole already


def test_a_binary_that_is_free_is_completed_without_search() -> None:
    problem = switched(cost_of_on=0.0)
    solution = problem.solve("unit", price=1.0)
    assert float(solution["on"]) == 1.0 and problem.searches == 0


def pulled(weight: float | None, quadratic: bool = True) -> LocalProblem:
    """Two loads in a band that share 5 MW, near targets at a weight that is a number, or can change."""
    m = pyo.ConcreteModel(name="pulled")
    m.place = pyo.RangeSet(0, 1)
    m.price, m.target = pyo.Var(m.place), pyo.Var(m.place)
    m.x = pyo.Var(m.place, bounds=(0, 4))
    m.total = pyo.Constraint(expr=m.x[0] + m.x[1] == 5.0)
    m.own = pyo.Param(mutable=True, initialize=3.0)
    rho = m.own if weight is None else weight
    own = m.x[0] ** 2 if quadratic else m.x[0]
    apart = sum((m.x[i] - m.target[i]) ** 2 if quadratic else -m.x[i] for i in m.place)
    m.cost = pyo.Objective(expr=own + sum(m.price[i] * m.x[i] for i in m.place) + 0.5 * rho * apart)
    return LocalProblem(compile_model(m, ["price", "target"], "" if weight is not None else "own"))


def by_hand(weight: float, price: np.ndarray, target: np.ndarray) -> float:
    """x_0 from ``2 x_0 + p_0 - p_1 + rho (x_0 - z_0) = rho (5 - x_0 - z_1)``, within [1, 4]."""
    free = (price[1] - price[0] + weight * (target[0] + 5.0 - target[1])) / (2.0 + 2.0 * weight)
    return float(np.clip(free, 1.0, 4.0))


def test_other_weights_on_a_live_solver_are_fresh_problems_of_that_number() -> None:
    live, random = pulled(None), np.random.default_rng(4)
    for weight in (1.0, 0.01, 50.0, 50.0, 1e-6, 1e6, 2.5, 1.0):
        signals = {"price": random.uniform(-5.0, 5.0, 2), "target": random.uniform(0.0, 4.0, 2)}
        live.weigh(weight)
        fresh = pulled(weight)
        own, other = live.solve("test", **signals), fresh.solve("test", **signals)
        assert own["x"] == pytest.approx(other["x"], abs=1e-6)
        assert float(own["x"][0]) == pytest.approx(by_hand(weight, **signals), abs=1e-5)
        assert own.objective == pytest.approx(other.objective, rel=1e-8, abs=1e-6)
        for signal in signals:
            expected = fresh.sensitivity(other, signal)
            assert live.sensitivity(own, signal) == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_a_problem_with_a_weight_that_nobody_sets_has_that_of_1() -> None:
    signals = {"price": np.array([1.0, 2.0]), "target": np.array([3.0, 1.0])}
    assert float(pulled(None).solve("test", **signals)["x"][0]) == pytest.approx(
        by_hand(1.0, **signals), abs=1e-6
    )


def test_marginal_values_are_those_of_the_weight_that_was_solved_at() -> None:
    problem, signals = pulled(None), {"price": np.array([1.0, 2.0]), "target": np.array([3.0, 1.0])}
    problem.weigh(4.0)
    solution = problem.solve("test", **signals)
    problem.weigh(400.0)
    # d/dz of rho / 2 (x - z)^2.
    expected = -4.0 * (solution["x"] - signals["target"])
    assert problem.sensitivity(solution, "target") == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_a_weight_that_is_none_is_refused_and_the_one_before_stays(weight: float) -> None:
    problem, signals = pulled(None), {"price": np.array([1.0, 2.0]), "target": np.array([3.0, 1.0])}
    problem.weigh(7.0)
    with pytest.raises(SolveError, match=f"weight own must be above 0, got {weight}"):
        problem.weigh(weight)
    assert float(problem.solve("test", **signals)["x"][0]) == pytest.approx(by_hand(7.0, **signals), abs=1e-6)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (pulled(2.0), "weight of no name must be above 0, got 1.0"),
        (pulled(None, quadratic=False), "only the weight of a convex QP can change"),
        (storage(), "only the weight of a convex QP can change"),
    ],
)
def test_only_the_weight_of_a_convex_problem_that_has_one_can_change(
    problem: LocalProblem, message: str
) -> None:
    with pytest.raises(SolveError, match=message):
        problem.weigh(1.0 if "no name" in message else 2.0)


def test_a_solver_that_gives_up_is_told_in_words_and_with_the_input_to_look_at() -> None:
    """What a price of 1e21 money/MWh at no load led to: the status of a library was the message."""
    m = pyo.ConcreteModel(name="load shift")
    m.period = pyo.RangeSet(0, 2)
    m.wanted, m.most = pyo.Var(m.period), pyo.Var(m.period)
    m.shift = pyo.Var(m.period)
    m.up = pyo.Constraint(m.period, rule=lambda m, t: m.shift[t] <= m.most[t])
    m.down = pyo.Constraint(m.period, rule=lambda m, t: m.shift[t] >= -m.most[t])
    m.neutral = pyo.Constraint(expr=sum(m.shift[t] for t in m.period) == 0)
    m.cost = pyo.Objective(expr=sum((m.shift[t] - m.wanted[t]) ** 2 for t in m.period))
    problem = LocalProblem.compile(m, signals=["wanted", "most"])
    wanted, most = np.array([0.3, -1.5e21, 0.2]), np.array([0.1, 0.0, 0.1])
    with pytest.raises(SolverLimitError) as told:
        problem.solve("industrial", wanted=wanted, most=most)
    said = str(told.value)
    assert said.startswith('agent industrial: its problem "load shift": no answer was found within ')
    assert "of its inputs the largest is wanted, period 1: -1.5e+21" in said
    assert "PIQP" not in said
