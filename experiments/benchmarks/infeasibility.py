"""A second opinion on what a run calls infeasible: the problem that was asked last, by another solver."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

import numpy as np

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.errors import InfeasibleError, SolveError
from gridarium.experiments.benchmarks.conic_reference import solve_conic


def confirmed(error: InfeasibleError) -> tuple[bool, str]:
    """Whether the problem that an agent could not solve has no answer by Clarabel, either; and its word.

    Parameters
    ----------
    error : InfeasibleError
        As it was raised, with what it was raised from.

    Notes
    -----
    Clarabel takes integers as continuous: where the relaxation has an answer, it has no opinion. Costs are
    left out, so that only what must hold counts.
    """
    asked = next(_asked(error), None)
    if asked is None:
        return False, "no problem of an agent was asked"
    form, numbers = asked
    free = numbers._replace(cost=np.zeros_like(numbers.cost))
    try:
        answer = solve_conic(form.without_cost(), free)
    except SolveError as stopped:
        return "PrimalInfeasible" in str(stopped), str(stopped)
    integers = " without its integers" if form.integer.any() else ""
    return False, f"Clarabel finds a decision{integers}: {answer.status}"


def _asked(error: BaseException) -> Iterator[tuple[StandardForm, Numbers]]:
    """Problems whose solving an error has come from, the innermost first, those of its causes before."""
    if error.__cause__ is not None:
        yield from _asked(error.__cause__)
    yield from reversed(list(_in_frames(error.__traceback__)))


def _in_frames(trace: TracebackType | None) -> Iterator[tuple[StandardForm, Numbers]]:
    while trace is not None:
        own = trace.tb_frame.f_locals
        problem, numbers = own.get("self"), own.get("numbers")
        if isinstance(problem, LocalProblem) and isinstance(numbers, Numbers):
            yield problem.form, numbers
        trace = trace.tb_next
