"""How often final users are charged for each tonne of carbon, from tables and ledger of all grids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.grid_evidence import Tables, by_period, tables_of_grid
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.parts.dso import pays_carbon_market
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CARBON, CARBON_MARKET, PERSONAL_CARBON

_NOTHING_MONEY = 1e-9
_NOTHING_PER_MWH = 1e-9


@dataclass(frozen=True)
class GridCarbon:
    """Carbon of one grid by settlement period: what comes in and is made there, and who is charged for it.

    Parameters
    ----------
    name : str
    tables : mapping of str to DataFrame
        Of this grid, names relative to it.
    period_h : float
    above : GridCarbon, optional
        Of the grid that it hangs on.
    """

    name: str
    tables: Tables
    period_h: float
    above: GridCarbon | None = None

    @cached_property
    def head(self) -> pd.DataFrame:
        """What has passed its head, as its operator tells it."""
        return self.tables["heads"].sort_values("period")

    @property
    def operator(self) -> str:
        """Name in the grid of who pays at its head."""
        return str(self.head["agent"].iloc[0])

    @property
    def is_led(self) -> bool:
        """Whether its operator answers to a carbon market for what its loads carry: a DSO."""
        return "carbon" in self.tables and bool((self.tables["carbon"]["agent"] == self.operator).any())

    @property
    def copies(self) -> int:
        """Equal grids in the world that it stands for."""
        own = int(self.head["replicas"].iloc[0])
        return own if self.above is None else own * self.above.copies

    @cached_property
    def imported_tco2(self) -> Array:
        """Carbon that came in through the head, shape (n_period,)."""
        return np.asarray(np.maximum(self.head["carbon_t_per_h"].to_numpy(dtype=float), 0.0) * self.period_h)

    @cached_property
    def made_tco2(self) -> Array:
        """Carbon of its own units, shape (n_period,)."""
        if "units" not in self.tables:
            return self._nothing
        units = self.tables["units"]
        net = units["emission_gross_tco2_per_h"] - units["absorbed_tco2_per_h"].fillna(0.0)
        return by_period(units.assign(net=net), "net", len(self.head)) * self.period_h

    def booked(self, purpose: str, by_operator: bool = False) -> Flags:
        """In which periods one of its agents paid, or got, something for a purpose, shape (n_period,)."""
        ledger = self.tables["ledger"]
        mine = ledger["account"] == self.operator if by_operator else ~ledger["account"].str.contains("/")
        found = ledger[mine & (ledger["purpose"] == purpose) & (ledger["account"] != CARBON_MARKET)]
        moved = found.assign(size=found["amount_money"].abs())
        return np.asarray(by_period(moved, "size", len(self.head)) > _NOTHING_MONEY)

    @cached_property
    def asked_of_users(self) -> Flags:
        """In which periods its tariff is another one than without carbon, shape (n_period,)."""
        if not self.is_led:
            return self._nothing > 0.0
        signals, trades = self.tables["signals"], self.tables["trades"]
        plain = signals[signals["agent"] == self.operator].set_index("period")["tou_price_per_mwh"]
        sold = trades[(trades["product"] == "retail") & (trades["agent"] == self.operator)]
        apart = (sold["price_per_mwh"] - sold["period"].map(plain)).abs()
        most = apart.groupby(sold["period"]).max().reindex(range(len(self.head)), fill_value=0.0)
        return np.asarray(most.to_numpy(dtype=float) > _NOTHING_PER_MWH)

    @cached_property
    def sold_with_carbon(self) -> Flags:
        """In which periods the price at which it supplies grids below holds carbon, shape (n_period,)."""
        if self.is_led:
            return self.asked_of_users | (self.charged_for_import > 0.0)
        if "signals" not in self.tables:
            # Prices of regions are those told at the head, which the carbon there is no part of.
            return self._nothing > 0.0
        signals = self.tables["signals"]
        own = signals[signals["agent"] == self.operator].sort_values("period")
        if "carbon_in_price_per_mwh" in own and own["carbon_in_price_per_mwh"].notna().all():
            return np.asarray(own["carbon_in_price_per_mwh"].to_numpy(dtype=float) > _NOTHING_PER_MWH)
        # An operator that sells at marginal cost sells the carbon that its units pay for.
        return self.booked(CARBON)

    @cached_property
    def charged_for_import(self) -> Array:
        """How often what comes in is charged to those who live here, before they share it, (n_period,)."""
        above = self._nothing if self.above is None else self.above.sold_with_carbon.astype(float)
        ladder = self.booked(PERSONAL_CARBON, by_operator=True).astype(float)
        market = self.booked(CARBON, by_operator=True).astype(float) if self.is_led else self._nothing
        return np.asarray(above + ladder + market)

    @cached_property
    def charged_for_own(self) -> Array:
        """How often what units here emit is charged to those who live here, shape (n_period,)."""
        if not self.is_led:
            return self.sold_with_carbon.astype(float)
        ledger = self.tables["ledger"]
        units = set(self.tables["units"]["agent"]) if "units" in self.tables else set()
        paid = ledger[ledger["account"].isin(units) & (ledger["purpose"] == CARBON)]
        by_units = by_period(paid.assign(size=paid["amount_money"].abs()), "size", len(self.head))
        return np.asarray(self.booked(CARBON, by_operator=True).astype(float) + (by_units > _NOTHING_MONEY))

    @property
    def _nothing(self) -> Array:
        return np.zeros(len(self.head))


def grids_of(tables: Tables, period_h: float) -> dict[str, GridCarbon]:
    """Every grid with an operator, by its name; those above first."""
    heads, found = tables.get("heads"), dict[str, GridCarbon]()
    if heads is None:
        return found
    above = {str(name): str(own["above"].iloc[0]) for name, own in heads.groupby("grid", sort=False)}
    while len(found) < len(above):
        for name, parent in above.items():
            if name not in found and (not parent or parent in found):
                found[name] = GridCarbon(name, tables_of_grid(tables, name), period_h, found.get(parent))
    return found


@dataclass(frozen=True)
class Tonnes:
    """Carbon that ended with final users, tCO2, and how often each part of it was charged to them."""

    amount: Array
    times: Array


def _of_feeder(grid: GridCarbon, below: Mapping[str, GridCarbon]) -> Iterator[Tonnes]:
    """What came into a grid and was made there, less what it has passed on to grids below."""
    hung = [one for one in below.values() if one.above is grid]
    passed = sum((one.imported_tco2 * (one.copies / grid.copies) for one in hung), 0.0 * grid.imported_tco2)
    whole = grid.imported_tco2 + grid.made_tco2
    kept = np.divide(np.maximum(whole - passed, 0.0), whole, out=np.zeros_like(whole), where=whole > 0.0)
    for tonnes, times in (
        (grid.imported_tco2, grid.charged_for_import),
        (grid.made_tco2, grid.charged_for_own),
    ):
        # What users pay their operator is what that pays on; it is a charge by itself where there is none.
        counted = np.where(times > 0.0, times, grid.asked_of_users.astype(float))
        yield Tonnes(grid.copies * kept * tonnes, counted)


def _of_regions(grid: GridCarbon) -> Iterator[Tonnes]:
    """What the regions of a system that tells personal prices draw, at the factor told to each."""
    told, ledger, loads = grid.tables["personal_carbon"], grid.tables["ledger"], grid.tables.get("loads")
    if loads is None:
        # All who follow are operators of grids below, who tell what reaches their users.
        return
    for name, own in told.groupby("agent", sort=False):
        drawn = loads[loads["agent"] == name]
        if drawn.empty:
            continue
        metered = by_period(drawn, "p_metered_mw", len(grid.head)) * grid.period_h
        factor = own.sort_values("period")["factor_tco2_per_mwh"].to_numpy(dtype=float)
        paid = ledger[(ledger["account"] == name) & (ledger["purpose"] == PERSONAL_CARBON)]
        asked = by_period(paid.assign(size=paid["amount_money"].abs()), "size", len(grid.head))
        times = (asked > _NOTHING_MONEY).astype(float) + grid.sold_with_carbon
        yield Tonnes(grid.copies * np.maximum(factor, 0.0) * metered, times)


def asks_twice(sections: Mapping[str, GridScenario]) -> bool:
    """Whether a scenario has a feeder answer to a carbon market for what a ladder above charges it, too."""
    ladders = [
        TIES.is_given(scenario) and CARBON_POLICY.of(scenario).scheme != "none"
        for scenario in sections.values()
    ]
    return any(ladders) and any(map(pays_carbon_market, sections.values()))


def charged_once(tables: Tables, period_h: float, is_asked_twice: bool = False) -> Iterator[Reading]:
    """Carbon that final users are charged for more than once, over the whole tree of grids.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of one case.
    period_h : float
    is_asked_twice : bool, optional
        Whether the scenario itself says so: then it is told, and fails no run.

    Notes
    -----
    A final user is who draws energy and sells none on: a consumer, a prosumer, a region. A tonne reaches it
    with energy, by way of the head of each grid between. Those who live on a grid are charged for what comes
    in there, all together,

    - by a price at its head that holds the carbon of who supplies it,
    - by the ladder that its operator pays at the head, whoever collects it,
    - by the carbon market, to which its operator owes what its loads carry, imports among it,

    and for what units on the grid emit by the carbon market alone. What an operator asks its users for carbon
    is how they pay its part of this: passed through, no charge of its own; where the operator is charged
    nothing, it is the only one. So a DSO that pays a ladder and collects it again charges once; so does one
    that bears it, of whose users nobody else asks it.

    A system that pays for its own emission charges nobody by that: its price of energy leaves carbon out, or
    holds it and is the first of the charges above. The followers' ladder may refund it, which is again
    passed through; where they pay the ladder to the carbon market instead, that is paid twice for the tonnes
    of units, but users are charged once, and the system bears the rest.

    Counted are charges by settlement period, as they are booked; each tonne by the carbon flow. Losses go
    with who is supplied over them.
    """
    grids = grids_of(tables, period_h)
    found = [
        part
        for grid in grids.values()
        for part in (_of_regions(grid) if "personal_carbon" in grid.tables else _of_feeder(grid, grids))
    ]
    total = sum(float(part.amount.sum()) for part in found)
    if total <= 0.0:
        return
    again = sum(float(part.amount @ np.maximum(part.times - 1.0, 0.0)) for part in found)
    nobody = sum(float(part.amount[part.times < 1.0].sum()) for part in found)
    ladders = tables["ledger"]["purpose"].eq(PERSONAL_CARBON).any() if "ledger" in tables else False
    yield Reading(
        "carbon charged once", again / total, 1e-9, "",
        (len(grids) == 1 or bool(ladders)) and not is_asked_twice,
        "charges for a tonne beyond the first, net of what is passed through, over all tonnes that reach "
        "final users; hard unless the scenario has levels trade with carbon markets of their own, where none "
        "knows a ladder or one pays a ladder, too",
        f"{100.0 * nobody / total:.0f} % of {total:,.0f} tCO2 charged to nobody",
    )  # fmt: skip
