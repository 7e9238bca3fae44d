"""Draws one to four mutations of a small shipped scenario, each within what the schema allows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from gridarium.environment.parameters import OneOf, ParameterRange, YesOrNo, allowed_values
from gridarium.environment.profiles import Profiles, read_profiles
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.mutation_fields import (
    Allowed,
    Behaviours,
    Fresh,
    MutableField,
    Null,
    Number,
    mutable_fields,
)
from gridarium.experiments.benchmarks.outcome_file import print_of
from gridarium.experiments.checking.grid_tree import entries_of
from gridarium.experiments.names.registry import entries, load
from gridarium.experiments.reading.field_paths import Keys, replaced
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.scenario import check_case, load_scenario
from gridarium.experiments.schema.scenario import Scenario

if TYPE_CHECKING:
    from numpy.random import Generator


class Base(NamedTuple):
    """A shipped scenario, for how many hours it is run, and how often it is drawn, as a weight."""

    scenario: str
    horizon_h: int
    weight: float


BASES = (
    Base("adcef-small", 2, 0.57),
    Base("green-vpp-small", 1, 0.33),
    Base("ries-small", 1, 0.07),
    Base("ties-feeders-small", 1, 0.02),
    Base("one-world-small", 1, 0.01),
)
"""Small scenarios for hours from any of a day on; those that are cheap are drawn more often."""
MOST_MUTATIONS = 4
EDGE_SHARE = 0.2
"""Of numbers that are drawn: those at an end of their range."""
FACTOR = 4.0
"""Most that other numbers are above or below what is shipped, times."""
MOST_TIMES_THE_SHIPPED = 10
"""Whole numbers are sizes: up to ten, or ten times what is shipped, the scenario stays small."""
ROWS_SHARE = 0.15
"""Of mutations: those of rows of the profiles."""
MOST_ROWS = 6
ONLY_UPWARDS = frozenset({"round_limit", "patience", "opens_h_before"})
"""What ends a negotiation sooner: less of it is no other value but less effort, whatever comes of that."""
PRICE_FACTOR = (-1.0, 5.0)
MOST_TRIES = 40
_DAY_H = 24
_EXPERIMENTS = Path(__file__).parents[1]
_INSIDE = 1e-6
"""How far from a bound that is itself excluded."""


@dataclass(frozen=True)
class MutationDraw:
    """What was drawn.

    Parameters
    ----------
    seed : int
    scenario, case : str
    mutations : tuple of str
        ``path=value``, or the rows of a profile with their factor.
    refused : tuple of str
        What `validate` says of draws before these, which do not go with each other or the rest.
    """

    seed: int
    scenario: str
    case: str
    mutations: tuple[str, ...]
    refused: tuple[str, ...] = ()

    def told(self) -> str:
        """All of it in one line."""
        return f"seed {self.seed}, {self.scenario}, case {self.case}: {'; '.join(self.mutations)}"


@cache
def base_trees(bases: tuple[Base, ...]) -> dict[str, dict[str, Tree]]:
    """Every case of some bases with all defaults, by scenario and case."""
    return {
        base.scenario: {
            name: case.model_dump(mode="json")
            for name, case in load_scenario(base.scenario, [f"horizon_h={base.horizon_h}"]).cases.items()
        }
        for base in bases
    }


def bases_print(bases: tuple[Base, ...]) -> str:
    """A hash of what is mutated, the same wherever the package stands."""
    trees = json.dumps({"trees": base_trees(bases), "bases": bases}, default=str, sort_keys=True)
    return print_of({"bases": trees.replace(str(_EXPERIMENTS), "")})


def draw_mutations(seed: int, folder: Path, bases: tuple[Base, ...] = BASES) -> tuple[MutationDraw, Tree]:
    """Draw the mutations of a seed: a field or rows at a time, each anew until `validate` takes it.

    Parameters
    ----------
    seed : int
    folder : Path
        Where profiles with other rows are written.
    bases : tuple of Base
        Of which one is mutated.

    Returns
    -------
    MutationDraw
    dict
        The case, with every default.
    """
    random = RandomStreams(seed).stream("mutations")
    weights = np.array([base.weight for base in bases])
    base = bases[int(random.choice(len(bases), p=weights / weights.sum()))]
    cases = base_trees(bases)[base.scenario]
    name = str(random.choice(list(cases)))
    told: list[str] = []
    refused: list[str] = []
    tree = _begun_later(random, cases[name], base, folder)
    count, case = int(random.integers(1, MOST_MUTATIONS + 1)), check_case(tree)[0]
    assert case is not None
    fields = mutable_fields(case, tree)
    for number in range(MOST_TRIES):
        if len(told) == count:
            break
        if random.random() < ROWS_SHARE:
            mutation, mutated = _mutated_rows(random, case, tree, folder / f"profiles-{number}.csv")
        else:
            mutation, mutated = _mutated_field(random, fields, tree)
        if mutated == tree:
            continue
        new, found = check_case(mutated)
        if new is None:
            refused.append(f"{mutation}: {found[0]}")
        else:
            case, tree, fields = new, mutated, mutable_fields(new, mutated)
            told.append(mutation)
    return MutationDraw(seed, base.scenario, name, tuple(told), tuple(refused)), tree


def _begun_later(random: Generator, tree: Tree, base: Base, folder: Path) -> Tree:
    """The case with profiles from another hour of the day on, if it is run for a part of a day."""
    if base.horizon_h >= _DAY_H:
        return tree
    case, hour = check_case(tree)[0], int(random.integers(_DAY_H))
    assert case is not None
    for name, entry in entries_of(case).items():
        profiles = read_profiles(profile_path(entry.scenario.profiles))
        rows = -round(hour / profiles.period_h)
        path = folder / f"profiles-{name}-from-{hour}.csv"
        _write(path, {key: np.roll(one, rows) for key, one in profiles.columns.items()}, profiles, case.start)
        tree = replaced(tree, _profiles_of(name), str(path))
    return tree


def _profiles_of(grid: str) -> Keys:
    return ("grids", grid, "profiles") if grid else ("profiles",)


def _mutated_field(random: Generator, fields: Sequence[MutableField], tree: Tree) -> tuple[str, Tree]:
    field = fields[int(random.integers(len(fields)))]
    value = _drawn(random, field)
    return f"{'.'.join(field.keys)}={value}", replaced(tree, field.keys, value)


def _drawn(random: Generator, field: MutableField) -> Any:
    allowed = field.allowed[int(random.integers(len(field.allowed)))]
    if isinstance(allowed, Number):
        return _number(random, allowed, field.value, field.keys[-1] in ONLY_UPWARDS)
    return _word(random, allowed, field.value)


def _word(random: Generator, allowed: Allowed, value: object) -> Any:
    """What is no number; another one than what stands there, where there is another."""
    match allowed:
        case YesOrNo():
            return not value
        case OneOf(words):
            return str(random.choice([word for word in words if word != value] or list(words)))
        case Behaviours():
            return [_behaviour(random)]
        case Fresh():
            return {}
        case Null():
            return None
    raise AssertionError(allowed)


def _number(random: Generator, allowed: Number, value: object, only_upwards: bool = False) -> float:
    low, high = _ends(allowed, value)
    if only_upwards and isinstance(value, int | float):
        low = max(low, float(value))
    shipped = float(value) if isinstance(value, int | float) else 0.0
    if random.random() < EDGE_SHARE:
        drawn = low if random.random() < 0.5 else high
    elif shipped == 0.0 or (low >= 0.0 and high <= 1.0 and random.random() < 0.5):
        drawn = float(random.uniform(low, high) if high <= 1.0 else random.uniform(low, min(high, 100.0)))
    else:
        drawn = shipped * float(np.exp(random.uniform(-1.0, 1.0) * np.log(FACTOR)))
    drawn = min(max(drawn, low), high)
    return round(drawn) if allowed.is_whole else drawn


def _ends(allowed: Number, value: object) -> tuple[float, float]:
    """The least and the most that is drawn."""
    low = allowed.range.low + (_INSIDE if allowed.range.above_low else 0.0)
    high = allowed.range.high - (_INSIDE if allowed.range.below_high else 0.0)
    if not allowed.is_whole:
        return low, high
    shipped = value if isinstance(value, int) else 0
    most = max(MOST_TIMES_THE_SHIPPED, MOST_TIMES_THE_SHIPPED * shipped)
    return float(np.ceil(low)), min(np.floor(high), max(float(most), low))


def _behaviour(random: Generator) -> dict[str, dict[str, Any]]:
    """A shipped behaviour with its parameters; whether it is one for the agent, `validate` says."""
    name = str(random.choice(list(entries("behaviours"))))
    declared: Any = load("behaviours", name)
    params = {key: _parameter(random, one) for key, one in allowed_values(declared).items()}
    return {name: {key: value for key, value in params.items() if random.random() < 0.5}}


def _parameter(random: Generator, allowed: object) -> Any:
    if not isinstance(allowed, ParameterRange):
        assert isinstance(allowed, OneOf | YesOrNo)
        return _word(random, allowed, None)
    most = min(allowed.high, max(allowed.low, 100.0))
    drawn = float(random.choice([allowed.low, most, random.uniform(allowed.low, most)]))
    return round(drawn) if allowed.whole else drawn


def _mutated_rows(random: Generator, case: Scenario, tree: Tree, path: Path) -> tuple[str, Tree]:
    """Other values in some rows of a column that the case uses, among those that are run."""
    grids = {
        name: entry.scenario for name, entry in entries_of(case).items() if entry.scenario.profile_columns
    }
    name = str(random.choice(list(grids)))
    column = str(random.choice(grids[name].profile_columns))
    profiles = read_profiles(profile_path(grids[name].profiles))
    values = np.array(profiles.column(column))
    run = min(len(values), round(tree["horizon_h"] / profiles.period_h))
    first, count = int(random.integers(run)), int(random.choice([1, int(random.integers(1, MOST_ROWS)), run]))
    rows = slice(first, min(first + count, run)) if count < run else slice(0, run)
    factor = float(random.choice([0.0, random.uniform(0.0, 2.0), random.uniform(*PRICE_FACTOR)]))
    values[rows] *= factor
    _write(path, {**profiles.columns, column: values}, profiles, case.start)
    keys = _profiles_of(name)
    told = f"{'.'.join(keys)}: rows {rows.start + 1} to {rows.stop} of {column} times {factor:.6g}"
    return told, replaced(tree, keys, str(path))


def _write(path: Path, columns: Mapping[str, Any], shipped: Profiles, start: datetime | None) -> None:
    """Write profiles whose rows begin when the scenario does, as the dates of one's own file count."""
    begins, step = start or shipped.times[0], timedelta(hours=shipped.period_h)
    times = [(begins + row * step).isoformat() for row in range(len(shipped.times))]
    pd.DataFrame({"time": times, **columns}).to_csv(path, index=False)
