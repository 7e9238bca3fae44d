"""Metrics of a case of several grids: those of each grid under its name, and what passed the heads."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

Tables = Mapping[str, pd.DataFrame]


def summarise(tables: Tables, period_h: float) -> dict[str, float]:
    """Metrics of the tables of one case, each named GRID.metric.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of a single case.
    period_h : float
        Length of a settlement period, h.
    """
    from gridarium.experiments.models import MODELS
    from gridarium.experiments.stacked.certificates import tables_of_grid

    metrics: dict[str, float] = {}
    for grid in tables["dispatch"]["grid"].unique():
        own = tables_of_grid(tables, str(grid))
        model = MODELS["adcef" if len(own.get("buses", ())) else "net-zero"]
        found = model.summarise(own, period_h)
        # The bus counts for all grids together.
        metrics |= {"messages": found.pop("messages")} if "messages" in found else {}
        metrics |= {f"{grid}.{name}": value for name, value in found.items()}
    heads = tables["heads"]
    for grid in heads["grid"].unique():
        head = heads[heads["grid"] == grid]
        metrics |= {f"{grid}.{name}": value for name, value in _head(head, period_h).items()}
    return metrics


def _head(head: pd.DataFrame, period_h: float) -> dict[str, float]:
    """Exchange of one grid at its head."""
    taken, carbon = head["p_metered_mw"], head["carbon_t_per_h"]
    told = (head["factor_told_tco2_per_mwh"] * taken).sum()
    return {
        "head_import_mwh": float(taken.clip(lower=0.0).sum()) * period_h,
        "head_export_mwh": float((-taken).clip(lower=0.0).sum()) * period_h,
        "head_carbon_tco2": float(carbon.sum()) * period_h,
        "head_carbon_told_tco2": float(told) * period_h,
    }
