"""Why a problem is infeasible: how much power is missing, and the limits that would have to give way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gridarium.agents.solving.highs_solver import HOLDS, Elastic, HighsSolver
from gridarium.agents.solving.places import period_of, place_of
from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.arrays import Array, Flags

POWER_BALANCE = "power balance (MW)"
"""Family of every constraint that says that as much is supplied as is drawn."""
IMPORT_LIMIT, EXPORT_LIMIT = "import limit (MW)", "export limit (MW)"
"""Families of what may pass a head; a limit of 0 is one as well."""

_SHOWN = 3
_ROUNDS, _FEW_ROUNDS = 20, 3
_TOLERANCE = 1e-7
_SECOND = 1.01
"""Price of what gives way only where a limit at a head, or of a network, does not serve as well."""
_NETWORK = ("voltage", "current")
_FIRST = (IMPORT_LIMIT, EXPORT_LIMIT, *_NETWORK)
_SQUARED = "voltage_squared"
"""A decision that is never below 0; less is needed of it only where no flow carries what is asked."""
_STORED = ("stored energy", "state of charge", "tank")
"""Levels, of which 0 is a limit, and no mere sign."""


def explain(form: StandardForm, numbers: Numbers) -> str:
    """Say how much power an infeasible problem lacks, and what would have to give way, how far at least.

    First the limits that have a name of their own give way, which are those that a scenario states; where
    that is not enough all bounds of decisions; and rows only where these contradict each other.

    Parameters
    ----------
    form : StandardForm
        Its quadratic cost does not matter here.
    numbers : Numbers

    Returns
    -------
    str
        A sentence with the period in which most power is missing, where there is a balance of power; and the
        constraint family, its index (a period comes last, and is a number), the limit and the value that
        would be needed, of the largest three.
    """
    linear = form.without_cost()
    plain = numbers._replace(cost=linear.cost)
    solver = HighsSolver(linear, round_limit=_ROUNDS)
    for elastic in (_limits(form, numbers), _bounds(form, numbers), _everything(form)):
        x = solver.least_violation(plain, elastic)
        if x is not None:
            break
    found = [] if x is None else _outside(form, x, numbers)
    of_network = bool(found) and found[0].family.startswith(_NETWORK)
    # The cuts of the search for limits serve this one, too.
    missing = [] if of_network else _missing_power(form, solver, plain)
    if not found and not missing:
        return f"infeasible: no decision was found that keeps all of {', '.join(_limiting(form))} at once"
    shown = [item.text for item in found[:_SHOWN]]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return f"infeasible: {'; '.join([*missing, *shown, *more])}"


def _limiting(form: StandardForm) -> list[str]:
    """Families of balances and limits that a scenario states; all where there is none of these."""
    stated = [name for name in form.families.values() if name.startswith((POWER_BALANCE, *_FIRST))]
    return sorted(set(stated or form.families.values()))


def _limits(form: StandardForm, numbers: Numbers) -> Elastic:
    """Bounds and inequalities that are named as limits of their own."""
    families = _families(form, form.column_names)
    price = np.array([_price(family) for family in families])
    named = np.array([bool(family) for family in families])
    heads = np.array([family in (IMPORT_LIMIT, EXPORT_LIMIT) for family in families])
    levels = np.array([any(word in family for word in _STORED) for family in families])
    free = numbers.lower < numbers.upper
    of_rows = _families(form, form.row_names)
    inequal = numbers.row_lower < numbers.row_upper
    return Elastic(
        np.where(named & free & (levels | (numbers.lower != 0.0)), price, HOLDS),
        np.where(named & (free | heads), price, HOLDS),
        np.where(inequal & np.array([bool(name) for name in of_rows]), [*map(_price, of_rows)], HOLDS),
    )


def _bounds(form: StandardForm, numbers: Numbers) -> Elastic:
    """All bounds of decisions that leave room."""
    free = np.where(numbers.lower < numbers.upper, 1.0, HOLDS)
    return Elastic(free, free, np.full(len(form.row_names), HOLDS))


def _everything(form: StandardForm) -> Elastic:
    every, rows = np.ones(len(form.column_names)), np.ones(len(form.row_names))
    return Elastic(every, every, rows)


def _missing_power(form: StandardForm, solver: HighsSolver, numbers: Numbers) -> list[str]:
    """By how much supply and load differ at least in the period where they differ most, all limits kept."""
    balances = np.array([name == POWER_BALANCE for name in _families(form, form.row_names)])
    if not balances.any():
        return []
    n = len(form.column_names)
    elastic = Elastic(np.full(n, HOLDS), np.full(n, HOLDS), np.where(balances, 1.0, HOLDS))
    x = solver.least_violation(numbers, elastic, _FEW_ROUNDS)
    if x is None:
        return []
    gaps = (form.rows @ x - numbers.row_upper)[balances]
    periods = [period_of(form.row_names[row]) for row in np.flatnonzero(balances)]
    missing, surplus = dict.fromkeys(periods, 0.0), dict.fromkeys(periods, 0.0)
    for period, gap, side in zip(periods, gaps, _supply_side(form, balances), strict=True):
        missing[period] += abs(float(gap))
        surplus[period] += float(side * gap)
    worst = max(missing, key=lambda one: missing[one])
    if missing[worst] <= _TOLERANCE:
        return []
    what = "of load cannot be supplied" if surplus[worst] < 0.0 else "of supply cannot be taken up"
    words = what if surplus[worst] else "cannot be balanced"
    place = f"{worst}, " if worst else ""
    return [f"{place}power balance: {missing[worst]:.6g} MW {words}"]


def _supply_side(form: StandardForm, balances: Flags) -> Array:
    """1 where supply counts positive in a balance, -1 where load does; 0 where nothing tells.

    Imports are supply. What is in two balances flows: it leaves one and enters the other.
    """
    rows = form.rows[balances]
    imports = np.array([family == IMPORT_LIMIT for family in _families(form, form.column_names)])
    side = np.sign(np.asarray(rows[:, imports].sum(axis=1)).ravel())
    flows = rows[:, rows.getnnz(axis=0) == 2]
    while True:
        reached = np.where(side == 0.0, -np.sign(flows @ (flows.T @ side)), side)
        if np.array_equal(reached, side):
            return np.asarray(side)
        side = reached


def _families(form: StandardForm, names: tuple[str, ...]) -> list[str]:
    """Family that a model names for each decision or row; empty where it names none."""
    return [form.families.get(name.partition("[")[0], "") for name in names]


def _price(family: str) -> float:
    return 1.0 if family.startswith(_FIRST) else _SECOND


class _Outside(NamedTuple):
    """Something outside its limits: by how much, its family, and the sentence on it."""

    excess: float
    family: str
    text: str


def _outside(form: StandardForm, x: Array, numbers: Numbers) -> list[_Outside]:
    """Everything that lies outside its limits, the largest first."""
    found = [
        *_beyond(form, form.column_names, x, numbers.lower, numbers.upper),
        *_beyond(form, form.row_names, form.rows @ x, numbers.row_lower, numbers.row_upper),
    ]
    return sorted(found, key=lambda item: -item.excess)


def _beyond(
    form: StandardForm, names: tuple[str, ...], value: Array, lower: Array, upper: Array
) -> Iterator[_Outside]:
    families = _families(form, names)
    excess = np.maximum(lower - value, value - upper)
    for place in np.flatnonzero(excess > _TOLERANCE * (1.0 + np.abs(value))):
        side, limit = ("least", lower) if value[place] < lower[place] else ("most", upper)
        needed = f"needs {value[place]:.6g}"
        if names[place].startswith(_SQUARED) and value[place] < 0.0:
            needed = "and no voltage at all would do"
        sentence = f"must be at {side} {limit[place]:.6g}, {needed}"
        text = f"{place_of(form, names[place])} {sentence}"
        yield _Outside(float(excess[place]), families[place], text)
