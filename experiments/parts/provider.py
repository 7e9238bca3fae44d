"""The storage provider, its storage and the terms of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.names.registry import make_mechanism
from gridarium.experiments.parts.lines import LESSOR, LINES
from gridarium.experiments.parts.network import has_one_bus, unit_sites
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.prosumers import PROSUMERS
from gridarium.experiments.parts.storage_section import Storage, storage_ratings
from gridarium.experiments.parts.trading import TRADING, active_trading
from gridarium.experiments.schema.fields import (
    Conflict,
    Flag,
    Money,
    MoneyAmount,
    Name,
    Range,
    Registered,
    Section,
    Share,
)

if TYPE_CHECKING:
    from gridarium.agents.storage.lease_search import LeaseSearch, LeaseSearchRule
    from gridarium.market.messages.leasing import LeaseTerms as TermsMessage

Fee = Annotated[float, Range(0, 1000), Money()]


class LeaseTerms(Section):
    """The ladder of line fees: the price of a km rises from interval to interval."""

    base_fee_per_km_mwh: Fee
    """Fee of the first interval (l), money per km and MWh sent."""
    interval_km: Annotated[float, Range(0, 1e5, above_low=True)] = 50.0
    """Length of an interval (d), km."""
    growth: Annotated[float, Range(0, 10)] = 0.25
    """By which share of the base the fee of each further interval rises (a)."""


class Lease(Section):
    """How the provider names its terms from day to day."""

    search: Annotated[str, Registered("lease-searches")] = "fixed"
    """Rule of the search: a registered one, or the dotted path `package.module:Class`."""
    params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Parameters of a rule for which there is no field here."""
    first: LeaseTerms = LeaseTerms(base_fee_per_km_mwh=0.2)
    """Terms of the first day."""
    lowest: LeaseTerms | None = None
    """Lower bounds of the search; null binds it to the first terms."""
    highest: LeaseTerms | None = None
    """Upper bounds of the search; null binds it to the first terms."""
    step_share: Share = 0.25
    """First step of the profit search, share of the bounds' distance."""
    repeats: Annotated[int, Range(1, 1000)] = 1
    """Days for which the profit search keeps a trial up."""
    cost_per_km_mwh: Fee = 0.1
    """Cost of a line, money per km and MWh, for `cost-plus`."""
    markup: Annotated[float, Range(0, 100)] = 0.2
    """Share that `cost-plus` adds to it."""
    exploration: Share = 0.1
    """Share of days on which `epsilon-greedy` tries anything."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield terms outside their bounds."""
        first, low, high = self.first, self.lowest or self.first, self.highest or self.first
        for name in LeaseTerms.model_fields:
            bounds, value = (getattr(low, name), getattr(high, name)), getattr(first, name)
            if not bounds[0] <= value <= bounds[1]:
                allowed = f"must be in the bounds lowest and highest, [{bounds[0]:g}, {bounds[1]:g}]"
                yield Conflict(f"first.{name}", value, allowed)


class Provider(Section):
    """The energy storage provider: a storage that the operator commands, and lines that it leases."""

    active: Flag = True
    """Whether it takes part."""
    storage: Storage
    """Its shared storage."""
    compensation_per_mwh: MoneyAmount = 1.43
    """What the operator pays for wear (rho_s), money per MWh in or out inside the storage."""
    degradation_cost_per_mwh: MoneyAmount = 1.43
    """What wear costs the provider, money per MWh in or out inside the storage."""
    lease: Lease = Lease()


def active_provider(scenario: GridScenario) -> Provider | None:
    """The storage provider if it takes part."""
    provider = PROVIDER.of(scenario)
    return provider if provider and provider.active else None


def _build(build: GridBuild) -> None:
    section, grid = active_provider(build.scenario), build.grid
    if section is None:
        return
    from gridarium.agents.storage.storage_provider import StorageProvider
    from gridarium.market.settlement import StorageRates

    trades = active_trading(build.scenario) is not None
    lessees = (*PROSUMERS.agents(build.scenario), *TRADING.agents(build.scenario)) if trades else ()
    on_feeder = not has_one_bus(build.scenario)
    StorageProvider(
        unit_sites(build)[LESSOR] if on_feeder else grid.head,
        LESSOR,
        storage_ratings(grid.named(LESSOR), section.storage),
        StorageRates(section.compensation_per_mwh, section.degradation_cost_per_mwh),
        build.operator or "",
        _search(build, section.lease) if lessees else None,
        build.named(lessees),
        traces_carbon=on_feeder,
    )


def _search(build: GridBuild, section: Lease) -> LeaseSearch:
    from gridarium.agents.storage.lease_search import LeaseBounds

    first = terms_of(section.first)
    bounds = LeaseBounds(
        first,
        terms_of(section.lowest) if section.lowest else first,
        terms_of(section.highest) if section.highest else first,
    )
    fields = section.model_dump(include={"cost_per_km_mwh", "markup", "step_share", "repeats", "exploration"})
    rule: LeaseSearchRule = make_mechanism("lease-searches", section.search, fields, section.params)
    return rule.begin(bounds, build.grid.world.streams.stream(f"{build.grid.named(LESSOR)}/lease search"))


def terms_of(section: LeaseTerms) -> TermsMessage:
    """Terms as the provider sends them."""
    from gridarium.market.messages.leasing import LeaseTerms as TermsMessage

    return TermsMessage(section.base_fee_per_km_mwh, section.interval_km, section.growth)


def _trade_has_lines(scenario: GridScenario) -> Iterator[Fault]:
    if active_trading(scenario) is None:
        return
    for field, given in (("provider", active_provider(scenario)), ("lines", LINES.of(scenario))):
        if given is None:
            yield Fault(field, None, "must be given, and active, where prosumers trade")


PROVIDER: Part[Provider | None] = Part(
    field="provider",
    annotation=Provider | None,
    default=None,
    meaning="The energy storage provider; null for none.",
    under=("operator", "prosumers"),
    build=_build,
    checks=((frozenset({"trading", "provider", "lines"}), _trade_has_lines),),
    names=lambda provider: (LESSOR,) if provider and provider.active else (),
    has_sites=True,
)
