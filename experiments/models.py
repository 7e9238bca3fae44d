"""Which figures a run gets."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from gridarium.experiments.records import Drawing
    from gridarium.experiments.results import Result


def drawings_of(result: Result, tree: Mapping[str, Any]) -> Iterator[Drawing]:
    """Figures of a run, or of the part of it that belongs to one grid, whose resolved section is given."""
    package = "stacked" if "grids" in tree else "adcef" if tree.get("dso") else "net_zero"
    module = importlib.import_module(f"gridarium.experiments.{package}.drawings")
    return cast("Iterator[Drawing]", module.drawings(result))
