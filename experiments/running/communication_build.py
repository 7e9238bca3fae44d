"""From what a scenario says of links to the links of a world: quality, security, intruders, outages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial

from gridarium.environment.alteration import Alteration
from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.forgery import FrameForger
from gridarium.environment.intrusion import Attack, AttackKind, LinkIntruder, stream_of
from gridarium.environment.links import LinkQuality
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.world import World
from gridarium.experiments.schema.communication import AttackSection, Communication, LinkEntry, LinkSecurity
from gridarium.experiments.schema.scenario import Scenario

Ends = tuple[str, str]
_HELD_S = LinkQuality().hold_s


def link_quality(links: Communication) -> LinkQuality:
    """Quality of all links between agents that no entry names."""
    return LinkQuality(
        links.latency_s, links.latency_jitter_s, links.loss, links.duplication, links.reordering
    )


def set_up_links(world: World, case: Scenario, operator: str | None) -> None:
    """Give the links of a world full of agents what the scenario says of them.

    Parameters
    ----------
    world : World
    case : Scenario
    operator : str, optional
        Authority of secured links unless the scenario names another.

    Raises
    ------
    ScenarioError
        If a name or a pattern is that of no agents; carries all such faults.
    """
    names = sorted(agent.name for agent in world.agents)
    told = case.communication
    authority = operator if told.security is None else told.security.authority or operator
    faults = list(_unknown(told, names))
    if told.security is not None and authority is None:
        allowed = "must be given where no grid above all others has an operator"
        faults.append(Fault("communication.security.authority", None, allowed))
    if faults:
        raise ScenarioError(case.title or "scenario", faults)
    for entry in told.links:
        for sender, recipient in _both_ways(_pairs(entry.between, names), entry.one_way):
            world.bus.set_link(sender, recipient, _quality(entry, told))
    for outage in told.outages:
        world.bus.add_outage(outage.agent, outage.start_s, outage.end_s)
    if told.security is not None:
        assert authority is not None
        _secure(world, told, told.security, authority, names)
    for name, section in told.attacks.items():
        _attack(world, _attack_of(name, section), _pairs(section.link, names), authority or name)


def _unknown(told: Communication, names: Sequence[str]) -> Iterator[Fault]:
    """Names of agents that do not exist, and patterns that match no pair of agents."""
    single = [(f"outages.{place}.agent", one.agent) for place, one in enumerate(told.outages)]
    pairs = [(f"links.{place}.between", one.between) for place, one in enumerate(told.links)]
    if told.security is not None and not isinstance(told.security.links, str):
        pairs += [(f"security.links.{place}", one) for place, one in enumerate(told.security.links)]
    pairs += [(f"attacks.{name}.link", one.link) for name, one in told.attacks.items()]
    for place, name in single:
        if name not in names:
            yield Fault(f"communication.{place}", name, f"must be one of {', '.join(names)}")
    if told.security is not None:
        secured = _secured_pairs(told.security, names)
        members = names if secured is None else _ends_of(secured)
        for number, one in enumerate(told.security.revocations):
            if one.agent not in members:
                allowed = f"must be on a secured link, one of {', '.join(members)}"
                yield Fault(f"communication.security.revocations.{number}.agent", one.agent, allowed)
    for place, pair in pairs:
        if not _pairs(pair, names):
            allowed = f"must be two agents, of {', '.join(names)}"
            yield Fault(f"communication.{place}", list(pair), allowed)


def _pairs(patterns: Ends, names: Iterable[str]) -> list[Ends]:
    """Pairs of different agents whose names match, from the first to the second."""
    first, second = ([name for name in names if fnmatchcase(name, pattern)] for pattern in patterns)
    return [(one, other) for one in first for other in second if one != other]


def _both_ways(pairs: Iterable[Ends], one_way: bool) -> Iterator[Ends]:
    for one, other in pairs:
        yield one, other
        if not one_way:
            yield other, one


def _quality(entry: LinkEntry, told: Communication) -> LinkQuality:
    fields = ("latency_s", "latency_jitter_s", "loss", "duplication", "reordering")
    own = {field: getattr(entry, field) for field in fields}
    return LinkQuality(
        **{field: getattr(told, field) if value is None else value for field, value in own.items()}
    )


def _secure(
    world: World, told: Communication, security: LinkSecurity, authority_name: str, names: Sequence[str]
) -> None:
    authority = Authority(authority_name, world.streams, security.certificate_h * HOUR_S)
    qualities = [link_quality(told), *(_quality(entry, told) for entry in told.links)]
    grace_s = max(quality.slowest_s for quality in qualities) + _HELD_S
    pairs = _secured_pairs(security, names)
    chosen = names if pairs is None else _ends_of(pairs)
    session_s = security.session_h * HOUR_S
    ends = {name: Endpoint(name, authority, world.streams, session_s, grace_s) for name in chosen}
    world.bus.secure(ends, pairs)
    for revocation in security.revocations:
        _at(world, revocation.at_s, partial(authority.revoke, revocation.agent))
        if revocation.until_s is not None:
            _at(world, revocation.until_s, partial(_joins_again, world, authority, ends[revocation.agent]))


def _secured_pairs(security: LinkSecurity, names: Sequence[str]) -> set[frozenset[str]] | None:
    """Pairs of agents whose link is secured; None for all."""
    if isinstance(security.links, str):
        return None
    return {frozenset(pair) for patterns in security.links for pair in _pairs(patterns, names)}


def _ends_of(pairs: Iterable[frozenset[str]]) -> list[str]:
    return sorted({name for pair in pairs for name in pair})


def _joins_again(world: World, authority: Authority, end: Endpoint) -> None:
    authority.reinstate(end.name)
    end.join(world.clock.now_s)


def _at(world: World, t_s: float, act: Callable[[], None]) -> None:
    world.clock.wait_until(t_s).callbacks.append(lambda _event: act())


def _attack_of(name: str, section: AttackSection) -> Attack:
    alteration = None
    if section.field is not None:
        factor = 1.0 if section.factor is None else section.factor
        alteration = Alteration(section.field, factor, section.offset or 0.0)
    return Attack(
        name,
        section.attack_kind,
        section.message,
        alteration,
        section.probability,
        section.from_s,
        float("inf") if section.until_s is None else section.until_s,
        section.delay_s or 0.0,
        section.rate_per_s or 0.0,
    )


def _attack(world: World, attack: Attack, pairs: Iterable[Ends], authority: str) -> None:
    if attack.kind is AttackKind.INJECT:
        # What is answered to it leads nowhere.
        world.bus.connect(attack.own_name, lambda _envelope: None)
    for sender, recipient in pairs:
        stream = stream_of(attack, sender, recipient, world.streams)
        forger = None
        if world.bus.is_secured(sender, recipient):
            forger = FrameForger(
                authority, world.streams.stream(f"forger of {attack.name}, {sender}, {recipient}")
            )
        world.bus.tap(sender, recipient, LinkIntruder(attack, world.clock, stream, forger))
