"""Which figures a run of model C gets, with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gridarium.experiments.adcef.figures import (
    dispatch_figure,
    load_figure,
    price_figure,
    residual_figure,
    storage_figure,
    sweep_figure,
)
from gridarium.experiments.evidence.grid_evidence import rows_of
from gridarium.experiments.feeder_map import feeder_map
from gridarium.experiments.field_paths import swept_parameter
from gridarium.experiments.formatting import label
from gridarium.experiments.leader_figures import leader_figure
from gridarium.experiments.records import Drawing
from gridarium.experiments.results import Result

_PLAIN = "best-response"


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield every figure that the tables of a run allow, one after the other."""
    tables = {name: table for name, table in result.tables.items() if not table.empty}
    currency = result.currency_code
    signals, loads = rows_of(tables, "signals", "dso"), rows_of(tables, "loads", "consumer")
    storages = rows_of(tables, "storages", "storage")
    if swept := swept_parameter(result.scenario, result.summary):
        name, values = label(swept[0], currency), swept[1]
        figure = sweep_figure(name, values, result.summary, currency)
        yield Drawing("sweep", f"Results against {name}.", figure)
    if len(signals):
        caption = (
            "Prices, their carbon part and carbon emission factors. Shaded: the time-of-use price and the "
            "factor of the upstream grid."
        )
        yield Drawing("prices", caption, price_figure(signals, currency))
    if len(loads):
        caption = "Load of all consumers after their response, and its change. Shaded: before the response."
        yield Drawing("load", caption, load_figure(loads))
    if "dispatch" in tables:
        caption = (
            "Dispatch. Supply is stacked, charging and export are below zero, hatched on top is renewable "
            "power that was not used; supply above the demand covers charging, export and losses."
        )
        yield Drawing("dispatch", caption, dispatch_figure(tables["dispatch"]))
    if len(storages):
        caption = "Energy in all storage units and the virtual carbon pool, at the end of each period."
        yield Drawing("storage", caption, storage_figure(storages))
    if "rounds" in tables:
        caption = "Largest change of prices and loads between rounds of the negotiation."
        yield Drawing("residuals", caption, residual_figure(tables["rounds"], currency))
    if "rounds" in tables and _searches(result.scenario, result.summary):
        profits = _profits(tables["rounds"])
        if profits["profit_money"].notna().any():
            caption = (
                "Profit that the leader counts on with each posted price; mere probes have none. Lines: "
                "the highest so far; the price of the last round is announced."
            )
            yield Drawing("leader", caption, leader_figure(profits, "case", currency))
    if {"buses", "branches"} <= tables.keys():
        for case in result.summary:
            caption = f"Feeder, case {case}: load-weighted carbon intensity and lowest voltage of the day."
            yield Drawing(f"feeder-{case}", caption, feeder_map(tables["buses"], tables["branches"], case))


def _searches(scenario: Mapping[str, Any], cases: Mapping[str, object]) -> bool:
    """Whether a leader of these cases searches for its price."""
    own = scenario.get("cases", {})
    leaders = [own.get(case, {}).get("leader") or scenario.get("leader") or {} for case in cases]
    return any(leader.get("kind", _PLAIN) != _PLAIN for leader in leaders)


def _profits(rounds: pd.DataFrame) -> pd.DataFrame:
    """Profits by round for `leader_figure`."""
    if "profit_money" not in rounds:
        return rounds.assign(profit_money=float("nan"))
    by_case = rounds["case"]
    highest = rounds.groupby(by_case, sort=False)["profit_money"].cummax()
    return rounds.assign(best_so_far_money=highest.groupby(by_case, sort=False).ffill())
