"""Fields of every pool of storages: who may join, how members are classed, and how its value is shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from gridarium.environment.clock import DAY_S
from gridarium.experiments.names.registry import make
from gridarium.experiments.schema.fields import (
    Amount,
    Conflict,
    Flag,
    Money,
    Name,
    PositiveAmount,
    Range,
    Registered,
    Section,
    Share,
)
from gridarium.market.pool_splits import SplitRule
from gridarium.market.storage_pooling import ENERGY, ClassRules

if TYPE_CHECKING:
    from gridarium.agents.storage.storage_pool import PoolRules
    from gridarium.environment.security.authority import Authority
    from gridarium.environment.world import World
    from gridarium.experiments.parts.negotiation import Negotiation


class Pool(Section):
    """The platform of a pool: who may join, and how what members are worth is shared."""

    operator_plays: Flag = False
    """Whether the operator is a player of the game: without it no coalition is worth anything."""
    split: Annotated[str, Registered("split-rules")] = "shapley"
    """How the value of the members is shared out: a registered rule, or a path package.module:Class."""
    split_params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Parameters of the rule."""
    sub_pools: Annotated[int, Range(1, 100)] = 2
    """Groups of owners that are alike (K); as many as there are classes makes each class one."""
    soc_weight: Share = 0.4
    """Weight of the distance from the limits of the state of charge in a score (A10)."""
    health_weight: Share = 0.3
    """Weight of the state of health."""
    speed_weight: Share = 0.3
    """Weight of the time to full power."""
    response_reference_s: PositiveAmount = 1.0
    """Time to full power that scores nothing, s."""
    score_min: Share = 0.3
    """Least score of a member that gets tasks."""
    fast_response_s: Amount = 0.5
    """Longest time to full power of the fast-response class, s; who is fast and large is fast."""
    reserve_min_mwh: Amount = 0.25
    """Least capacity of the energy-reserve class, MWh."""
    unclassed: Literal["none", "fast-response", "energy-reserve"] = "none"
    """Class of those that are neither; those of none may enrol, and get no tasks."""
    admission: Literal["open", "no-one-loses"] = "open"
    """Who may join: everybody, or only those by whom no member's share falls."""
    revisions: Literal["one-a-day", "together"] = "one-a-day"
    """Whether one owner a day may join or leave, in random order, or all may."""
    groups_may_leave: Flag = False
    """Whether members look for groups, of two at least, that would rather be the pool by themselves; the pool
    that they leave falls apart, and the others may apply anew from the next day on."""
    overstatement: Annotated[float, Range(0, 10)] = 0.0
    """Share by which announcements are above what the pool expects."""
    owners_verify: Flag = False
    """Whether the operator signs each day what the records are, and owners check their own entries alone."""
    understated_share: Share = 0.0
    """Part of what owners have executed that the platform does not show them in their records."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield weights that do not sum to 1, and a lie that nobody would hear."""
        total = self.soc_weight + self.health_weight + self.speed_weight
        if abs(total - 1.0) > 1e-9:
            allowed = f"must sum to 1 with health_weight and speed_weight, which gives {total:g}"
            yield Conflict("soc_weight", self.soc_weight, allowed)
        if self.understated_share and not self.owners_verify:
            allowed = "must be 0 where owners_verify is false: nobody looks at records then"
            yield Conflict("understated_share", self.understated_share, allowed)

    @property
    def tasks(self) -> Mapping[str, tuple[str, ...]]:
        """What each class serves: energy is all that is asked for."""
        return {"fast-response": (ENERGY,), "energy-reserve": (ENERGY,)}

    @property
    def class_rules(self) -> ClassRules:
        """How storages are scored, classed and matched to tasks."""
        return ClassRules(
            (self.soc_weight, self.health_weight, self.speed_weight),
            self.response_reference_s,
            self.score_min,
            self.fast_response_s,
            self.reserve_min_mwh,
            self.unclassed,
            self.tasks,
        )


def split_rule(section: Pool, place: str) -> SplitRule:
    """How a pool shares.

    Raises
    ------
    ScenarioError
        If the rule does not take its parameters; names the place of the section.
    """
    rule: SplitRule = make("split-rules", section.split, section.split_params, f"{place}.split")
    return rule


def pool_rules(section: Pool, place: str, compensated: bool, timing: Negotiation) -> PoolRules:
    """How a pool is run."""
    from gridarium.agents.storage.storage_pool import PoolRules

    return PoolRules(
        section.class_rules,
        split_rule(section, place),
        section.sub_pools,
        compensated,
        section.operator_plays,
        section.admission,
        section.revisions,
        section.overstatement,
        section.understated_share,
        timing.reply_timeout_s,
        timing.resend_after_s,
    )


def records_authority(section: Pool, auditor: str, world: World) -> Authority | None:
    """Whose key signs heads of the records, where owners check them: one for each auditor."""
    if not section.owners_verify:
        return None
    from gridarium.environment.security.authority import Authority

    name = f"{auditor}, records"
    return world.shared(name, lambda: Authority(name, world.streams, DAY_S))
