"""What a reader must know before any number of a run: no rest, forged messages, units that failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from gridarium.experiments.names.formatting import number
from gridarium.experiments.results.result import Result

SETTLED = "converged"
OF_REST = ("convergence", "cycle size", "cycle regret")
"""Certificates of a negotiation's end; in a world of several grids after the name of the grid."""
_WHY = {"gate closed": "its gate closed", "round limit": "its limit of rounds was reached"}


class Finding(NamedTuple):
    """One thing that is to be known.

    Parameters
    ----------
    text : str
        One sentence; money in the run's currency.
    failed : bool
        Whether the run has failed by it.
    is_note : bool
        Whether nothing is wrong with it; otherwise it is a warning.
    """

    text: str
    failed: bool
    is_note: bool = False

    @property
    def grade(self) -> Literal["failed", "warning", "note"]:
        """How much it matters."""
        return "failed" if self.failed else "note" if self.is_note else "warning"


def has_negotiations(result: Result) -> bool:
    """Whether anybody in the run has led others by a price."""
    return "days" in result.tables


def findings(result: Result) -> list[Finding]:
    """Return what is to be said of failed cases, negotiations without rest, forged messages, failed units."""
    restless = _restless(result) if has_negotiations(result) else ()
    return [*_failed_cases(result), *restless, *_forged(result), *_failed_units(result)]


def _failed_cases(result: Result) -> Iterator[Finding]:
    """What ended cases before their end, and what of a run is missing."""
    for case, reason in result.failed.items():
        kept = "; the rest of it is below" if case in result.summary else ""
        yield Finding(f"case {case}: {reason}{kept}", failed=True)
    for name, reason in result.manifest.get("not_written", {}).items():
        yield Finding(f"table {name} is not written: {reason}", failed=True)
    for name, reason in result.manifest.get("not_drawn", {}).items():
        yield Finding(f"{name} is not drawn: {reason}", failed=True)


def _forged(result: Result) -> Iterator[Finding]:
    """Cases in which what nobody honest had sent was believed."""
    for case, metrics in result.summary.items():
        if acted := metrics.get("intrusions_acted", 0.0):
            text = f"{case}: {acted:,.0f} forged messages acted on links that are not secured"
            yield Finding(f"{text}; what fails of its plans is the damage", False)


def _failed_units(result: Result) -> Iterator[Finding]:
    """Outages of units of each case, and how soon others stood in for them."""
    outages = result.tables.get("failovers")
    if outages is None:
        return
    for case, rows in outages.groupby("case", sort=False):
        text = f"{case}: {len(rows)} outages of units"
        taken = rows.dropna(subset=["failover_s"])
        if len(taken):
            longest_s, polled_s = taken["failover_s"].max(), taken["polled_s"].max()
            text += f"; in {len(taken)} a standby delivered within {longest_s:.2f} s"
            text += f", where telemetry alone would have taken up to {polled_s:.1f} s"
        yield Finding(text, False, is_note=True)


def _restless(result: Result) -> Iterator[Finding]:
    days = result.table("days")
    failed = {(one.case, one.name) for one in result.certificates if one.hard and not one.passed}
    for row in days[days["ended"] != SETTLED].to_dict("records"):
        grid = f"{row['grid']}: " if row["grid"] else ""
        yield Finding(
            f"{row['case']}: {grid}{_told(row, result.currency_code)}",
            any((row["case"], f"{grid}{name}") in failed for name in OF_REST),
        )


def _told(row: dict[Any, Any], currency: str) -> str:
    """How the negotiation of a day ended, and how far from rest."""
    unit = f"{currency}/MWh"
    rounds = "1 round" if row["rounds"] == 1 else f"{row['rounds']:,} rounds"
    began = f"the negotiation of day {row['day'] + 1} did not come to rest: after {rounds}"
    if not np.isfinite(row.get("price_distance_per_mwh", np.nan)):
        # Who posts several kinds of prices measures them as shares of the largest of each kind.
        size = row["cycle_size"]
        why = (
            f"it went round among signals up to {size:.1%} apart" if np.isfinite(size) else _WHY[row["ended"]]
        )
        return f"{began} {why}"
    left = f"{number(row['price_distance_per_mwh'])} {unit} from the one that its answers call for"
    if row["ended"] == "cycle":
        size = number(row["cycle_size_per_mwh"])
        return f"{began} it went round among prices up to {size} {unit} apart; the best is announced, {left}"
    return f"{began} {_WHY[row['ended']]}, with a price {left}"
