"""Certificates of what a system operator saw, decided and counted in each quarter, by plans and meters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from gridarium.agents.prosumers.p2p_desk import P2pDesk
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.system_planner import AdoptedPlan
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.system.quarter_costs import costs_told_money, price_per_mwh
from gridarium.experiments.parts.operator import OPERATOR
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.results.records import Reading

_SAME_MW, _SAME_MONEY, _SAME_PRICE = 1e-5, 1e-5, 1e-5


def quarters(known: GridEvidence) -> Iterator[Reading]:
    """What was seen and decided, what it cost, and the price announced; nothing without a record of plans."""
    section, table = OPERATOR.of(known.scenario), known.tables.get("quarters")
    operators = [one for one in known.of(SystemOperator) if one.adopted]
    if section is None or table is None or not operators:
        return
    (operator,) = operators
    bus = known.world.bus
    exact = not (section.behaviour or bus.lost or bus.refused or table["silent"].any())
    book = _Quarters(known, operator)
    yield Reading(
        "quarters seen", max(book.off_seen_mw(), book.off_deviation_mw()), _SAME_MW, "MW", exact,
        "largest difference of load, wind and deviation that an operator saw in a quarter, or of the load "
        "that it first planned for, and what meters, nominations, forecasts and plans in force say (E18)",
    )  # fmt: skip
    yield Reading(
        "quarters decided", max(book.off_left_mw(), book.off_called_mw(), book.off_wind_mw()), _SAME_MW, "MW",
        exact,
        "largest difference of what was left of a deviation, what the pool was called for and brought, and "
        "what wind farms were to deliver, and what the plan in force leaves them; 1 for a plan that was made "
        "anew though the deviation was small, or was not though it was large",
    )  # fmt: skip
    yield Reading(
        "quarters counted", costs_told_money(known, operator), _SAME_MONEY, "money", exact,
        "largest difference of a part of the cost of a quarter, and the same by meters and prices of the "
        "scenario (E14, E20 to E26)",
    )  # fmt: skip
    off = max(
        abs(price_per_mwh(known, plan, place) - float(told))
        for plan, place, told in zip(book.after, book.places, table["price_per_mwh"], strict=True)
    )
    yield Reading(
        "prices of quarters", off, _SAME_PRICE, "money/MWh", exact,
        "largest difference of a price announced, and the cost of a further MWh by the plan in force: of "
        "imports, or of units between their limits",
    )  # fmt: skip


class _Quarters:
    """Quarters with the plan that stood before each and the one after, from the tables of a grid."""

    def __init__(self, known: GridEvidence, operator: SystemOperator) -> None:
        self._known, self._operator = known, operator
        self._n, self._hours = known.world.n_period, known.world.period_h
        self._table = known.tables["quarters"].sort_values("period")
        self.places = [period % operator.day_length for period in range(self._n)]
        self._solved = [record.solver_rounds > 0 for record in operator.records]

    def _told(self, name: str) -> Array:
        return self._table[name].to_numpy(dtype=float)

    @cached_property
    def after(self) -> list[AdoptedPlan]:
        """The plan in force in each quarter."""
        return [self._made_by(period)[-1] for period in range(self._n)]

    @cached_property
    def _before(self) -> list[AdoptedPlan]:
        """The plan that stood when a quarter was looked at."""
        return [self._made_by(period)[-2 if self._solved[period] else -1] for period in range(self._n)]

    def _made_by(self, period: int) -> list[AdoptedPlan]:
        day, place = divmod(period, self._operator.day_length)
        return [one for one in self._operator.adopted if one.day == day and one.plan.first <= place]

    def _of(self, plans: list[AdoptedPlan], name: str) -> Array:
        """A series of plans, each in its quarter, shape (n_period,)."""
        return np.array(
            [float(np.sum(getattr(one.plan, name)[at])) for one, at in zip(plans, self.places, strict=True)]
        )

    def _expected(self, name: str) -> Array:
        """What the plans that stood had expected of their quarters."""
        return np.array(
            [
                float(getattr(one.forecast, name)[at])
                for one, at in zip(self._before, self.places, strict=True)
            ]
        )

    def _sum(self, table: str, kind: str, column: str) -> Array:
        rows = rows_of(self._known.tables, table, kind)
        return by_period(rows, column, self._n) if len(rows) else np.zeros(self._n)

    def off_seen_mw(self) -> float:
        """Load with nominated deficits, and wind; where grids hang on this one, the wind alone."""
        wind = self._sum("dispatch", "renewable", "p_available_mw") - self._told("available_wind_mw")
        if self._operator.members.below:
            return float(np.abs(wind).max())
        own = self._known.tables.get("prosumers")
        nominated = 0.0 if own is None else by_period(own, "deficit_told_mwh", self._n) / self._hours
        load = self._sum("loads", "load", "p_metered_mw") + nominated - self._told("load_mw")
        first = self._operator.adopted[0].forecast.load_mw
        # Before the first day nobody has nominated anything.
        ahead = self._sum("loads", "load", "p_base_mw")[: len(first)] - first
        return float(max(np.abs(wind).max(), np.abs(load).max(), np.abs(ahead).max()))

    @cached_property
    def _others_mw(self) -> Array:
        """Surplus beside wind: less load than planned, and what units gave beyond the plan before."""
        surplus = self._expected("load_mw") - self._told("load_mw")
        beyond = self._sum("units", "thermal", "net_mw") - self._of(self.after, "net_mw")
        return np.asarray(surplus + np.append(0.0, beyond[:-1]))

    def off_deviation_mw(self) -> float:
        """Of the true deviation, and of that by which it was decided."""
        own = self._told("available_wind_mw") - self._expected("wind_mw") + self._others_mw
        return float(max(np.abs(self._told(name) - own).max() for name in ("deviation_mw", "perceived_mw")))

    @cached_property
    def _needed_mw(self) -> Array:
        """What wind, pool and market have to yield."""
        plan, solved = self.after, np.array(self._solved)
        planned = self._of(plan, "wind_mw") + self._of(plan, "pool_mw") + self._of(plan, "market_mw")
        others = np.where(solved, 0.0, self._others_mw)
        return np.asarray(planned - self._of(plan, "spill_mw") - others)

    def off_left_mw(self) -> float:
        """Of what is left, and of whether a plan was made."""
        section = OPERATOR.of(self._known.scenario)
        assert section is not None
        due = np.abs(self._told("perceived_mw")) > section.trigger_mw
        wrong = float((due != (self._told("fired") > 0.5)).any())
        return max(
            wrong,
            float(np.abs(self._told("left_mw") - self._told("available_wind_mw") + self._needed_mw).max()),
        )

    def off_called_mw(self) -> float:
        """Of the call, by the plan or by what wind leaves of what the desk expects, and what came of it."""
        called, solved = -self._told("called_mw"), np.array(self._solved)
        if not self._operator.members.desk:
            return float(np.abs(called).max())
        lacks = np.maximum(self._needed_mw - self._told("available_wind_mw"), 0.0)
        due = np.where(solved, self._of(self.after, "pool_mw"), np.minimum(self._offered_mw(), lacks))
        beyond = np.abs(called - due)
        own = self._known.tables["prosumers"]
        drawn, nominated = (
            by_period(own, name, self._n) / self._hours for name in ("drawn_mwh", "deficit_told_mwh")
        )
        brought = np.abs(self._told("delivered_mw") - drawn + nominated)
        return float(max(beyond.max(), brought.max(), self._off_short(called)))

    def _offered_mw(self) -> Array:
        """What the desk expected to trade in each quarter, as far as surpluses and deficits go."""
        (desk,) = self._known.of(P2pDesk)
        told = [desk.offers.get(period) for period in range(self._n)]
        return np.array(
            [0.0 if one is None else min(one.expected_mw, one.surplus_mw, one.deficit_mw) for one in told]
        )

    def _off_short(self, called: Array) -> float:
        """Of what imports cost in place of what the pool did not bring, in MW at the price."""
        market, head = REAL_TIME.of(self._known.scenario), self._sum("dispatch", "head", "p_supply_mw")
        short = np.minimum(np.maximum(called + np.minimum(self._told("delivered_mw"), 0.0), 0.0), head)
        told = self._told("pool_short_money") / (market.price_per_mwh * self._hours)
        return float(np.abs(told - short).max())

    def off_wind_mw(self) -> float:
        """What farms delivered, and what the plan in force, the call and the wind make of them."""
        wind, solved = self._told("available_wind_mw"), np.array(self._solved)
        planned = self._of(self.after, "wind_mw")
        traded = np.maximum(-self._told("called_mw"), 0.0)
        wanted = np.minimum(np.maximum(self._needed_mw - traded, 0.0), wind)
        due = np.where(solved, planned, wanted)
        if not self._operator.members.desk:
            # Who cannot be called trades needed or not, as far as the operator expects.
            return 0.0
        return float(np.abs(self._sum("dispatch", "renewable", "p_supply_mw") - due).max())
