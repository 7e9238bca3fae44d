"""What a scenario says of a TIES: prices, reserves, its own carbon, when it plans anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from gridarium.experiments.parts.ties_rounds import Rounds
from gridarium.experiments.schema.behaviours import Behaviour, misplaced
from gridarium.experiments.schema.fields import (
    Amount,
    Conflict,
    Flag,
    Money,
    MoneyAmount,
    Name,
    PositiveAmount,
    Range,
    Section,
    Share,
)


class OwnCarbon(Section):
    """What the TIES pays for its own emission of a day: steps above a quota, rewards below it (D4, D10)."""

    quota_tco2: Amount = 1200.0
    """Free emission of a day, tCO2."""
    base_price_per_tco2: Annotated[float, Range(0, 10_000), Money()] = 30.0
    """Of the first step on either side of the quota, money/tCO2."""
    interval_tco2: PositiveAmount = 200.0
    """Length of a step, tCO2."""
    growth: Annotated[float, Range(0, 100)] = 0.25
    """Change of the price from step to step, share of the first."""
    steps: Annotated[int, Range(1, 100)] = 5
    """Prices above the quota."""
    reward_steps: Annotated[int, Range(0, 100)] = 2
    """Intervals below the quota that are rewarded."""
    purchase_limit_tco2: Amount = 3000.0
    """Most that can be bought beyond the quota of a day, tCO2."""


class Ties(Section):
    """The transmission-level operator: commits, dispatches, prices carbon, leads."""

    energy_price: Literal["tou", "marginal", "marginal-with-carbon"] = "tou"
    """What energy is sold at: the tariff of the profiles, or what a further MWh costs, the TIES's own carbon
    apart or with it."""
    tou_column: Name = "tou_price_per_mwh"
    """Profile column with the tariff, money/MWh."""
    own_carbon: OwnCarbon = OwnCarbon()
    """The carbon rule of the TIES itself; the same whatever its followers pay."""
    reserve_load_share: Share = 0.05
    """Spinning reserve as a share of the load."""
    reserve_renewable_share: Share = 0.1
    """Spinning reserve as a share of the renewable power available."""
    generator_power_factor: Annotated[float, Range(0.1, 1)] = 0.8
    """Least power factor of generators at full output: how much reactive power they can give."""
    loss_price_per_mwh: MoneyAmount = 0.01
    """Small price on losses that keeps the relaxed power flow physical, money/MWh."""
    uneven_capture_per_t2: MoneyAmount = 0.0005
    """Weight of the squares of what is captured and driven out in an hour, halved, money h/tCO2**2: where
    schedules cost the same, the even one is taken, so that the factor of an hour does not jump from round to
    round. No money, so keep it small: at 0.05 a plant that captures 60 t/h stops where a further tonne still
    saves 3. On a single bus only: over a network it has no effect."""
    commitment_heuristics: Flag = True
    """Whether the solver looks for good commitments by smaller searches before its own: worth it with many
    units; with few, the search itself ends as near to the best in a third of the time."""
    rounds: Rounds = Rounds()
    """When it negotiates."""
    trigger_mw: Amount = 5.0
    """Distance of renewable power, of load, or of what prosumers that it calls would trade from the plan
    beyond which the rest of a day is planned and priced anew, MW."""
    lead_s: Annotated[float, Range(60, 600)] = 120.0
    """How long before each settlement period it looks at it, s."""
    calls_services: Flag = True
    """Whether it calls the storage provider and the trading prosumers on a feeder below, through the operator
    of that feeder, where its day is planned anew."""
    pool_fee_per_mwh: MoneyAmount = 10.0
    """What it pays on energy that prosumers on a feeder below trade when called, money/MWh."""
    notice_h: Annotated[float, Range(0, 24)] = 1.0
    """How long in advance followers learn of a renewed price, h."""
    game_gaps: bool = False
    """Whether the first day is held against the optimum of all, a better leader and Nash after the run; takes
    seconds, and needs rounds of prices and regions alone."""
    central_bound: bool = False
    """Whether the outcome of the world is held against the least that one plan for everybody could cost, once
    the run is over."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality of the leader, in the order they act; empty is the exact one."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for followers, and a tariff where a dual is the price."""
        yield from misplaced(self.behaviour, "leader")
        if self.rounds.kind == "exchange" and self.energy_price == "tou":
            allowed = "must be marginal or marginal-with-carbon in exchange rounds"
            yield Conflict("energy_price", self.energy_price, allowed)
        if self.rounds.kind == "prices" and self.energy_price == "marginal-with-carbon":
            allowed = "must be tou or marginal in rounds of prices alone"
            yield Conflict("energy_price", self.energy_price, allowed)
