"""Links between agents as a scenario says them: how good they are, how they are secured, who attacks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gridarium.environment.alteration import numeric_fields
from gridarium.environment.intrusion import FORGING, AttackKind
from gridarium.experiments.names.message_types import message_types
from gridarium.experiments.schema.fields import (
    Conflict,
    Duration,
    Flag,
    Name,
    PositiveShare,
    Probability,
    Range,
    ScopedName,
    Section,
    invalid,
)


def _check_pair(value: object) -> object:
    allowed = "must be two names of agents, or shell patterns of names: [FROM, TO]"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise invalid(allowed)
    if not all(isinstance(each, str) and 0 < len(each) <= 129 and each.isprintable() for each in value):
        raise invalid(allowed)
    return tuple(value)


Pair = Annotated[tuple[str, str], BeforeValidator(_check_pair)]
"""Two agents, by their names or by shell patterns of names such as flywheel_*."""
Seconds = Annotated[float, Range(0, 86400)]
Hours = Annotated[float, Range(0, 1e5, above_low=True)]
Number = Annotated[float, Range(-1e9, 1e9)]
_LATER = frozenset({AttackKind.DELAY, AttackKind.REPLAY})


class Outage(Section):
    """A time in which an agent can neither send nor receive."""

    agent: ScopedName
    """Name of the agent; GRID/NAME where a scenario has several grids."""
    start_s: Duration
    """Start after the simulation's start, s."""
    end_s: Duration
    """End after the simulation's start, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an outage that ends before it starts."""
        if self.end_s <= self.start_s:
            yield Conflict("end_s", self.end_s, f"must be above start_s = {self.start_s:g} s")


class LinkEntry(Section):
    """Links that are not like the others; what is left out is as with the others."""

    between: Pair
    """The two ends, names or shell patterns of names; an entry further down wins."""
    one_way: Flag = False
    """Whether only the direction from the first to the second is meant."""
    latency_s: Seconds | None = None
    """Delay of a message, s."""
    latency_jitter_s: Seconds | None = None
    """Spread of the delay, s."""
    loss: Probability | None = None
    """Probability that a message is lost."""
    duplication: Probability | None = None
    """Probability that a message arrives twice."""
    reordering: Probability | None = None
    """Probability that a message is overtaken by the next one."""


class Revocation(Section):
    """An agent whose certificate the authority takes back."""

    agent: ScopedName
    """Name of the agent; GRID/NAME where a scenario has several grids."""
    at_s: Duration
    """When, after the simulation's start, s."""
    until_s: Duration | None = None
    """When it joins again with a new key and certificate, s; null is never."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a return before the departure."""
        if self.until_s is not None and self.until_s <= self.at_s:
            yield Conflict("until_s", self.until_s, f"must be above at_s = {self.at_s:g} s")


class LinkSecurity(Section):
    """Links on which both sides show certificates, and what is sent is sealed: for simulation only."""

    links: Literal["all"] | list[Pair] = "all"
    """All links, or those between the pairs of names, or of shell patterns of names, that are listed."""
    authority: Name | None = None
    """Who issues the certificates; null is the operator of the grid above all others."""
    certificate_h: Hours = 720.0
    """How long a certificate is valid, h; it is renewed in time."""
    session_h: Hours = 24.0
    """How long keys agreed in a handshake are used, h."""
    revocations: list[Revocation] = Field(default_factory=list)
    """Agents whose certificates are taken back."""


