"""Green energy in storages, and its certificates, as a run folder has them: checked without asking agents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.ledger_tables import records_of
from gridarium.environment.records import Record
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check, Outcome
from gridarium.experiments.verification.run_tables import resolved, sections
from gridarium.market.certificate_book import KIND, double_counting, unfounded

_ROUNDING_MWH = 1e-6


def green_energy(run: Result) -> Iterator[Check]:
    """Green energy in storages, and certificates of what has left them, of each case that has any."""
    for case in run.summary:
        for subject, check in (("green certificates", certificates), ("green labels", labels)):
            try:
                outcome = check(run, case)
            except (KeyError, TypeError, ValueError, StopIteration) as error:
                outcome = False, f"cannot be read ({type(error).__name__}: {error})"
            if outcome is not None:
                yield Check(case, subject, *outcome)


def certificates(run: Result, case: str) -> Outcome | None:
    """Certificates of a case against each other and against what has left storages; None without either."""
    storages, table = _labelled(run, case), run.tables.get("records", pd.DataFrame({"case": []}))
    records = [one for one in _records(table[table["case"] == case]) if one.what.startswith(KIND)]
    if storages.empty and not records:
        return None
    if found := [*double_counting(records), *unfounded(records, _left_mwh(storages))]:
        return False, found[0].what
    issued, cancelled = (
        [one.discharge_mwh for one in records if one.what.endswith(verb)] for verb in ("issued", "cancelled")
    )
    return True, (
        f"{len(issued):,} over {sum(issued):.6g} MWh, each for green energy that has left a storage; "
        f"{sum(cancelled):.6g} MWh are cancelled, none twice"
    )


def _records(table: pd.DataFrame) -> list[Record]:
    return records_of(table) if len(table) else []


def _labelled(run: Result, case: str) -> pd.DataFrame:
    """Rows of storages with a label."""
    table = run.tables.get("storages", pd.DataFrame())
    if "green_mwh" not in table:
        return pd.DataFrame()
    return table[(table["case"] == case) & table["green_mwh"].notna()]


def _left_mwh(storages: pd.DataFrame) -> Mapping[tuple[str, int], float]:
    if storages.empty:
        return {}
    columns = storages[["grid", "agent", "period", "green_out_mwh"]]
    return {
        (f"{grid}/{agent}" if grid else str(agent), int(period)): float(green)
        for grid, agent, period, green in columns.itertuples(index=False)
    }


def labels(run: Result, case: str) -> Outcome | None:
    """Green energy in each storage of a case against what came and left; None where nothing is labelled."""
    storages, tree = _labelled(run, case), resolved(run, case)
    if storages.empty:
        return None
    hours, found = float(tree["period_h"]), list[tuple[float, str]]()
    for (grid, agent), rows in storages.groupby(["grid", "agent"], sort=False):
        own = sections(tree, str(grid))
        unit, share = own["storages"][str(agent)], _initial_share(own, str(agent))
        wrong, period = _fault(rows.sort_values("period", kind="stable"), unit, share, hours)
        found.append((wrong, f"storage {agent}, period {period}"))
    worst, place = max(found)
    if worst > _ROUNDING_MWH:
        return False, f"{place}: green energy is off by {worst:.6g} MWh from what came in and left"
    return True, f"{len(found):,} storages, green energy follows from what came in and left"


def _initial_share(section: Mapping[str, Any], owner: str) -> float:
    """Green share that the plant of an owner begins with."""
    plants = section["vpps"].values()
    own = next(one for one in plants if one["owners"] is None or owner in one["owners"])
    return float(own["initial_green_share"])


def _fault(
    rows: pd.DataFrame, unit: Mapping[str, Any], initial_share: float, hours: float
) -> tuple[float, int]:
    """By how much green energy is out of balance or out of its range, at worst, and in which period."""
    green, energy, came, left, charge, discharge = (
        np.asarray(rows[name].to_numpy(dtype=float))
        for name in (
            "green_mwh", "e_mwh", "green_in_mwh", "green_out_mwh", "p_charge_mw", "p_discharge_mw",
        )
    )  # fmt: skip
    first = initial_share * unit["soc_initial"] * unit["e_max_mwh"]
    moved = unit["efficiency_charge"] * came - left / unit["efficiency_discharge"]
    off: list[Array] = [
        np.abs(np.diff(green, prepend=first) - moved),
        came - hours * charge, -came,
        left - hours * discharge, -left,
        green - energy, -green,
    ]  # fmt: skip
    worst = np.max(off, axis=0)
    at = int(worst.argmax())
    return float(worst[at]), int(rows["period"].iloc[at])
