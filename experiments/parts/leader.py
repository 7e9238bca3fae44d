"""How the operator of a feeder searches for its signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import model_validator

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.consumers import consumer_load_mw, has_plain_consumers, true_followers
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.tariff import NODAL_TARIFFS, TARIFF, limit_rules
from gridarium.experiments.reading.profiles import rows_run
from gridarium.experiments.schema.fields import Flag, Range, Section

if TYPE_CHECKING:
    from gridarium.agents.feeder.price_setting import PriceSetter
    from gridarium.agents.leader.anticipation import Anticipation
    from gridarium.environment.arrays import Array

_DAY_H = 24.0


class Leader(Section):
    """How the operator searches for its signal."""

    kind: Literal["best-response", "anticipating", "full-information"] = "best-response"
    """Takes the last loads as given; learns how loads answer; or knows everyone's data, as a benchmark."""
    price: Literal["free", "tied"] = "free"
    """Of a leader that searches: any price within `tariff.limits`; or only one that the carbon factor of its
    units and pools makes by the formula of `adcef`, which needs that tariff and a managed pool."""
    round_limit: Annotated[int, Range(2, 1000)] = 40
    """Most prices that a leader which anticipates posts."""
    limit_probes: Annotated[int, Range(0, 6)] = 6
    """Probes that drive a third of the day to an end of the price band each."""
    search_nodes: Annotated[int, Range(1, 10_000_000)] = 500
    """Most nodes of each search for the optimum; unlike a time limit the same on every machine."""
    certify: Flag | None = None
    """Whether regret, distance from the proven bound and stability are measured, which takes some seconds;
    null means that they are for a leader that searches."""

    @property
    def searches(self) -> bool:
        """Whether it looks for the best price, and not for a fixed point."""
        return self.kind != "best-response"

    @model_validator(mode="before")
    @classmethod
    def _take_a_name(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


def certifies_leader(scenario: GridScenario) -> bool:
    """Whether the leader is measured against the best that is possible."""
    leader = LEADER.of(scenario)
    return leader.searches and has_plain_consumers(scenario) if leader.certify is None else leader.certify


def setter_maker(build: GridBuild, trades_carbon: bool) -> Callable[[int], PriceSetter] | None:
    """How the leader searches for its price, by day; None for the damped best response."""
    leader = LEADER.of(build.scenario)
    if not leader.searches:
        return None
    from gridarium.agents.leader.anticipation import Anticipation
    from gridarium.agents.leader.full_information import SearchEffort
    from gridarium.agents.leader.leading import Anticipating, FullyInformed

    # Nodes and not seconds end a search: the same seed gives the same bytes on every machine.
    effort = SearchEffort(relative_gap=5e-4, round_limit=1, node_limit=leader.search_nodes)
    options = Anticipation(leader.round_limit, leader.limit_probes, effort)
    if leader.price == "tied":
        return _tied_maker(build, leader, options)
    followers, limits, scenario = build.followers, limit_rules(build.scenario), build.scenario
    if leader.kind == "anticipating":
        return lambda day: Anticipating(followers, limits, trades_carbon, options)

    def informed(day: int) -> PriceSetter:
        return FullyInformed(
            followers,
            limits,
            trades_carbon,
            lambda reference: true_followers(scenario, _column_of_day(build, day), reference),
            options,
        )

    return informed


def _column_of_day(build: GridBuild, day: int) -> Callable[[str], Array]:
    """Gives load columns of one day by name, MW, shape (n_step,)."""
    return lambda name: build.horizon.of_day(consumer_load_mw(build, name), day)


def _tied_maker(build: GridBuild, leader: Leader, options: Anticipation) -> Callable[[int], PriceSetter]:
    """A leader whose price is tied to its carbon factor, by day."""
    from gridarium.agents.leader.tied_leading import TiedAnticipating, TiedFullyInformed, TieRules

    tariff, scenario = TARIFF.of(build.scenario), build.scenario
    rules = TieRules(tariff.adjustment, tariff.balance_budget)
    # What it draws are starts of searches, the same in every case of a study.
    random = build.grid.world.streams.stream(f"{build.leader} tied starts")

    def made(day: int) -> PriceSetter:
        if leader.kind == "anticipating":
            return TiedAnticipating(build.followers, rules, random, options)
        return TiedFullyInformed(
            build.followers,
            rules,
            random,
            lambda reference: true_followers(scenario, _column_of_day(build, day), reference),
            options,
        )

    return made


def _can_be_tied(scenario: GridScenario) -> Iterator[Fault]:
    leader, tariff = LEADER.of(scenario), TARIFF.of(scenario)
    if not leader.searches or leader.price != "tied":
        return
    if tariff.kind != "adcef" or tariff.pool != "managed":
        allowed = "tied needs tariff.kind adcef and tariff.pool managed"
        yield Fault("leader.price", leader.price, allowed)
    if tariff.pool_carries_over:
        yield Fault("tariff.pool_carries_over", True, "must be false where the leader's price is tied")


def _posts_one_price(scenario: GridScenario) -> Iterator[Fault]:
    leader, tariff = LEADER.of(scenario), TARIFF.of(scenario)
    if leader.searches and tariff.kind in NODAL_TARIFFS:
        allowed = f"must be best-response where tariff.kind is {tariff.kind}: it has a price for each bus"
        yield Fault("leader.kind", leader.kind, allowed)
    if leader.certify and tariff.kind in NODAL_TARIFFS:
        allowed = f"must be null or false where tariff.kind is {tariff.kind}: it has a price for each bus"
        yield Fault("leader.certify", True, allowed)


def _can_be_informed(scenario: GridScenario) -> Iterator[Fault]:
    if has_plain_consumers(scenario):
        return
    leader = LEADER.of(scenario)
    allowed = "needs consumers without battery, shiftable_mwh and an agent of their own"
    if leader.kind == "full-information":
        yield Fault("leader.kind", leader.kind, allowed)
    if leader.certify:
        yield Fault("leader.certify", True, allowed)


def _has_a_reference(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a reference price that is 0 all day: no share of it is a band that a leader could search."""
    leader, column = LEADER.of(scenario), PRICES.of(scenario).tou_column
    if not (leader.searches or leader.certify):
        return
    price = rows_run(scenario, column)
    if price is None:
        return
    per_day = min(len(price), round(_DAY_H / scenario.period_h))
    for day in range(len(price) // per_day):
        if not price[day * per_day : (day + 1) * per_day].any():
            allowed = (
                f"must not be 0 all day {day} in column {column}: the leader's price band is shares of it"
            )
            yield Fault("profiles", 0.0, allowed)


LEADER: Part[Leader] = Part(
    field="leader",
    annotation=Leader,
    default=Leader(),
    meaning="How the operator of a feeder searches for its signal.",
    under=("dso",),
    checks=(
        (frozenset({"consumers", "leader"}), _can_be_informed),
        (frozenset({"leader", "tariff"}), _can_be_tied),
        (frozenset({"leader", "tariff"}), _posts_one_price),
        (frozenset({"leader", "prices", "profiles"}), _has_a_reference),
    ),
)
