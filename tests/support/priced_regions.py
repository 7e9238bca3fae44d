"""A five-bus feeder of two regions under a distribution operator, with plants that follow a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.base import GridAgent, on
from gridarium.agents.devices.system_load import SystemLoad
from gridarium.agents.distribution.contract import ConnectedStorage, OperatorContract, PlantTerms
from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.agents.distribution.price_region import PriceRegion
from gridarium.agents.upstream import CarbonMarket, SupplyProfile, UpstreamMarket
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.links import LinkQuality
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.world import World
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.certificate_book import SMALLEST_MWH
from gridarium.market.cleanness import Pricing
from gridarium.market.green_certificates import GreenCertificates
from gridarium.market.messages.cleanness import (
    CleannessSignal,
    EnvironmentalReport,
    GreenDelivery,
    RegionPlans,
)
from gridarium.market.messages.commands import Receipt
from gridarium.market.stackelberg import NegotiationRules

FEEDER = read_feeder(str(profile_path("adcef-ordinary").with_name("five-bus.json")))
BUSES = {"near": np.array([0, 1, 2]), "far": np.array([3, 4])}
"""Parted where line 2 begins."""
STORAGE_BUSES = {"near": (1, 2), "far": (4,)}
BUY, SELL = {"near": 500.0, "far": 700.0}, {"near": 400.0, "far": 350.0}
CARBON_PRICE, KAPPA = np.array([50.0, 60.0, 40.0]), 0.8
GREEN_SHARE, FACTOR = np.array([0.3, 0.4, 0.6]), np.array([0.6, 0.5, 0.3])
LOAD = {"near": np.array([1.0, 1.2, 0.9]), "far": np.array([0.8, 0.5, 1.0])}
WHOLESALE = 300.0

Answer = Callable[[CleannessSignal], RegionPlans]


def every_day(values: Array, n_day: int) -> Array:
    """The same on each day, a tenth more on each that follows."""
    return np.concatenate([values * (1.0 + 0.1 * day) for day in range(n_day)])


def plans(signal: CleannessSignal, charge: Array, discharge: Array, green: Array) -> RegionPlans:
    """An answer."""
    return RegionPlans(signal.day, series(charge), series(discharge), series(green))


def loads(signal: CleannessSignal, whole: bool = True) -> Array:
    """Load of each region, of all plants or of the one that is told, shape (n_region, n_step)."""
    return np.array([one.load_mw + (one.foreign_load_mw if whole else 0.0) for one in signal.regions])


class Cell(GridAgent):
    """A storage that does as its plant says, at its bus."""

    kind = "storage"

    def __init__(self, world: World, name: str, bus: int) -> None:
        super().__init__(world.grid.site(bus), name)
        self.place = world.grid.site(bus)
        self.charge_mw, self.discharge_mw = np.zeros(world.n_period), np.zeros(world.n_period)

    def operate(self, period: int) -> None:
        """Draw and feed in."""
        self.place.charge(self.name, float(self.charge_mw[period]))
        self.place.supply(self.name, float(self.discharge_mw[period]))


class ScriptedPlant(GridAgent):
    """Answers by a script, moves its cells as it has answered final terms, and hands over certificates.

    - `signals`, `reports`: what it was told; `delivers`: makes the deliveries of a period
    """

    def __init__(
        self, world: World, name: str, answer: Answer, cells: Mapping[str, tuple[Cell, ...]]
    ) -> None:
        super().__init__(world.grid.head, name)
        self.answer, self.cells = answer, cells
        self.signals: list[CleannessSignal] = []
        self.reports: list[EnvironmentalReport] = []
        self.green_mw = {region: np.zeros(world.n_period) for region in cells}
        self.is_silent = False
        self.deliver: Callable[[int, GreenDelivery], list[GreenDelivery]] = lambda period, made: [made]

    @on(CleannessSignal)
    def hear(self, signal: CleannessSignal, sender: str) -> RegionPlans | None:
        """Answer, and do so once the terms are final."""
        if self.is_silent:
            return None
        self.signals.append(signal)
        answer = self.answer(signal)
        if not signal.final:
            return answer
        horizon = Horizon.of(self.world, 8.0)
        day = horizon.periods(signal.day)
        charge, discharge, green = (
            horizon.by_period(power[:, : horizon.n_step])
            for power in (answer.charge_mw, answer.discharge_mw, answer.green_discharge_mw)
        )
        for row, (region, cells) in enumerate(self.cells.items()):
            for cell in cells:
                cell.charge_mw[day] = charge[row] / len(cells)
                cell.discharge_mw[day] = discharge[row] / len(cells)
            self.green_mw[region][day] = green[row]
        return answer

    @on(EnvironmentalReport)
    def keep(self, report: EnvironmentalReport, sender: str) -> Receipt:
        """Keep what was paid, once."""
        if report not in self.reports:
            self.reports.append(report)
        return Receipt()

    def settle(self, period: int) -> None:
        """Certify what has left, and hand it over."""
        book, now_s = GreenCertificates(self.world.records), self.world.clock.now_s
        handed = []
        for region, cells in self.cells.items():
            mwh = self.green_mw[region][period] * self.world.period_h / max(1, len(cells))
            for cell in cells if mwh >= SMALLEST_MWH else ():
                number = book.issue(now_s, cell.name, self.name, period, mwh)
                book.transfer(now_s, number, self.name, "operator", mwh)
                handed.append((region, number))
        for delivery in self.deliver(period, GreenDelivery(period, tuple(handed))):
            question = self.ask({"operator": delivery}, 5.0, 1.0)
            self.world.outlast(self.world.clock.process(question.answered()))


@dataclass
class Stage:
    """A world that is ready to step."""

    world: World
    operator: DistributionOperator
    plants: dict[str, ScriptedPlant] = field(default_factory=dict)

    def run(self) -> Stage:
        """Step to the end."""
        while self.world.periods_done < self.world.n_period:
            self.world.step()
        return self

    @property
    def rounds(self) -> list[Any]:
        """Those of the first day."""
        return self.operator.days[0].rounds

    def table(self, name: str) -> list[Mapping[str, Any]]:
        """What the operator tells for a table."""
        return [rows.values for rows in self.operator.rows() if rows.table == name]


def stage(
    answers: Mapping[str, Answer],
    pricing: Pricing = "nodal",
    *,
    shares: tuple[float, ...] = (1.0,),
    takes_prices: bool = False,
    look_ahead_days: int = 1,
    n_day: int = 1,
    per_step: int = 1,
    quality: LinkQuality | None = None,
    **rules: Any,
) -> Stage:
    """A world of days of three steps of eight hours, with one plant for each answer."""
    n_step, period_s = 3 * n_day, 28800.0 / per_step
    grid = Grid(FEEDER, np.repeat(every_day(FACTOR, n_day), per_step))
    clock = Clock(pd.Timestamp("2026-01-14T23:00:00+08:00"), period_s)
    world = World(grid, clock, per_step * n_step, 3600.0, 1, quality, settles_after_s=period_s)
    regions = []
    for name, buses in BUSES.items():
        load = np.repeat(every_day(LOAD[name], n_day), per_step)
        SystemLoad(grid.spread(buses), name, load, load)
        price, paid = (np.full(n_step, prices[name]) for prices in (BUY, SELL))
        regions.append(PriceRegion(name, buses, name, price, paid))
    flat = np.full(n_step, WHOLESALE)
    supply = SupplyProfile(flat, 0.5 * flat, every_day(FACTOR, n_day), every_day(GREEN_SHARE, n_day))
    agreed = NegotiationRules(0.0, 1800.0, 0.01, 0.5, 0, 60, 5.0, 1.0)
    agreed = NegotiationRules(**{**vars(agreed), **rules})
    CarbonMarket(grid.head, "carbon-market", every_day(CARBON_PRICE, n_day), 0.0)
    cells = {
        plant: {
            region: tuple(Cell(world, f"{plant}-{region}-{bus}", bus) for bus in buses)
            for region, buses in STORAGE_BUSES.items()
        }
        for plant in answers
    }
    terms = {
        plant: PlantTerms(
            share,
            {
                cell.name: ConnectedStorage(region, cell.place.bus, 1.0)
                for region, own in cells[plant].items()
                for cell in own
            },
            look_ahead_days,
            takes_prices,
        )
        for plant, share in zip(answers, shares, strict=True)
    }
    contract = OperatorContract("market", "carbon-market", tuple(regions), terms, pricing, KAPPA)
    operator = DistributionOperator(grid.head, "operator", contract, agreed, Horizon.of(world, 8.0))
    UpstreamMarket(grid.head, "market", supply, "operator", 0.0, 1800.0, operator.horizon)
    plants = {name: ScriptedPlant(world, name, answer, cells[name]) for name, answer in answers.items()}
    return Stage(world, operator, plants)