class AttackSection(Section):
    """What an intruder on a link does."""

    link: Pair
    """From whom to whom, names or shell patterns of names."""
    kind: Literal["inject", "spoof", "alter", "replay", "delay", "flood"]
    """inject: send forged messages in a name of its own; spoof: in the sender's name, before the honest ones;
    alter: change the honest ones; replay: send them again; delay: hold them; flood: repeat the last one."""
    message: str | None = None
    """Name of a type of message; null is whatever passes, which forged messages cannot be."""
    field: str | None = None
    """Field of the message that is changed, a number or a series."""
    factor: Number | None = None
    """What its value is multiplied by; null is 1."""
    offset: Number | None = None
    """What is then added to it, in its own unit; null is 0."""
    probability: PositiveShare = 1.0
    """Probability that it is done to a message."""
    from_s: Duration = 0.0
    """When it begins, after the simulation's start, s."""
    until_s: Duration | None = None
    """When it ends, s; null is never, which a flood cannot be."""
    delay_s: Seconds | None = None
    """How much later a message arrives that is held or sent again, s."""
    rate_per_s: Annotated[float, Range(0, 1e4, above_low=True)] | None = None
    """Frames of a flood, 1/s."""

    @property
    def attack_kind(self) -> AttackKind:
        """Its kind as the links know it."""
        return AttackKind(self.kind)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield fields that are missing for its kind, or have no effect with it."""
        kind = self.attack_kind
        yield from self._forged() if kind in FORGING else self._not_forged()
        if self.message is not None and self.message not in message_types():
            yield Conflict("message", self.message, f"must be one of {', '.join(message_types())}")
        if self.until_s is not None and self.until_s <= self.from_s:
            yield Conflict("until_s", self.until_s, f"must be above from_s = {self.from_s:g} s")
        if kind in _LATER and not self.delay_s:
            yield Conflict("delay_s", self.delay_s, f"must be above 0 s for kind {self.kind}")
        if self.delay_s is not None and kind not in _LATER:
            yield Conflict("delay_s", self.delay_s, "must be left out unless kind is delay or replay")
        if kind is AttackKind.FLOOD:
            for field in ("rate_per_s", "until_s"):
                if getattr(self, field) is None:
                    yield Conflict(field, None, "must be given for a flood")
        elif self.rate_per_s is not None:
            yield Conflict("rate_per_s", self.rate_per_s, "must be left out unless kind is flood")

    def _forged(self) -> Iterator[Conflict]:
        kind = message_types().get(self.message or "")
        if self.message is None:
            yield Conflict("message", None, f"must be given for kind {self.kind}")
        elif kind is not None and self.field not in numeric_fields(kind):
            known = ", ".join(numeric_fields(kind)) or "nothing: it has no numbers"
            yield Conflict("field", self.field, f"must be one of {known}")
        if self.factor in (None, 1.0) and not self.offset:
            yield Conflict("factor", self.factor, "must differ from 1, or offset from 0, to change anything")

    def _not_forged(self) -> Iterator[Conflict]:
        for field in ("field", "factor", "offset"):
            if (value := getattr(self, field)) is not None:
                allowed = f"must be left out for kind {self.kind}, which changes nothing in a message"
                yield Conflict(field, value, allowed)


class Communication(Section):
    """The links between agents; the defaults are instant and lossless."""

    latency_s: Seconds = 0.0
    """Delay of a message, s."""
    latency_jitter_s: Seconds = 0.0
    """Spread of the delay, s."""
    loss: Probability = 0.0
    """Probability that a message is lost."""
    duplication: Probability = 0.0
    """Probability that a message arrives twice."""
    reordering: Probability = 0.0
    """Probability that a message is overtaken by the next one."""
    outages: list[Outage] = Field(default_factory=list)
    """Times in which single agents are cut off."""
    links: list[LinkEntry] = Field(default_factory=list)
    """Links of a quality of their own."""
    security: LinkSecurity | None = None
    """Links that are secured; null is none."""
    attacks: dict[Name, AttackSection] = Field(default_factory=dict)
    """Intruders on links, by the names of their attacks."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield delays that could be below nothing."""
        if self.latency_jitter_s > self.latency_s:
            allowed = f"must be at most latency_s = {self.latency_s:g} s"
            yield Conflict("latency_jitter_s", self.latency_jitter_s, allowed)
        for place, entry in enumerate(self.links):
            latency_s = self.latency_s if entry.latency_s is None else entry.latency_s
            jitter_s = self.latency_jitter_s if entry.latency_jitter_s is None else entry.latency_jitter_s
            if jitter_s > latency_s:
                allowed = f"must be at most latency_s = {latency_s:g} s"
                yield Conflict(f"links.{place}.latency_jitter_s", jitter_s, allowed)
