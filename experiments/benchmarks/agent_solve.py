"""An agent's decision: the compiled problem against bare solvers and a Pyomo model rebuilt each time."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from highspy import HessianFormat, HighsHessian
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus
from scipy import sparse

from gridarium.agents.feeder import consumer_problem
from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.highs_solver import highs_model
from gridarium.agents.solving.quadratic_solver import new_piqp
from gridarium.agents.solving.standard_form import Numbers, StandardForm, compile_model
from gridarium.agents.storage import storage_problem
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.storage import StorageRatings

N_REPEATS = 15
BATCH = 20
DAY_H = 24.0
RATINGS = StorageRatings("storage", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5)

Signals = dict[str, Any]
Draw = Callable[[np.random.Generator], Signals]


class _Case(NamedTuple):
    """A problem as a Pyomo model, and the signals of its next solve."""

    name: str
    build: Callable[[], Any]
    signal_names: tuple[str, ...]
    draw: Draw


def bench_agent_solve() -> dict[str, float]:
    """Measure the decisions of a storage owner (LP) and of a consumer (QP, with and without battery).

    Returns
    -------
    dict of str to float
        For each of ``lp``, ``qp`` and ``qp_battery`` with 24 and 96 periods: ``_compiled_to_bare``, the time
        of `LocalProblem.solve` over that of the bare solver object (warm HiGHS, PIQP updated in place), and
        ``_pyomo_rebuild_to_compiled``, that of building and solving a Pyomo model over it; for the QPs
        ``_bare_highs_to_compiled``; ``_largest_difference`` of the objective to Pyomo's own HiGHS solve,
        relative, over the share ``_highs_answered`` in which HiGHS, whose QP solver is young, finds an
        answer at all; medians of interleaved batches, and ``_ms`` of each for information.
    """
    measured: dict[str, float] = {}
    for case in _cases():
        for metric, value in _measure(case).items():
            measured[f"{case.name}_{metric}"] = value
    return measured


def _cases() -> Iterator[_Case]:
    for n_period in (24, 96):
        period_h = DAY_H / n_period
        storage = storage_problem.StorageShape(RATINGS, n_period, period_h, wear_cost_per_mwh=5.0)
        yield _Case(
            f"lp_{n_period}",
            partial(storage_problem.build_storage_model, storage),
            storage_problem.SIGNALS,
            partial(_storage_signals, n_period),
        )
        for name, efficiency in (("qp", None), ("qp_battery", (0.95, 0.95))):
            consumer = consumer_problem.ConsumerShape(n_period, period_h, battery_efficiency=efficiency)
            yield _Case(
                f"{name}_{n_period}",
                partial(consumer_problem.build_consumer_model, consumer),
                consumer.signals,
                partial(_consumer_signals, consumer),
            )


def _storage_signals(n_period: int, random: np.random.Generator) -> Signals:
    hour = np.arange(n_period) * DAY_H / n_period
    price = 600.0 - 250.0 * np.cos(2.0 * np.pi * hour / 12.0) + random.uniform(-80.0, 80.0, n_period)
    return {"buy_price": price, "sell_price": 0.95 * price, "initial_mwh": 0.5}


def _consumer_signals(shape: consumer_problem.ConsumerShape, random: np.random.Generator) -> Signals:
    hour = np.arange(shape.n_period) * DAY_H / shape.n_period
    base = 0.7 - 0.3 * np.cos(2.0 * np.pi * (hour - 7.0) / DAY_H)
    price = 0.3 * np.cos(2.0 * np.pi * hour / 12.0) + random.uniform(-0.1, 0.1, shape.n_period)
    signals: Signals = {"wanted_shift": -price, "most_up": 0.2 * base, "most_down": 0.2 * base}
    if shape.battery_efficiency:
        signals |= {"headroom": 1.0 - base, "price": price, "battery_power": 0.2}
        signals |= {"least_energy_h": 0.04, "most_energy_h": 0.36, "first_energy_h": 0.2}
    return signals


def _measure(case: _Case) -> dict[str, float]:
    """Time batches of decisions, each batch on the same signals by all ways one after the other."""
    random = RandomStreams(1).stream(case.name)
    problem = LocalProblem(compile_model(case.build(), case.signal_names))
    bare = _bare_solvers(problem.form)
    seconds: dict[str, list[float]] = {name: [] for name in ("compiled", *bare, "pyomo_rebuild")}
    difference, answered = 0.0, 0
    for _ in range(N_REPEATS):
        batch = [case.draw(random) for _ in range(BATCH)]
        solutions = [problem.solve("bench", **signals) for signals in batch]
        numbers = [problem.form.at(solution.signals) for solution in solutions]
        seconds["compiled"].append(_mean_s(lambda signals: problem.solve("bench", **signals), batch))
        for name, solver in bare.items():
            seconds[name].append(_mean_s(solver.solve, numbers))
        started = time.perf_counter()
        reference = _rebuild(case, batch[0])
        seconds["pyomo_rebuild"].append(time.perf_counter() - started)
        answered += math.isfinite(reference)
        if math.isfinite(reference):
            difference = max(difference, abs(solutions[0].objective - reference) / (1.0 + abs(reference)))
    agreement = {"largest_difference": difference, "highs_answered": answered / N_REPEATS}
    return _summary(seconds) | agreement


def _bare_solvers(form: StandardForm) -> dict[str, _BareHighs | _BarePiqp]:
    if form.is_quadratic:
        return {"bare": _BarePiqp(form), "bare_highs": _BareHighs(form)}
    return {"bare": _BareHighs(form)}


def _summary(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Ratios to the compiled problem, medians of the repeats, and medians of the times."""
    compiled = seconds["compiled"]

    def ratio(times: list[float]) -> float:
        return statistics.median(other / own for other, own in zip(times, compiled, strict=True))

    summary = {"compiled_to_bare": 1.0 / ratio(seconds["bare"])}
    for name in ("bare_highs", "pyomo_rebuild"):
        if name in seconds:
            summary[f"{name}_to_compiled"] = ratio(seconds[name])
    return summary | {f"{name}_ms": 1e3 * statistics.median(times) for name, times in seconds.items()}


