"""Everything that happened at an instant of a run, by lane: messages, trades by the minute, incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridarium.experiments.figures.stacked_world import kinds_by_agent, scopes
from gridarium.experiments.names.message_types import message_types

HOUR_S, MINUTE_S, SECOND_S = 3600.0, 60.0, 1.0
TRADES, INCIDENTS = "trades", "incidents"
"""Lanes beside those of who sends messages."""
_OTHER = "other"
_ROUNDING = 1e-6
_DISTINCT = 1000
"""Instants that a window of time is divided into to tell how much happens at different times in it."""


class Window(NamedTuple):
    """A stretch of time, s from the beginning of the first period."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s

    def of(self, events: pd.DataFrame) -> pd.DataFrame:
        """Events within it."""
        times = events["time_s"]
        return events[(times >= self.start_s) & (times < self.end_s)]

    def instants(self, events: pd.DataFrame) -> int:
        """At how many different instants something happens in it."""
        steps = (self.of(events)["time_s"] - self.start_s) / self.length_s * _DISTINCT
        return int(np.floor(steps).nunique())


def events_of(tables: Mapping[str, pd.DataFrame], grids: Iterable[str]) -> pd.DataFrame:
    """Every event of one case: time_s, arrival_s, lane, what, sender, recipient, topic.

    Times are in s from the beginning of the first period. Lanes are grids; kinds of agents on one alone.
    """
    sent, begins_s = tables["messages"], float(tables["traffic"]["delivery_s"].iloc[0])
    families = {name: kind.__module__.rpartition(".")[2] for name, kind in message_types().items()}
    if any(grids):
        lanes = scopes(sent["sender"])
    else:
        kinds = kinds_by_agent(tables)
        lanes = [kinds["", name] for name in sent["sender"].astype(str)]
    messages = pd.DataFrame(
        {
            "time_s": sent["sent_s"].to_numpy(dtype=float) - begins_s,
            "arrival_s": sent["delivered_s"].to_numpy(dtype=float) - begins_s,
            "lane": lanes,
            "what": [families.get(topic, _OTHER).replace("_", " ") for topic in sent["topic"]],
            "sender": sent["sender"].astype(str).to_numpy(),
            "recipient": sent["recipient"].astype(str).to_numpy(),
            "topic": sent["topic"].astype(str).to_numpy(),
        }
    )
    return pd.concat([messages, *_trades(tables), *_incidents(tables)], ignore_index=True)


def _trades(tables: Mapping[str, pd.DataFrame]) -> Iterable[pd.DataFrame]:
    """Energy that changes hands by the minute."""
    trades = tables.get("trades")
    if trades is None or not (trades["product"] == "p2p").any():
        return
    rows = trades[trades["product"] == "p2p"]
    first = pd.to_datetime(tables["dispatch"]["time"]).min()
    times = (pd.to_datetime(rows["time"]) - first).dt.total_seconds().to_numpy()
    yield pd.DataFrame({"time_s": times, "lane": TRADES, "what": TRADES, "topic": "p2p"})


def _incidents(tables: Mapping[str, pd.DataFrame]) -> Iterable[pd.DataFrame]:
    """Units that fail or open their breakers, standbys that deliver, and units that are back."""
    failovers = tables.get("failovers")
    if failovers is None:
        return
    for column, topic in (("failed_s", ""), ("active_s", "standby delivers"), ("back_s", "back")):
        rows = failovers.dropna(subset=[column])
        said = [topic or f"{one.unit}: {one.cause}" for one in rows.itertuples()]
        yield pd.DataFrame(
            {
                "time_s": rows[column].to_numpy(dtype=float),
                "lane": INCIDENTS,
                "what": INCIDENTS,
                "topic": said,
            }
        )


def windows_of(events: pd.DataFrame, horizon_s: float) -> list[Window]:
    """The time of delivery, in it an hour, in that a minute and a second, as far as anything differs in them.

    They are where a unit fails and a standby takes over, if any does, or else where most happens at different
    instants.
    """
    found = [Window(0.0, horizon_s)]
    taken = events[(events["what"] == INCIDENTS) & (events["topic"] == "standby delivers")]["time_s"]
    for length_s in (HOUR_S, MINUTE_S, SECOND_S):
        last = found[-1]
        if len(taken):
            chosen = _around(float(taken.iloc[0]), length_s)
        else:
            inside = last.of(events)
            if inside.empty:
                break
            starts = np.unique(np.floor(inside["time_s"] / length_s) * length_s)
            chosen = max(
                (Window(start, start + length_s) for start in starts), key=lambda one: one.instants(inside)
            )
        if chosen.instants(events) < 2 or chosen.length_s >= last.length_s:
            break
        found.append(chosen)
    return found


def _around(time_s: float, length_s: float) -> Window:
    """A window around an instant: an hour of the calendar, and what begins a part of itself before it."""
    part = {MINUTE_S: 15.0, SECOND_S: 0.1}.get(length_s, length_s)
    lead_s = {MINUTE_S: 15.0, SECOND_S: 0.6}.get(length_s, 0.0)
    start = float(np.floor((time_s - lead_s) / part + _ROUNDING) * part)
    return Window(start, start + length_s)
