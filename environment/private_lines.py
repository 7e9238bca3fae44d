"""Private lines between prosumers: length, capacity, losses and outages of each leased line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import GridariumError

_TOLERANCE = 1e-9
"""Rounding that a capacity forgives, relative."""

Position = tuple[float, float]


class LineError(GridariumError):
    """A private line that does not exist, or that is asked for more than it can carry."""


class LineFlow(NamedTuple):
    """Energy put on a line and energy that arrived, MWh; `open_share` of the time it was in service."""

    sent_mwh: float
    delivered_mwh: float
    open_share: float


class Line:
    """One direction of a private line.

    Parameters
    ----------
    seller, buyer : str
    distance_km : float
    capacity_mw : float
    loss : float
        Share of the energy sent that does not arrive.
    outages : list of (start_s, end_s)
        Disjoint; shared with the other direction.
    """

    __slots__ = ("_outages", "buyer", "capacity_mw", "distance_km", "loss", "seller")

    def __init__(
        self,
        seller: str,
        buyer: str,
        distance_km: float,
        capacity_mw: float,
        loss: float,
        outages: list[tuple[float, float]],
    ) -> None:
        self.seller, self.buyer = seller, buyer
        self.distance_km, self.capacity_mw, self.loss = distance_km, capacity_mw, loss
        self._outages = outages

    def is_open(self, t_s: float) -> bool:
        """Whether the line is in service at clock time `t_s`, s."""
        if not self._outages:
            return True
        return not any(start_s <= t_s < end_s for start_s, end_s in self._outages)

    def deliver(self, planned_mwh: float, start_s: float, end_s: float) -> LineFlow:
        """Send energy evenly over a time span; during an outage nothing is sent.

        Parameters
        ----------
        planned_mwh : float
            What the seller would put on the line without an outage.
        start_s, end_s : float
            Clock times, s.

        Raises
        ------
        LineError
            If the power is negative or above the capacity.
        """
        most_mwh = self.capacity_mw * (end_s - start_s) / HOUR_S
        if not 0.0 <= planned_mwh <= most_mwh * (1.0 + _TOLERANCE):
            raise LineError(
                f"line {self.seller} -> {self.buyer}, second {start_s:g}: energy sent must be in "
                f"[0, {most_mwh:.9g}] MWh, got {planned_mwh:.9g}"
            )
        share = 1.0
        if self._outages:
            out_s = sum(max(0.0, min(end_s, end) - max(start_s, start)) for start, end in self._outages)
            share -= out_s / (end_s - start_s)
        sent_mwh = share * planned_mwh
        return LineFlow(sent_mwh, sent_mwh * (1.0 - self.loss), share)


class PrivateLines:
    """Every line that prosumers can lease; public knowledge, like a map.

    - `between`: the line from one to another
    - `nearest`: who is close to whom
    - `place`: say that somebody is one of several at a place
    - `connect`: register a meter; `carry`: deliver over a line and read the buyer's meter
    - `add_outage`: take a line out of service for a while

    Parameters
    ----------
    distance_km : mapping
        Either of pairs of names to the length of their line, km (one order of the names is enough; what
        is missing has no line), or of names to positions, km, with a line between any two. A name may be
        that of a place where several are.
    capacity_mw : float
        Of each line.
    loss_per_km : float
        Share of the energy sent that is lost on each km.
    within_km : float
        Length of a line between two at the same place, km.

    Raises
    ------
    LineError
        If a number is out of its range.

    Notes
    -----
    Loss grows linearly with length, as it does in a first order of conductor resistance at a given
    voltage; a line whose loss would reach 1 cannot be used.
    """

    def __init__(
        self,
        distance_km: Mapping[tuple[str, str], float] | Mapping[str, Position],
        capacity_mw: float = math.inf,
        loss_per_km: float = 0.0,
        within_km: float = 0.0,
    ) -> None:
        if not 0.0 <= within_km < math.inf:
            raise LineError(f"private lines: within_km must be in [0, inf) km, got {within_km}")
        if not capacity_mw > 0.0:
            raise LineError(f"private lines: capacity_mw must be in (0, inf] MW, got {capacity_mw}")
        if not 0.0 <= loss_per_km < math.inf:
            raise LineError(f"private lines: loss_per_km must be in [0, inf) 1/km, got {loss_per_km}")
        self.capacity_mw, self.loss_per_km, self.within_km = capacity_mw, loss_per_km, within_km
        self._places: dict[str, str] = {}
        self._positions: dict[str, Position] = {}
        self._lengths: dict[tuple[str, str], float] = {}
        for key, value in distance_km.items():
            if isinstance(key, str):
                self._positions[key] = value  # type: ignore[assignment]
            else:
                self._add_length(key, float(value))  # type: ignore[arg-type]
        self._lines: dict[tuple[str, str], Line] = {}
        self._outages: dict[frozenset[str], list[tuple[float, float]]] = {}
        self._meters: dict[str, Callable[[str, LineFlow], None]] = {}

    def between(self, seller: str, buyer: str) -> Line | None:
        """The line from a seller to a buyer; None where there is none that could deliver anything."""
        line = self._lines.get((seller, buyer))
        if line is None:
            length_km = self.distance_km(seller, buyer)
            loss = self.loss_per_km * length_km if length_km < math.inf else 1.0
            if seller == buyer or loss >= 1.0:
                return None
            outages = self._outages.setdefault(frozenset((seller, buyer)), [])
            line = Line(seller, buyer, length_km, self.capacity_mw, loss, outages)
            self._lines[seller, buyer] = line
        return line

    def distance_km(self, one: str, other: str) -> float:
        """Length of the line between two prosumers, km; inf where there is none."""
        if one in self._positions and other in self._positions:
            return math.dist(self._positions[one], self._positions[other])
        here, there = self._places.get(one, one), self._places.get(other, other)
        if here == there and one != other:
            return self.within_km
        return self._lengths.get((here, there), math.inf)

    def place(self, name: str, place: str) -> None:
        """Say that somebody is at a place that lengths are given for; others may be there, too."""
        self._places[name] = place

    def nearest(self, names: Sequence[str], among: Sequence[str], count: int) -> list[list[str]]:
        """For each name the nearest of others, nearest first; itself and those without a line left out.

        Those at the same distance are counted in a circle that starts further on for each further name, so
        that not everybody is near the same few.
        """
        if not names or not among:
            return [[] for _ in names]
        if self._positions:
            return self._nearest_in_plane(names, among, count)
        found = []
        for start, name in enumerate(names):
            others = ((number - start) % len(among) for number in range(len(among)))
            lengths = sorted(
                (self.distance_km(name, other), turn, other)
                for turn, other in zip(others, among, strict=True)
                if other != name
            )
            found.append([other for length, _, other in lengths[:count] if length < math.inf])
        return found

    def connect(self, name: str, meter: Callable[[str, LineFlow], None]) -> None:
        """Have `meter(seller, flow)` called for whatever arrives for a buyer."""
        self._meters[name] = meter

    def carry(self, line: Line, planned_mwh: float, start_s: float, end_s: float) -> LineFlow:
        """Deliver over a line and let the buyer's meter read it."""
        flow = line.deliver(planned_mwh, start_s, end_s)
        meter = self._meters.get(line.buyer)
        if meter is not None:
            meter(line.seller, flow)
        return flow

    def add_outage(self, one: str, other: str, start_s: float, end_s: float) -> None:
        """Take both directions of a line out of service in [start_s, end_s), clock times in s.

        Raises
        ------
        LineError
            If the outage does not end after it starts.
        """
        if not start_s < end_s:
            raise LineError(f"line {one} - {other}: outage must end in ({start_s:g}, inf] s, got {end_s:g} s")
        outages = self._outages.setdefault(frozenset((one, other)), [])
        merged: list[tuple[float, float]] = []
        for start, end in sorted([*outages, (start_s, end_s)]):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        outages[:] = merged

    def _add_length(self, pair: tuple[str, str], length_km: float) -> None:
        one, other = pair
        if not 0.0 <= length_km < math.inf:
            raise LineError(f"line {one} - {other}: length must be in [0, inf) km, got {length_km}")
        self._lengths[one, other] = self._lengths[other, one] = length_km

    def _nearest_in_plane(self, names: Sequence[str], among: Sequence[str], count: int) -> list[list[str]]:
        from scipy.spatial import cKDTree

        tree = cKDTree(np.array([self._positions[name] for name in among]))
        # One more than wanted, as a prosumer among the others is nearest to itself.
        wanted = min(count + 1, len(among))
        _, found = tree.query(np.array([self._positions[name] for name in names]), k=[*range(1, wanted + 1)])
        places: list[list[int]] = np.asarray(found).tolist()
        return [
            [among[place] for place in row if among[place] != name][:count]
            for name, row in zip(names, places, strict=True)
        ]
