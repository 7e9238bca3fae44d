"""Certificates of what devices report: each status that was told, against the tables of what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gridarium.environment.clock import day_length
from gridarium.environment.links import Envelope
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.edge import EDGE
from gridarium.experiments.parts.incidents import INCIDENTS
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.status import (
    FlexibleStatus,
    LoadStatus,
    RenewableStatus,
    StorageStatus,
    UnitStatus,
)

_SAME = 1e-6
_BEFORE: Mapping[type, tuple[str, Mapping[str, str]]] = {
    UnitStatus: (
        "units",
        {
            name: name
            for name in (
                "on", "net_mw", "gross_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h", "tank_tco2"
            )
        },
    ),
    FlexibleStatus: ("loads", {"drawn_mw": "p_metered_mw"}),
    StorageStatus: (
        "storages", {"charge_mw": "p_charge_mw", "discharge_mw": "p_discharge_mw", "e_mwh": "e_mwh"}
    ),
    RenewableStatus: ("dispatch", {"delivered_mw": "p_supply_mw"}),
}  # fmt: skip
"""By kind of status: the table of what the period before brought, and its column for each field."""

_LOADS = ("load", "flexible_load")
_REPORTS = (UnitStatus, FlexibleStatus, StorageStatus, RenewableStatus, LoadStatus)


def reports(known: GridEvidence) -> Iterator[Reading]:
    """Whether answers to what is the state were true; nothing where none was given or kept."""
    asked_in_time = [one for one, _ in known.world.bus.words if _is_report(known, one)]
    if not asked_in_time or _moves_within(known):
        return
    own = _Rows(known)
    off = [own.off(one) for one in asked_in_time]
    judged = [one for one in off if not np.isnan(one)]
    if judged:
        yield Reading(
            "reports told", max(judged), _SAME, "", True,
            "largest difference of what a plant, a load or a storage told of the period before, of what it "
            "holds or of the period to come, and what its meters show; MW, MWh or tCO2",
            f"{len(judged):,} reports",
        )  # fmt: skip


def _is_report(known: GridEvidence, one: Envelope) -> bool:
    """Whether it was said right before the period that it is about, by somebody of this grid."""
    told, world = one.payload, known.world
    if not one.answers or not isinstance(told, _REPORTS):
        return False
    begins_s = world.delivery_s + told.period * world.clock.period_s
    in_time = begins_s - world.clock.period_s <= one.sent_s <= begins_s
    return in_time and any(agent.name == one.sender for agent in known.agents)


def _moves_within(known: GridEvidence) -> bool:
    """Whether something may happen within a period, of which tables tell the mean alone."""
    return bool(INCIDENTS.of(known.scenario)) or EDGE.of(known.scenario) is not None


_Columns = Mapping[str, Mapping[int, float]]
"""Numbers by column and period."""


class _Rows:
    """Rows of the tables of a grid by agent and period."""

    def __init__(self, known: GridEvidence) -> None:
        self._known = known
        self._by_agent: dict[tuple[str, str], _Columns] = {}

    def _of(self, table: str, agent: str) -> _Columns:
        key = table, agent
        if key not in self._by_agent:
            rows = self._known.tables.get(table)
            own = pd.DataFrame() if rows is None else rows[rows["agent"] == agent]
            if table == "loads" and len(own):
                # What regions tell is what they plan, which they may come to change.
                own = own[own["kind"].isin(_LOADS)]
            self._by_agent[key] = {
                str(name): dict(zip(own["period"], own[name].astype(float), strict=True))
                for name in own.columns
                if own[name].dtype.kind in "fb"
            }
        return self._by_agent[key]

    def off(self, one: Envelope) -> float:
        """Largest difference of what was told; nan where tables say nothing of it."""
        told, agent = one.payload, self._known.grid.local(one.sender)
        if isinstance(told, LoadStatus):
            return self._off_load(told, self._of("loads", agent))
        table, columns = _BEFORE[type(told)]
        rows, before = self._of(table, agent), told.period - 1
        off = [
            abs(float(getattr(told, name)) - rows[column][before])
            for name, column in columns.items()
            if before in rows.get(column, ())
        ]
        if isinstance(told, FlexibleStatus) and rows:
            off.append(self._off_owed(told, rows))
        if isinstance(told, RenewableStatus) and told.period in rows.get("p_available_mw", ()):
            off.append(abs(float(told.available_mw[0]) - rows["p_available_mw"][told.period]))
        return max(off, default=np.nan)

    def _off_load(self, told: LoadStatus, rows: _Columns) -> float:
        """A load that does not respond: what it draws next, and what it foresees of the rest of the day."""
        if not rows or told.period not in rows["p_metered_mw"]:
            return np.nan
        ahead = range(told.period, told.period + len(told.load_mw))
        due = [rows["p_metered_mw" if period == told.period else "p_base_mw"][period] for period in ahead]
        return float(np.abs(told.load_mw - due).max())

    def _off_owed(self, told: FlexibleStatus, rows: _Columns) -> float:
        """E5: what it was kept from since its day began."""
        world = self._known.world
        first = told.period - told.period % day_length(world.n_period, world.clock.period_s)
        since = range(first, told.period)
        kept = sum(rows["p_base_mw"][period] - rows["p_metered_mw"][period] for period in since)
        return abs(told.owed_mwh - kept * world.period_h)
