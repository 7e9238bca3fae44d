"""By which scheme a TIES prices the carbon of its followers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.schema.fields import (
    Conflict,
    Money,
    PositiveAmount,
    Range,
    Section,
    Share,
)
from gridarium.market.accounts import CARBON_MARKET

if TYPE_CHECKING:
    from gridarium.market.carbon_policy import CarbonPolicy as Policy

_Factor = Annotated[float, Range(0, 10)]


class Band(Section):
    """Lowest and highest value of a factor."""

    low: Annotated[float, Range(0, 10, above_low=True)]
    """Lowest."""
    high: Annotated[float, Range(0, 10, above_low=True)]
    """Highest."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield ends in the wrong order."""
        if self.low > self.high:
            yield Conflict("low", self.low, f"must be at most high = {self.high:g}")


class CarbonPolicy(Section):
    """The carbon price of followers: a base price, its steps, and the factors of four dimensions."""

    scheme: Literal["none", "fixed", "ladder", "dynamic", "full", "pigouvian"] = "full"
    """No price; one price for all; steps; steps that move with hour and round; history, size and Shapley
    factor as well; a tax on the emission that a further MWh causes."""
    base_price_per_tco2: Annotated[float, Range(0, 10_000), Money()] = 40.0
    """Of the first step, money/tCO2; 20 to 100 USD in the paper (lam_0)."""
    quota_tco2_per_mwh: Annotated[float, Range(0, 3)] = 0.25
    """Free emission for each MWh of base load, tCO2/MWh."""
    interval_share: PositiveAmount = 0.2
    """Length of a step as a share of a follower's mean quota."""
    growth: Annotated[float, Range(0, 100)] = 0.25
    """Rise of the price from step to step, share of the first."""
    steps: Annotated[int, Range(1, 100)] = 4
    """Prices above the quota."""
    time_load_weight: _Factor = 0.5
    """k1: by how much the price of an hour follows the load."""
    time_intensity_weight: _Factor = 0.5
    """k2: by how much it follows the carbon factor."""
    time_band: Band = Band(low=0.5, high=1.5)
    """Of the time factor (tau)."""
    game_band: Band = Band(low=0.8, high=1.0)
    """Of the factor of the round (g_min, g_max)."""
    game_rate: Annotated[float, Range(0, 100, above_low=True)] = 1.0
    """kappa: how steeply it rises."""
    game_turning_round: Annotated[float, Range(0, 1000)] = 4.0
    """k0: the round in which it has risen by half."""
    history_weight: _Factor = 0.5
    """b: by how much the price follows what was emitted on the day before."""
    history_band: Band = Band(low=0.8, high=1.2)
    """Of the history factor (h)."""
    size_exponent: _Factor = 0.2
    """g: by how much the price falls with size."""
    size_band: Band = Band(low=0.9, high=1.1)
    """Of the size factor (s)."""
    shapley_strength: _Factor = 0.5
    """a: by how much the price falls with the Shapley value of abatement."""
    responsibility_sensitivity: Share = 0.5
    """s: by how much responsibility moves away from who has lowered the load of the day before."""
    shapley: Literal["exact", "sampled"] = "exact"
    """From all coalitions, for up to 16 followers, or from random orders, for hundreds."""
    shapley_evaluations: Annotated[int, Range(110, 10_000_000)] = 2000
    """Most coalitions that sampling asks for in a round."""
    charges: Literal["twice", "once"] = "twice"
    """Whether followers pay their carbon to the carbon market, which the TIES pays for the same tonnes, or
    to the TIES, whose own payment they so refund."""
    emission_cap_tco2_per_day: PositiveAmount | None = None
    """Emission of a day to which the level of all prices is set, so that schemes compare; null leaves the
    level as it is, tCO2."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a cap without a price that could meet it."""
        if self.emission_cap_tco2_per_day is not None and self.scheme == "none":
            cap = self.emission_cap_tco2_per_day
            yield Conflict("emission_cap_tco2_per_day", cap, "must be null where nothing is priced")


def policy_of(section: CarbonPolicy) -> Policy:
    """The scheme that a section describes."""
    from gridarium.market.carbon_policy import CarbonPolicy as Policy
    from gridarium.market.carbon_price import Band as Limits
    from gridarium.market.carbon_price import (
        GameFactor,
        HistoryFactor,
        ShapleyFactor,
        SizeFactor,
        TimeFactor,
    )

    def limits(band: Band) -> Limits:
        return Limits(band.low, band.high)

    return Policy(
        scheme=section.scheme,
        base_price_per_tco2=section.base_price_per_tco2,
        quota_tco2_per_mwh=section.quota_tco2_per_mwh,
        interval_share=section.interval_share,
        growth=section.growth,
        steps=section.steps,
        time=TimeFactor(section.time_load_weight, section.time_intensity_weight, limits(section.time_band)),
        game=GameFactor(limits(section.game_band), section.game_rate, section.game_turning_round),
        history=HistoryFactor(section.history_weight, limits(section.history_band)),
        size=SizeFactor(section.size_exponent, limits(section.size_band)),
        shapley=ShapleyFactor(section.shapley_strength),
        sensitivity=section.responsibility_sensitivity,
    )


def collector_of(build: GridBuild) -> str:
    """Account to which followers pay for their carbon."""
    return build.leader if CARBON_POLICY.of(build.scenario).charges == "once" else CARBON_MARKET


CARBON_POLICY: Part[CarbonPolicy] = Part(
    field="carbon_policy",
    annotation=CarbonPolicy,
    default=CarbonPolicy(),
    meaning="By which scheme a TIES prices the carbon of its followers.",
    under=("ties",),
)
