"""What all agents have in common: a name, an inbox, a behaviour, and handlers found by message type."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

import mesa
import numpy as np

from gridarium.agents.behaviour import Behaviour
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Place
from gridarium.environment.links import Envelope

Handler = TypeVar("Handler", bound=Callable[..., None])


def on(payload_type: type) -> Callable[[Handler], Handler]:
    """Mark a method ``method(self, payload, sender)`` as the handler of one type of message."""

    def mark(method: Handler) -> Handler:
        method.handles = payload_type  # type: ignore[attr-defined]
        return method

    return mark


class GridAgent(mesa.Agent):
    """An agent of the grid: private data, an inbox, a behaviour.

    - `process`: what it does on its own, as a SimPy process; override it
    - methods marked with `on`: what it does when a message arrives
    - `operate`, `meter`, `settle`: what it does in each settlement period; override them
    - `grid`: the grid it belongs to
    - `send`, `ask`: the only ways to reach another agent

    Parameters
    ----------
    place : Site or SpreadSite
        Where it stands; its grid tells the world it lives in.
    name : str
        Unique in its grid.
    behaviour : Behaviour, optional
        The exact one by default.
    """

    _handlers: Mapping[type, str] = {}

    def __init__(self, place: Place, name: str, behaviour: Behaviour | None = None) -> None:
        self.grid, self.world = place.grid, place.grid.world
        super().__init__(self.world)
        self.name = self.grid.named(name)
        self.behaviour = behaviour or Behaviour()
        self._awaited: set[str] = set()
        self._all_answered: Any = None
        self.world.bus.connect(self.name, self._receive)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        handlers = dict(cls._handlers)
        for name, member in vars(cls).items():
            if hasattr(member, "handles"):
                handlers[member.handles] = name
        cls._handlers = handlers

    def process(self) -> Generator[Any, Any, None] | None:
        """The agent's own activity; None where it only reacts."""
        return None

    def operate(self, period: int) -> None:
        """Act on the grid in a settlement period."""

    def meter(self, period: int) -> None:
        """Put on the grid what came about within a settlement period, before its physics is worked out."""

    def settle(self, period: int) -> None:
        """Look at the outcome of a settlement period and pay for it."""

    def start(self) -> None:
        """Set the agent going; called once by the world."""
        process = self.process()
        if process is not None:
            self.world.clock.process(process)

    def stream(self, purpose: str) -> np.random.Generator:
        """Random numbers of this agent for one purpose."""
        return self.world.streams.stream(f"{self.name}/{purpose}")

    def send(self, recipient: str, payload: Any) -> None:
        """Put a message on the bus."""
        self.world.bus.send(self.name, recipient, payload)

    def ask(
        self, payloads: Mapping[str, Any], timeout_s: float, resend_after_s: float
    ) -> Generator[Any, Any, frozenset[str]]:
        """Send to each recipient until it has answered or time is up; returns who stayed silent.

        An answer counts when its handler calls `answered`.
        """
        clock, deadline = self.world.clock, self.world.clock.now_s + timeout_s
        self._awaited = set(payloads)
        self._all_answered = clock.env.event()
        while self._awaited and clock.now_s < deadline:
            for recipient in payloads:
                if recipient in self._awaited:
                    self.send(recipient, payloads[recipient])
            pause = clock.timeout(min(resend_after_s, deadline - clock.now_s))
            yield self._all_answered | pause
        silent, self._awaited = frozenset(self._awaited), set()
        return silent

    def answered(self, sender: str) -> None:
        """Note that a recipient of `ask` has answered."""
        self._awaited.discard(sender)
        if not self._awaited and self._all_answered is not None and not self._all_answered.triggered:
            self._all_answered.succeed()

    def _receive(self, envelope: Envelope) -> None:
        handler = self._handlers.get(type(envelope.payload))
        if handler is None:
            kind = type(envelope.payload).__name__
            raise MessageError(f"agent {self.name}: no handler for {kind} from {envelope.sender}")
        getattr(self, handler)(envelope.payload, envelope.sender)
