"""Certificates of what a system operator expected and ordered: its forecasts and commands, word for word."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.prosumers.p2p_desk import P2pDesk
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.system_planner import AdoptedPlan
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period
from gridarium.experiments.parts.operator import OPERATOR
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.commands import Command, LoadCommand, StorageCommand, UnitSetpoint
from gridarium.market.messages.status import LoadStatus, RenewableStatus

_SAME_MW = 1e-6
_WEIGHT = 0.2
"""Of the last quarter metered in what an operator expects the pool to trade."""


def outlooks(known: GridEvidence) -> Iterator[Reading]:
    """What plans were made for, and what was ordered by them; nothing without a record of plans."""
    section, table = OPERATOR.of(known.scenario), known.tables.get("quarters")
    operators = [one for one in known.of(SystemOperator) if one.adopted]
    if section is None or table is None or not operators:
        return
    (operator,) = operators
    bus = known.world.bus
    if bus.lost or bus.refused or table["silent"].any() or not bus.intrusions().empty:
        # Who has not been heard, or not rightly, is reckoned with as well as can be.
        return
    own = _Outlook(known, operator)
    # Plans from the begin of a day on may be those of the day before.
    begun = operator.adopted if operator.members.below else operator.adopted[1:]
    off = [own.off_mw(one) for one in begun if one.plan.first or not (one.day or operator.members.below)]
    if off:
        yield Reading(
            "outlooks of the operator", max(off), _SAME_MW, "MW", True,
            "largest difference in any quarter of load, wind and trade of the pool that a plan for the rest "
            "of a day was made for, and what was last reported and nominated, or was nominated a day ago; of "
            "trade that nobody has told, the smoothed share of what was possible (E18, E26)",
            f"{len(off)} plans",
        )  # fmt: skip
    ordered = list(_ordered(known, operator))
    if ordered:
        yield Reading(
            "orders as planned", max(ordered), _SAME_MW, "MW", True,
            "largest difference of what units, loads and storage were told for the rest of a day, and what "
            "the plan of that moment gives them",
            f"{len(ordered):,} orders",
        )  # fmt: skip


class _Outlook:
    """What could be known right before each quarter."""

    def __init__(self, known: GridEvidence, operator: SystemOperator) -> None:
        world = known.world
        self._n, self._hours, self._per_day = world.n_period, world.period_h, operator.day_length
        told = known.tables.get("prosumers")
        names = ("surplus_told_mwh", "deficit_told_mwh", "drawn_mwh")
        self._surplus, self._deficit, self._drawn = (
            np.zeros(self._n) if told is None else by_period(told, name, self._n) / self._hours
            for name in names
        )
        self._offers = {
            period: offer.expected_mw for desk in known.of(P2pDesk) for period, offer in desk.offers.items()
        }
        self._reports: dict[tuple[type, int], dict[str, Array]] = {}
        asked = {*operator.members.drawn, *operator.members.wind_farms}
        for one, outcome in world.bus.words:
            if one.recipient == operator.name and one.sender in asked and outcome == "delivered":
                told_now = one.payload
                if isinstance(told_now, LoadStatus | RenewableStatus):
                    rest = told_now.load_mw if isinstance(told_now, LoadStatus) else told_now.available_mw
                    self._reports.setdefault((type(told_now), told_now.period), {})[one.sender] = rest

    def off_mw(self, adopted: AdoptedPlan) -> float:
        """Of a plan that was made right before its first quarter."""
        first = adopted.plan.first
        now = adopted.day * self._per_day + first
        deficit, surplus = (self._ahead(series, now) for series in (self._deficit, self._surplus))
        possible = np.minimum(deficit, surplus)
        pool = self._share(now) * possible
        if now in self._offers:
            pool[0] = min(self._offers[now], possible[0])
        apart = (
            adopted.forecast.load_mw[first:] - self._reported(LoadStatus, now) - deficit,
            adopted.forecast.wind_mw[first:] - self._reported(RenewableStatus, now),
            adopted.forecast.pool_mw[first:] - pool,
        )
        return float(max(np.abs(one).max() for one in apart))

    def _reported(self, kind: type, now: int) -> Array:
        rest = self._per_day - now % self._per_day
        return np.asarray(sum(self._reports.get((kind, now), {}).values(), np.zeros(rest)))

    def _ahead(self, series: Array, now: int) -> Array:
        """Nominated for now; later as a day ago, or as now on the first day."""
        found = np.full(self._per_day - now % self._per_day, series[now])
        if now >= self._per_day:
            a_day_ago = now - self._per_day
            found[1:] = series[a_day_ago + 1 : a_day_ago + len(found)]
        return found

    def _share(self, now: int) -> float:
        """Smoothed over the quarters that are metered, of which the last one still runs."""
        share = 0.0
        for period in range(now - 1):
            possible = min(self._deficit[period], self._surplus[period])
            if possible > 0.0:
                traded = max(0.0, self._deficit[period] - self._drawn[period])
                share += _WEIGHT * (min(1.0, traded / possible) - share)
        return share


def _ordered(known: GridEvidence, operator: SystemOperator) -> Iterator[float]:
    """How far each order is from the plan for its moment that is nearest to it."""
    system = operator.system
    columns = {one.name: at for at, one in enumerate(system.units)}
    columns |= {one.name: at for at, one in enumerate(system.loads)}
    for one, _ in known.world.bus.words:
        told = one.payload
        if one.sender == operator.name and isinstance(told, UnitSetpoint | LoadCommand | StorageCommand):
            day, first = divmod(told.period, operator.day_length)
            plans = [each.plan for each in operator.adopted if (each.day, each.plan.first) == (day, first)]
            yield min(
                (_off_plan(told, plan, columns.get(one.recipient), first) for plan in plans), default=np.inf
            )


def _off_plan(told: Command, plan: object, column: int | None, first: int) -> float:
    names = {
        UnitSetpoint: ("net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h"),
        LoadCommand: ("load_mw",),
        StorageCommand: ("charge_mw", "discharge_mw"),
    }
    of_kind = next(found for kind, found in names.items() if isinstance(told, kind))
    worst = 0.0
    for name in of_kind:
        planned = getattr(plan, "flexible_mw" if name == "load_mw" else name)[first:]
        due = planned if column is None else planned[:, column]
        worst = max(worst, float(np.abs(getattr(told, name) - due).max()))
    return worst
