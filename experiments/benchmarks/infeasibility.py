"""A second opinion on what a run calls infeasible: what was asked last, by another solver."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType, TracebackType

import numpy as np

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.errors import InfeasibleError, PowerFlowError, SolveError
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.experiments.benchmarks.conic_reference import least_violation, solve_conic
from gridarium.experiments.benchmarks.loadability import SURE, most_carried

GIVES_WAY = 1e-4
"""Least sum by which rows and bounds must give way to prove that nothing keeps them all."""


def confirmed(error: InfeasibleError | PowerFlowError) -> tuple[bool, str]:
    """Whether what an agent could not solve has no answer by Clarabel, either; and its word.

    Parameters
    ----------
    error : InfeasibleError or PowerFlowError
        As it was raised, with what it was raised from.
    """
    return _without_flow(error) if isinstance(error, PowerFlowError) else _without_decision(error)


def _without_decision(error: InfeasibleError) -> tuple[bool, str]:
    """Whether the problem that an agent could not solve has no decision.

    Clarabel takes integers as continuous: where the relaxation has an answer, it has no opinion. Costs are
    left out, so that only what must hold counts.
    """
    asked = next((found for frame in _frames(error) if (found := _problem(frame))), None)
    if asked is None:
        return False, "no problem of an agent was asked"
    form, numbers = asked
    free = numbers._replace(cost=np.zeros_like(numbers.cost))
    try:
        answer = solve_conic(form.without_cost(), free)
    except SolveError as stopped:
        return _refuted(form, free, stopped)
    integers = " without its integers" if form.integer.any() else ""
    return False, f"Clarabel finds a decision{integers}: {answer.status}"


def _refuted(form: StandardForm, numbers: Numbers, stopped: SolveError) -> tuple[bool, str]:
    """Whether a problem that Clarabel did not solve has no decision, be it by what must give way at least."""
    if "PrimalInfeasible" in str(stopped):
        return True, str(stopped)
    try:
        violation = least_violation(form, numbers)
    except SolveError as again:
        return False, str(again)
    return violation > GIVES_WAY, f"by Clarabel rows and bounds must give way by {violation:.3g} at least"


def _problem(frame: FrameType) -> tuple[StandardForm, Numbers] | None:
    """What a frame solves, if it is one that solves a problem of an agent."""
    problem, numbers = frame.f_locals.get("self"), frame.f_locals.get("numbers")
    if isinstance(problem, LocalProblem) and isinstance(numbers, Numbers):
        return problem.form, numbers
    return None


def _without_flow(error: PowerFlowError) -> tuple[bool, str]:
    """Whether some period of a power flow that was not solved has none, by a relaxation of it."""
    for frame in _frames(error):
        flow, injection_mva = frame.f_locals.get("self"), frame.f_locals.get("injection_mva")
        if not isinstance(flow, AcPowerFlow) or injection_mva is None:
            continue
        heads = frame.f_locals.get("head_vm_pu")
        try:
            for period, at_buses in enumerate(injection_mva):
                head = flow.feeder.slack_vm_pu if heads is None else float(heads[period])
                carried = most_carried(flow.feeder, at_buses, head)
                if carried < 1.0 - SURE:
                    return (
                        True,
                        f"by Clarabel at most {carried:.3g} times what period {period} asks is carried",
                    )
        except SolveError as stopped:
            return False, str(stopped)
        return False, "by Clarabel no period asks more than may be carried"
    return False, "no power flow was asked"


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Where an error has come from, the innermost frame first, those of its causes before."""
    if error.__cause__ is not None:
        yield from _frames(error.__cause__)
    yield from reversed(list(_in_order(error.__traceback__)))


def _in_order(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
