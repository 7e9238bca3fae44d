"""Intruders: what can be done to frames by somebody who sits on a link, whoever talks over it."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any, Protocol

import numpy as np

from gridarium.environment.alteration import Alteration
from gridarium.environment.clock import Clock
from gridarium.environment.errors import GridariumError, MessageError
from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.wire import Inject, Intrusion, Parcel


class AttackKind(StrEnum):
    """What an intruder does."""

    INJECT = "inject"
    """Sends a forged message in a name of its own."""
    SPOOF = "spoof"
    """Sends a forged message in the sender's name, which arrives right before the honest one."""
    ALTER = "alter"
    """Changes the honest message."""
    REPLAY = "replay"
    """Sends the honest message once more, later."""
    DELAY = "delay"
    """Holds the honest message back."""
    FLOOD = "flood"
    """Sends the last message that has passed again and again."""


FORGING = frozenset({AttackKind.INJECT, AttackKind.SPOOF, AttackKind.ALTER})
"""Attacks that say what nobody honest has said."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What an intruder does to which messages, and when.

    Parameters
    ----------
    name : str
    kind : AttackKind
    message : str, optional
        Name of the type of message; all that passes is meant if left out.
    alteration : Alteration, optional
        Of forged messages.
    probability : float
        That it is done to a message, in (0, 1].
    from_s, until_s : float
        It is done in [from_s, until_s), clock times, s.
    delay_s : float
        How much later, s, for a replay or a delay.
    rate_per_s : float
        Of a flood, 1/s.
    """

    name: str
    kind: AttackKind
    message: str | None = None
    alteration: Alteration | None = None
    probability: float = 1.0
    from_s: float = 0.0
    until_s: float = math.inf
    delay_s: float = 0.0
    rate_per_s: float = 0.0

    @property
    def own_name(self) -> str:
        """The name in which its intruder speaks when it speaks for itself."""
        return f"intruder {self.name}"


class Forger(Protocol):
    """Makes frames for a secured link without a key of either end."""

    def watch(self, frame: Any) -> None:
        """Look at a frame that passes."""

    def forged(self, message: Envelope, now_s: float) -> tuple[Any, str]:
        """Return a frame that is to pass for one with this message, and how it was made, in words."""

    def altered(self, frame: Any) -> tuple[Any, str]:
        """Return a frame that differs from an honest one, and how it was made, in words."""


class LinkIntruder:
    """Carries out one attack on one direction of a link.

    Parameters
    ----------
    attack : Attack
    clock : Clock
    stream : Generator
        Decides to which messages it is done.
    forger : Forger, optional
        For a secured link.

    Raises
    ------
    MessageError
        If a type of message does not allow what a field of it is changed to.

    Notes
    -----
    It knows what every frame says, sealed or not, which makes it stronger than one that would have to guess:
    on a secured link it lacks the keys alone. What it makes takes as long as the frame that it has just seen,
    and the link does not lose it.
    """

    def __init__(
        self, attack: Attack, clock: Clock, stream: np.random.Generator, forger: Forger | None = None
    ) -> None:
        self._attack, self._clock, self._stream = attack, clock, stream
        self._forger = forger
        self._last: tuple[Parcel, float] | None = None
        self._is_secured = False

    def sits_on(self, sender: str, recipient: str, is_secured: bool, inject: Inject) -> None:
        """Begin."""
        self._link, self._is_secured, self._inject = f"{sender} -> {recipient}", is_secured, inject

    def sees(self, parcel: Parcel, delay_s: float) -> tuple[Parcel, float]:
        """Return what goes on in place of a parcel that passes, and after which delay, s."""
        attack = self._attack
        if self._forger is not None:
            self._forger.watch(parcel.frame)
        if not self._is_meant(parcel):
            return parcel, delay_s
        match attack.kind:
            case AttackKind.ALTER:
                return self._altered(parcel), delay_s
            case AttackKind.DELAY:
                held = parcel._replace(intrusion=self._intrusion(parcel.topic, f"held {attack.delay_s:g} s"))
                return held, delay_s + attack.delay_s
            case AttackKind.REPLAY:
                self._repeat(parcel, delay_s + attack.delay_s, "sent again")
            case AttackKind.FLOOD:
                begins, self._last = self._last is None, (parcel, delay_s)
                if begins:
                    self._clock.process(self._flood())
            case _ if parcel.says is not None:
                self._forge(parcel.says, delay_s)
        return parcel, delay_s

    def _is_meant(self, parcel: Parcel) -> bool:
        attack = self._attack
        if not attack.from_s <= self._clock.now_s < attack.until_s:
            return False
        if attack.message is not None:
            payload = None if parcel.says is None else parcel.says.payload
            if type(payload).__name__ != attack.message:
                return False
            if attack.alteration is not None and getattr(payload, attack.alteration.field) is None:
                return False
        return bool(self._stream.random() < attack.probability)

    def _intrusion(self, message: str, what: str) -> Intrusion:
        kind = self._attack.kind
        repeats = kind in (AttackKind.REPLAY, AttackKind.FLOOD)
        return Intrusion(
            self._attack.name,
            self._clock.now_s,
            self._link,
            message,
            what,
            kind in FORGING,
            repeats,
            self._is_secured,
        )

    def _changed(self, message: Envelope) -> Envelope:
        alteration = self._attack.alteration
        if alteration is None:
            return message
        try:
            return message._replace(payload=alteration.of(message.payload))
        except GridariumError as error:
            place = f"attack {self._attack.name} on {self._link}"
            raise MessageError(
                f"{place}: {message.topic} allows no such {alteration.field}: {error}"
            ) from error

    def _altered(self, parcel: Parcel) -> Parcel:
        if self._forger is not None:
            frame, what = self._forger.altered(parcel.frame)
            return parcel._replace(frame=frame, intrusion=self._intrusion(parcel.topic, what))
        changed = self._changed(parcel.frame)
        return parcel._replace(frame=changed, intrusion=self._intrusion(parcel.topic, "altered"))

    def _forge(self, message: Envelope, delay_s: float) -> None:
        forged = self._changed(message)
        whose = "the sender's name"
        if self._attack.kind is AttackKind.INJECT:
            forged = forged._replace(sender=self._attack.own_name)
            whose = "its own name"
        frame, what = forged, f"forged in {whose}"
        if self._forger is not None:
            frame, how = self._forger.forged(forged, self._clock.now_s)
            what = f"{what}, {how}"
        says = None if getattr(frame, "kind", "") == "hello" else forged
        self._inject(Parcel(frame, says, False, self._intrusion(forged.topic, what)), delay_s)

    def _repeat(self, parcel: Parcel, delay_s: float, what: str) -> None:
        copy = parcel._replace(is_sent=False, intrusion=self._intrusion(parcel.topic, what))
        self._inject(copy, delay_s)

    def _flood(self) -> Generator[Any, Any, None]:
        begun_s = self._clock.now_s
        for number in count(1):
            next_s = begun_s + number / self._attack.rate_per_s
            if next_s >= self._attack.until_s or self._last is None:
                return
            yield self._clock.wait_until(next_s)
            self._repeat(*self._last, "sent again in a flood")


def stream_of(attack: Attack, sender: str, recipient: str, streams: RandomStreams) -> np.random.Generator:
    """Draws of an attack on one direction of a link."""
    return streams.stream(f"attack {attack.name}, {sender!r} -> {recipient!r}")
