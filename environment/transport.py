"""What carries envelopes over links by the clock: delays, losses, copies, outages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridarium.environment.clock import Clock
from gridarium.environment.errors import MessageError
from gridarium.environment.links import Envelope, Fate, Held, LatencyDraw, Link, LinkQuality
from gridarium.environment.random_streams import RandomStreams


class Transport:
    """Links by their two ends, and the events that make envelopes arrive.

    - `links`: those that were used or set so far, by their two ends
    - `link`, `link_of_handshakes`, `set_link`: the link between two names, and its quality
    - `add_outage`, `is_out`: times in which a name is cut off
    - `carry`: let an envelope have the fate that its link drew
    - `schedule`: let an envelope arrive after a delay, whatever the link
    - `is_guarded`, `look_again`: which links have more to them than their quality
    - `expect`, `last_arrival_s`: clock time at which the last envelope that is on its way arrives, s

    Parameters
    ----------
    clock : Clock
    streams : RandomStreams
        Each link draws from the stream of its own name, so a further link changes no other.
    quality : LinkQuality
        Of all links that `set_link` does not name.
    arrives, arrives_again : callable
        Called with the SimPy event whose value is the envelope that arrives, or its copy.
    lose : callable
        Called with an envelope that never arrives.
    """

    def __init__(
        self,
        clock: Clock,
        streams: RandomStreams,
        quality: LinkQuality,
        arrives: Callable[[Any], None],
        arrives_again: Callable[[Any], None],
        lose: Callable[[Envelope], None],
    ) -> None:
        self.last_arrival_s = 0.0
        self.outages: dict[str, list[tuple[float, float]]] = {}
        self.is_guarded: Callable[[str, str], bool] = lambda _sender, _recipient: False
        self._env = clock.env
        self._streams = streams
        self._quality = quality
        self._arrives, self._arrives_again, self._lose = arrives, arrives_again, lose
        self.links: dict[tuple[str, str], Link] = {}
        self._handshakes: dict[tuple[str, str], Link] = {}

    def link(self, sender: str, recipient: str) -> Link:
        """One direction between two names, with the default quality unless it was given its own."""
        found = self.links.get((sender, recipient))
        return found if found is not None else self.set_link(sender, recipient, self._quality)

    def link_of_handshakes(self, sender: str, recipient: str) -> Link:
        """What steps of handshakes take in one direction between two names."""
        found = self._handshakes.get((sender, recipient))
        if found is None:
            found = self._handshakes[sender, recipient] = self.link(sender, recipient).for_handshakes()
        return found

    def set_link(
        self, sender: str, recipient: str, quality: LinkQuality, latency: LatencyDraw | None = None
    ) -> Link:
        """Give one direction its own quality; `MessageBus.set_link` says more."""
        link = Link(f"link {sender!r} -> {recipient!r}", quality, latency, self._streams)
        link.is_guarded = self.is_guarded(sender, recipient)
        self.links[sender, recipient] = link
        self._handshakes.pop((sender, recipient), None)
        return link

    def look_again(self) -> None:
        """Ask anew which links are guarded."""
        for ends, link in self.links.items():
            link.is_guarded = self.is_guarded(*ends)

    def expect(self, arrival_s: float) -> None:
        """Count on something to arrive by a clock time, s."""
        self.last_arrival_s = max(self.last_arrival_s, arrival_s)

    def add_outage(self, name: str, start_s: float, end_s: float) -> None:
        """Cut a name off; `MessageBus.add_outage` says more."""
        if not start_s < end_s:
            raise MessageError(f"outage of {name}: end_s must be in ({start_s}, inf] s, got {end_s} s")
        self.outages.setdefault(name, []).append((start_s, end_s))

    def is_out(self, name: str, t_s: float) -> bool:
        """Whether a name is cut off at clock time t_s, s."""
        return any(start_s <= t_s < end_s for start_s, end_s in self.outages.get(name, ()))

    def carry(self, link: Link, envelope: Envelope, fate: Fate) -> None:
        """Let an envelope that is put on its link now have its fate."""
        delay_s, lost, duplicated, held_back = fate
        if lost or (self.outages and self._is_cut(envelope)):
            self._lose(envelope)
        elif (held := link.held) is not None:
            link.held = None
            self.schedule(envelope, delay_s, duplicated)
            self._schedule_behind(held, self._env.now, delay_s)
        elif held_back:
            self._hold_back(link, envelope, duplicated)
        else:
            self.schedule(envelope, delay_s, duplicated)

    def schedule(self, envelope: Envelope, delay_s: float, duplicated: bool = False) -> None:
        """Let an envelope arrive after a delay, s, and a copy right behind it."""
        if (arrival_s := self._env.now + delay_s) > self.last_arrival_s:
            self.last_arrival_s = arrival_s
        self._env.timeout(delay_s, envelope).callbacks.append(self._arrives)
        if duplicated:
            self._env.timeout(delay_s, envelope).callbacks.append(self._arrives_again)

    def _is_cut(self, envelope: Envelope) -> bool:
        now_s = self._env.now
        return self.is_out(envelope.sender, now_s) or self.is_out(envelope.recipient, now_s)

    def _hold_back(self, link: Link, envelope: Envelope, duplicated: bool) -> None:
        link.held = envelope, duplicated

        def release_alone(_event: Any) -> None:
            if link.held is not None and link.held[0] is envelope:
                link.held = None
                self.schedule(envelope._replace(delivered_s=self._env.now), 0.0, duplicated)

        wait_s = envelope.delivered_s - self._env.now + link.hold_s
        self.expect(self._env.now + wait_s)
        self._env.timeout(wait_s).callbacks.append(release_alone)

    def _schedule_behind(self, held: Held, now_s: float, overtaking_delay_s: float) -> None:
        envelope, duplicated = held
        delay_s = max(overtaking_delay_s, envelope.delivered_s - now_s)
        self.schedule(envelope._replace(delivered_s=now_s + delay_s), delay_s, duplicated)