def _mean_s(solve: Callable[[Any], object], batch: list[Any]) -> float:
    """Mean time of one solve, all of the batch having been solved just before."""
    for given in batch:
        solve(given)
    started = time.perf_counter()
    for given in batch:
        solve(given)
    return (time.perf_counter() - started) / len(batch)


def _rebuild(case: _Case, signals: Signals) -> float:
    """Build the Pyomo model with these signals and solve it by Pyomo's HiGHS; nan without answer."""
    model = case.build()
    for name, value in signals.items():
        variable = getattr(model, name)
        for data, number in zip(variable.values(), np.ravel(value), strict=True):
            data.fix(float(number))
    results = SolverFactory("highs").solve(
        model, load_solutions=False, raise_exception_on_nonoptimal_result=False
    )
    solved = results.solution_status == SolutionStatus.optimal
    return float(results.incumbent_objective) if solved else math.nan


class _BareHighs:
    """A live HiGHS object fed with ready costs and nothing around it."""

    def __init__(self, form: StandardForm) -> None:
        self._highs = highs_model(form)
        self._columns = np.arange(len(form.cost), dtype=np.int32)
        self._rows = np.arange(len(form.row_names), dtype=np.int32)
        self._bounds: Numbers | None = None
        if form.is_quadratic:
            lower = sparse.tril(form.hessian).tocsc()
            hessian = HighsHessian()
            hessian.dim_, hessian.format_ = lower.shape[0], HessianFormat.kTriangular
            hessian.start_, hessian.index_, hessian.value_ = lower.indptr, lower.indices, lower.data
            self._highs.passHessian(hessian)

    def solve(self, numbers: Numbers) -> Any:
        """Change the costs, run, read; bounds go in once, they do not change between repeats."""
        highs = self._highs
        if self._bounds is None:
            self._bounds = numbers
            highs.changeColsBounds(len(self._columns), self._columns, numbers.lower, numbers.upper)
            highs.changeRowsBounds(len(self._rows), self._rows, numbers.row_lower, numbers.row_upper)
        highs.changeColsCost(len(self._columns), self._columns, numbers.cost)
        highs.run()
        return highs.getSolution().col_value


class _BarePiqp:
    """A live PIQP object fed with ready numbers and nothing around it."""

    def __init__(self, form: StandardForm) -> None:
        self._form, self._live = form, new_piqp()
        self._equal = form.row_lower == form.row_upper
        self._is_set_up = False

    def solve(self, numbers: Numbers) -> Any:
        """Update what may differ from one follower to the next, solve, read."""
        form, live, equal = self._form, self._live, self._equal
        b, h_u = numbers.row_upper[equal], numbers.row_upper[~equal]
        sides = {"c": numbers.cost, "b": b, "x_l": numbers.lower, "x_u": numbers.upper}
        if len(h_u):
            sides |= {"h_l": numbers.row_lower[~equal], "h_u": h_u}
        if self._is_set_up:
            live.update(**sides)
        else:
            inequalities = form.rows[~equal].tocsc() if len(h_u) else None
            live.setup(form.hessian, A=form.rows[equal].tocsc(), G=inequalities, **sides)
            self._is_set_up = True
        live.solve()
        return live.result.x
