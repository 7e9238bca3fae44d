"""Which figures a run gets, with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gridarium.experiments.feeder_map import feeder_map
from gridarium.experiments.figures import (
    dispatch_figure,
    load_figure,
    price_figure,
    residual_figure,
    storage_figure,
    sweep_figure,
)
from gridarium.experiments.formatting import label
from gridarium.experiments.plain_yaml import Tree
from gridarium.experiments.results import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawing(NamedTuple):
    """A figure, the name of its file and its caption."""

    name: str
    caption: str
    figure: Figure


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield every figure that the tables of a run allow, one after the other."""
    tables = {name: table for name, table in result.tables.items() if not table.empty}
    if swept := swept_parameter(result.scenario, result.summary):
        name, values = swept
        yield Drawing(
            "sweep", f"Results against {label(name)}.", sweep_figure(label(name), values, result.summary)
        )
    if "signals" in tables:
        caption = (
            "Prices, their carbon part and carbon emission factors. Shaded: the time-of-use price and the "
            "factor of the upstream grid."
        )
        yield Drawing("prices", caption, price_figure(tables["signals"]))
    if "decisions" in tables:
        caption = "Load of all consumers after their response, and its change. Shaded: before the response."
        yield Drawing("load", caption, load_figure(tables["decisions"]))
    if "dispatch" in tables:
        caption = (
            "Dispatch. Supply is stacked, charging and export are below zero, hatched on top is renewable "
            "power that was not used; supply above the demand covers charging, export and losses."
        )
        yield Drawing("dispatch", caption, dispatch_figure(tables["dispatch"]))
    if {"dispatch", "carbon"} <= tables.keys():
        caption = "Energy in all storage units and the virtual carbon pool, at the end of each period."
        yield Drawing("storage", caption, storage_figure(tables["dispatch"], tables["carbon"]))
    if "rounds" in tables:
        caption = "Largest change of prices and loads between rounds of the negotiation."
        yield Drawing("residuals", caption, residual_figure(tables["rounds"]))
    if {"buses", "branches"} <= tables.keys():
        for case in result.summary:
            caption = f"Feeder, case {case}: load-weighted carbon intensity and lowest voltage of the day."
            yield Drawing(f"feeder-{case}", caption, feeder_map(tables["buses"], tables["branches"], case))


def swept_parameter(scenario: Tree, cases: Mapping[str, object]) -> tuple[str, dict[str, float]] | None:
    """Return the one numeric field in which the cases of a study differ, and its value in each case.

    Fields of one name that move together, such as the rigidity of every consumer class, count as one.

    Parameters
    ----------
    scenario : dict
        A resolved study: `cases` holds what the cases do not share.
    cases : collection of str
        The cases that were run.
    """
    values: dict[str, float] = {}
    names: set[str] = set()
    for case, own in scenario.get("cases", {}).items():
        found = {name: value for name, value in _leaves(own) if name not in ("title", "description")}
        numbers = {value for _, value in _leaves(own) if isinstance(value, int | float)}
        names |= found.keys()
        if len(names) != 1 or len(numbers) != 1 or isinstance(next(iter(found.values())), bool):
            return None
        if case in cases:
            values[case] = float(numbers.pop())
    return (names.pop(), values) if len(set(values.values())) > 1 else None


def _leaves(tree: Tree) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield name, value
