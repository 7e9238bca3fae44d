"""When traders are to speak: the timetable of a period and of its minutes, s of the clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import MINUTE_S
from gridarium.environment.links import Envelope
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.seeded_draws import own_stream
from gridarium.experiments.parts.trading import trade_rules
from gridarium.market.messages.leasing import (
    Ask,
    Confirm,
    Introduction,
    Nomination,
    PoolOffer,
    PriceOffer,
)

_BEFORE_S = {Nomination: 240.0, PoolOffer: 225.0, Introduction: 135.0, Confirm: 8.0}
"""How long before a period each is first said."""
_TURNS_S, _LAST_S, _WAIT_S = 125.0, 8.0, 5.0
"""When turns begin and are over before a period, and how long a seller waits for bids."""
_TICK_S = 0.05
"""Sellers act at whole multiples of it."""
_SAID = (*_BEFORE_S, Ask, PriceOffer)


def off_times_s(known: GridEvidence, agents: Sequence[Prosumer]) -> float:
    """Most by which the first of each word was said too early or too late."""
    own = {one.name for one in known.agents}
    first: dict[tuple[Any, ...], Envelope] = {}
    for one, _ in known.world.bus.words:
        if one.sender in own and isinstance(one.payload, _SAID):
            key = one.sender, one.recipient, *_about(one.payload)
            if key not in first or one.sent_s < first[key].sent_s:
                first[key] = one
    table = _Timetable(known, agents)
    return max((table.off_s(one) for one in first.values()), default=0.0)


def _about(told: Any) -> tuple[Any, ...]:
    """What a word is about; said again it is the same."""
    if isinstance(told, PriceOffer):
        return PriceOffer, told.minute_s, told.round
    return type(told), told.period, told.turn if isinstance(told, Ask) else 0


class _Timetable:
    """The times of one grid's traders."""

    def __init__(self, known: GridEvidence, agents: Sequence[Prosumer]) -> None:
        self._world, self._rules = known.world, trade_rules(known.scenario)
        seed = self._world.streams.seed
        # Where in a turn, and in the first seconds of a minute, a seller speaks is drawn once.
        self._place = {one.name: float(own_stream(seed, f"{one.name}/turn").random()) for one in agents}

    def off_s(self, one: Envelope) -> float:
        """How far from its time a word was first said; of later rounds of a minute, out of the minute."""
        told = one.payload
        if isinstance(told, PriceOffer):
            return self._off_offer_s(one, told)
        begins_s: float = self._world.delivery_s + told.period * self._world.clock.period_s
        if isinstance(told, Ask):
            return abs(one.sent_s - self._turn_s(one.sender, begins_s, told.turn))
        due_s: float = max(0.0, begins_s - _BEFORE_S[type(told)])
        return abs(one.sent_s - due_s)

    def _turn_s(self, seller: str, begins_s: float, turn: int) -> float:
        length_s = (_TURNS_S - _LAST_S) / self._rules.turns
        spread_s = max(0.5 * length_s, length_s - 2.0 * _WAIT_S)
        moment_s = begins_s - _TURNS_S + (turn - 1) * length_s + self._place[seller] * spread_s
        return math.ceil(moment_s / _TICK_S) * _TICK_S

    def _off_offer_s(self, one: Envelope, told: PriceOffer) -> float:
        since_s = told.minute_s - self._world.delivery_s
        off_s = abs(since_s - round(since_s / MINUTE_S) * MINUTE_S)
        if told.round:
            return max(off_s, told.minute_s - one.sent_s, one.sent_s - told.minute_s - MINUTE_S)
        place_s = self._place[one.sender] * self._rules.spread_s
        due_s = told.minute_s + math.floor(place_s / _TICK_S) * _TICK_S
        return max(off_s, abs(one.sent_s - due_s))
