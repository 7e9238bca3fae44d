"""When the operator of a feeder negotiates with its followers, and when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from gridarium.environment.clock import HOUR_S
from gridarium.environment.errors import Fault
from gridarium.experiments.parts.part import GridScenario, Part
from gridarium.experiments.schema.fields import Conflict, Money, PositiveShare, Range, Section
from gridarium.market.stackelberg import NegotiationRules

if TYPE_CHECKING:
    from gridarium.environment.commons import Commons
    from gridarium.experiments.schema.communication import Communication


class Negotiation(Section):
    """When agents negotiate, and when they stop."""

    opens_h_before: Annotated[float, Range(0, 168, above_low=True)] = 4.0
    """Opening of the negotiation before the delivery day, h."""
    closes_h_before: Annotated[float, Range(0, 168)] = 1.0
    """Gate closure before the delivery day, h."""
    price_tolerance_per_mwh: Annotated[float, Range(0, 1000, above_low=True), Money()] = 0.01
    """Largest price change that counts as converged, money/MWh."""
    damping: PositiveShare = 0.5
    """Share of each new signal that is taken over; 1 is undamped."""
    memory: Annotated[int, Range(0, 20)] = 5
    """Earlier rounds whose answers the next price draws on too; 0 takes the damped step alone."""
    round_limit: Annotated[int, Range(1, 100_000)] = 60
    """Most rounds of publishing and replying."""
    reply_timeout_s: Annotated[float, Range(0, 86400, above_low=True)] = 5.0
    """How long the leader waits for replies in a round, s."""
    resend_after_s: Annotated[float, Range(0.01, 86400)] = 1.0
    """After which silence a signal is sent again, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a gate that closes before it opens, or so late that delivery overtakes the outcome."""
        # After the gate, forecasts, the last round, the final tariff and the orders may each take a timeout.
        least = 4.0 * self.reply_timeout_s / 3600.0
        if self.closes_h_before >= self.opens_h_before:
            allowed = f"must be below opens_h_before = {self.opens_h_before:g} h"
            yield Conflict("closes_h_before", self.closes_h_before, allowed)
        elif self.closes_h_before < least:
            allowed = f"must be at least {least:.4g} h, four times reply_timeout_s"
            yield Conflict("closes_h_before", self.closes_h_before, allowed)


def answers_come_in_time(case: GridScenario) -> Iterator[Fault]:
    """Yield a latency by which no question is answered between opening and gate closure, on any link."""
    if NEGOTIATION.hangs_on(case):
        timing = NEGOTIATION.of(case)
        yield from unanswered(case.communication, timing.opens_h_before - timing.closes_h_before)


def unanswered(links: Communication, window_h: float) -> Iterator[Fault]:
    """Yield a latency by which no question is answered within some hours, unless links have their own."""
    most_s = 0.5 * HOUR_S * window_h
    if not links.links and links.latency_s - links.latency_jitter_s >= most_s:
        allowed = f"must be below {most_s:g} s, half of what passes from opening to closure: nobody answers"
        yield Fault("communication.latency_s", links.latency_s, allowed)


def negotiation_rules(scenario: GridScenario, world: Commons) -> NegotiationRules:
    """Times and tolerances of the negotiation of the first day, s after the start of the world."""
    timing = NEGOTIATION.of(scenario)
    return NegotiationRules(
        opens_s=world.delivery_s - timing.opens_h_before * HOUR_S,
        closes_s=world.delivery_s - timing.closes_h_before * HOUR_S,
        tolerance=timing.price_tolerance_per_mwh,
        damping=timing.damping,
        memory=timing.memory,
        round_limit=timing.round_limit,
        reply_timeout_s=timing.reply_timeout_s,
        resend_after_s=timing.resend_after_s,
    )


NEGOTIATION: Part[Negotiation] = Part(
    field="negotiation",
    annotation=Negotiation,
    default=Negotiation(),
    meaning="When the operator of a feeder negotiates, and when it stops.",
    under=("dso", "distribution_operator"),
    checks=(
        (frozenset({"negotiation", "communication", "dso", "distribution_operator"}), answers_come_in_time),
    ),
)
