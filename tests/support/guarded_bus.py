"""A bus of three names whose links are secured on demand, with intruders on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridarium.environment.alteration import Alteration
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.forgery import FrameForger
from gridarium.environment.intrusion import Attack, LinkIntruder, stream_of
from gridarium.environment.links import Envelope, LinkQuality
from gridarium.environment.message_bus import MessageBus
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.endpoint import Endpoint

CHANGE = Alteration("number", 1.0, 1_000_000.0)


@dataclass(frozen=True, slots=True)
class Order:
    number: int


class GuardedBus:
    """Names "a", "b", "c" that keep the envelopes they get; "a" can send orders at given times."""

    def __init__(
        self,
        secured: bool,
        quality: LinkQuality | None = None,
        seed: int = 1,
        session_s: float = HOUR_S,
        end: type[Endpoint] = Endpoint,
    ) -> None:
        self.clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), HOUR_S)
        self.streams = RandomStreams(seed)
        self.bus = MessageBus(self.clock, self.streams, quality)
        self.bus.record = True
        self.got: dict[str, list[Envelope]] = {name: [] for name in "abc"}
        self.connections = {name: self.bus.connect(name, self.got[name].append) for name in "abc"}
        self.authority = Authority("a", self.streams, 24 * HOUR_S)
        grace_s = 1.0 + (quality or LinkQuality()).slowest_s
        self.ends = {name: end(name, self.authority, self.streams, session_s, grace_s) for name in "abc"}
        if secured:
            self.bus.secure(self.ends)

    def attack(self, attack: Attack, sender: str = "a", recipient: str = "b") -> None:
        stream = stream_of(attack, sender, recipient, self.streams)
        secured = self.bus.is_secured(sender, recipient)
        forger = FrameForger("a", self.streams.stream(f"forger of {attack.name}")) if secured else None
        self.bus.tap(sender, recipient, LinkIntruder(attack, self.clock, stream, forger))

    def send(self, n_order: int, each_s: float = 1.0, sender: str = "a", recipient: str = "b") -> GuardedBus:
        """Send orders 0, 1, 2, ... in a regular beat from now on."""
        connection = self.connections[sender]
        for number in range(n_order):
            event = self.clock.timeout(number * each_s)
            event.callbacks.append(lambda _, number=number: connection.send(recipient, Order(number)))
        return self

    def run(self, until_s: float = HOUR_S) -> GuardedBus:
        self.clock.run_until(until_s)
        return self

    def numbers(self, recipient: str = "b") -> list[int]:
        return [envelope.payload.number for envelope in self.got[recipient]]

    def outcomes(self) -> dict[str, int]:
        counted: dict[str, Any] = self.bus.intrusions()["outcome"].value_counts().to_dict()
        return counted
