"""Random bulk systems whose load is that of regional systems, with the plan for all written from scratch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from bulk_references import BulkCase, ReferenceDispatch, random_case
from region_references import ReferenceRegion, random_region

from gridarium.agents.region.region_day import RegionDay, RegionPlan
from gridarium.agents.transmission.bulk_system import BulkForecast
from gridarium.agents.transmission.merit_order import BulkShape
from gridarium.agents.transmission.social_optimum import SocialOutcome, SocialPlanner
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.world import World


@dataclass(frozen=True)
class Society:
    """A case whose load is that of regions, and in part of others."""

    case: BulkCase
    days: list[RegionDay]
    users: list[ReferenceRegion]
    others_mw: Array

    @property
    def forecast(self) -> BulkForecast:
        return self.case.forecast.with_load(self.others_mw)

    @property
    def reference(self) -> ReferenceDispatch:
        """The problem of all, for another solver."""
        return ReferenceDispatch(self.case, self.case.on, self.case.state, users=self.users)

    @property
    def planner(self) -> SocialPlanner:
        return SocialPlanner.of(
            BulkShape(self.case.system, self.case.n_period, self.case.period_h), self.days
        )

    def best(self) -> SocialOutcome:
        case = self.case
        return self.planner.best("society", self.forecast, case.on, case.state, self.days)

    def cost_of(self, responses: list[RegionPlan]) -> SocialOutcome:
        case = self.case
        return self.planner.cost_of("society", self.forecast, case.on, case.state, self.days, responses)


@cache
def world() -> World:
    """Where their days are; it shares compiled problems."""
    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), 3600.0)
    return World(Grid(Feeder.copper_plate(), np.zeros(12)), clock, 12, 0.0, 1)


def society(seed: int) -> Society:
    """A random one."""
    random, case = np.random.default_rng(seed), random_case(seed)
    load = case.forecast.load_mw
    share = 0.6 * float(load.min()) / 2
    made = [
        random_region(random, world(), f"r{i}", share, case.n_period, case.period_h)
        for i in range(random.integers(1, 4))
    ]
    days, users = [day for day, _ in made], [reference for _, reference in made]
    others = np.maximum(load - sum(day.demand.base_mw for day in days), 0.0)
    whole = others + sum(day.demand.base_mw for day in days)
    return Society(replace(case, forecast=case.forecast.with_load(whole)), days, users, others)
