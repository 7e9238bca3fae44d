"""What all agents have in common: a name, an inbox, a behaviour, and handlers found by message type."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import mesa
import numpy as np

from gridarium.agents.behaviour import Behaviour
from gridarium.agents.guarded import guarded
from gridarium.agents.questions import Asked, Question
from gridarium.agents.rows import Rows
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Place
from gridarium.environment.links import Envelope
from gridarium.market.stackelberg import NegotiationRules

Handler = TypeVar("Handler", bound=Callable[..., Any])


def on(*payload_types: type) -> Callable[[Handler], Handler]:
    """Mark a method ``method(self, payload, sender)`` as the handler of one or more types of messages.

    The method may be an agent's, or that of a part which an agent mounts. What it returns, unless that is
    None, is sent back: as the reply to the question that the message asks, or as a plain message to a
    plain message.
    """

    def mark(method: Handler) -> Handler:
        method.handles = payload_types  # type: ignore[attr-defined]
        return method

    return mark


class Listener:
    """Something with handlers, methods marked with `on`: an agent, or a part that an agent mounts.

    A handler of a subclass takes over from that of a base for the same type of message.

    Raises
    ------
    MessageError
        If one class marks two methods for one type of message.
    """

    _marked: ClassVar[Mapping[type, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found: dict[type, str] = {}
        for each in reversed(cls.__mro__):
            own: dict[type, str] = {}
            for name, member in vars(each).items():
                for payload_type in getattr(member, "handles", ()):
                    if payload_type in own:
                        both = f"{own[payload_type]} and {name}"
                        raise MessageError(f"{each.__name__}: {both} both handle {payload_type.__name__}")
                    own[payload_type] = name
            found |= own
        cls._marked = found

    def handlers(self) -> dict[type, Callable[[Any, str], Any]]:
        """Its handlers by type of message."""
        return {payload_type: getattr(self, name) for payload_type, name in self._marked.items()}


class GridAgent(Listener, mesa.Agent):
    """An agent of the grid: private data, an inbox, a behaviour.

    - `process`: what it does on its own, as a SimPy process; override it
    - methods marked with `on`: what it does when a message arrives
    - `mount`: let a part of it do that
    - `hears`: which messages are handled
    - `operate`, `meter`, `settle`: what it does in each settlement period; override them
    - `kind`, `rows`: what it is, and what it tells of itself for the tables of results; override them
    - `grid`: the grid it belongs to
    - `send`, `ask`, `reply`: the only ways to reach another agent

    Parameters
    ----------
    place : Site or SpreadSite
        Where it stands; its grid tells the world it lives in.
    name : str
        Unique in its grid.
    behaviour : Behaviour, optional
        The exact one by default.
    """

    kind: str = "agent"

    def __init__(self, place: Place, name: str, behaviour: Behaviour | None = None) -> None:
        self.grid, self.world = place.grid, place.grid.world
        super().__init__(self.world)
        self.name = self.grid.named(name)
        self.behaviour = guarded(behaviour or Behaviour())
        self._numbers = count(1)
        self._open_questions: dict[int, Question] = {}
        self._handled: Envelope | None = None
        self._handlers = self.handlers()
        self._connection = self.world.bus.connect(self.name, self._receive)

    def mount(self, part: Listener) -> None:
        """Let a part of the agent handle the messages that it has handlers for.

        Raises
        ------
        MessageError
            If the agent or a part mounted before handles one of them already.
        """
        for payload_type, handler in part.handlers().items():
            if payload_type in self._handlers:
                kinds = f"{payload_type.__name__} in {type(part).__name__}"
                raise MessageError(f"agent {self.name}: a second handler for {kinds}")
            self._handlers[payload_type] = handler

    @property
    def hears(self) -> Mapping[type, Callable[[Any, str], Any]]:
        """What handles each type of message that it takes, parts that it has mounted included."""
        return MappingProxyType(self._handlers)

    def process(self) -> Generator[Any, Any, None] | None:
        """The agent's own activity; None where it only reacts."""
        return None

    def operate(self, period: int) -> None:
        """Act on the grid in a settlement period."""

    def meter(self, period: int) -> None:
        """Put on the grid what came about within a settlement period, before its physics is worked out."""

    def settle(self, period: int) -> None:
        """Look at the outcome of a settlement period and pay for it."""

    def rows(self) -> Iterable[Rows]:
        """What it has to tell once the last period is settled, for the tables of results."""
        return ()

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
        self._connection.send(recipient, payload)

    def ask(self, payloads: Mapping[str, Any], timeout_s: float, resend_after_s: float) -> Question:
        """Put a question; any number of them may be open at once.

        ``silent = yield from question.answered()`` sends each recipient its payload, again after every
        `resend_after_s` without a reply, until all have replied or `timeout_s` is over. Then
        `question.replies` holds what they replied.
        """
        number = next(self._numbers)
        return Question(
            self.world.clock,
            self._connection,
            number,
            payloads,
            timeout_s,
            resend_after_s,
            self._open_questions,
        )

    def ask_until(self, rules: NegotiationRules, end_s: float, payloads: Mapping[str, Any]) -> Question:
        """A question that is open until all have answered or a time comes, and at least for one timeout."""
        left_s = max(rules.reply_timeout_s, end_s - self.world.clock.now_s)
        return self.ask(payloads, left_s, rules.resend_after_s)

    @property
    def handling(self) -> Any:
        """The message that is being handled; None while there is none."""
        return self._handled.payload if self._handled is not None else None

    @property
    def asked(self) -> Asked:
        """Who sent the message that is being handled and with which question, for a `reply` later on.

        Raises
        ------
        MessageError
            If no message is being handled.
        """
        if self._handled is None:
            raise MessageError(f"agent {self.name}: nothing is asked while no message is handled")
        return Asked(self._handled.sender, self._handled.question)

    def reply(self, asked: Asked, payload: Any) -> None:
        """Answer a question; a plain message is answered by a plain one."""
        asker, number = asked
        self._connection.send(asker, payload, question=number, answers=number is not None)

    def _receive(self, envelope: Envelope) -> None:
        if envelope.answers:
            question = self._open_questions.get(envelope.question or 0)
            if question is not None:
                question.hear(envelope.payload, envelope.sender)
            return
        handler = self._handlers.get(type(envelope.payload))
        if handler is None:
            kind = type(envelope.payload).__name__
            raise MessageError(f"agent {self.name}: no handler for {kind} from {envelope.sender}")
        self._handled = envelope
        reply = handler(envelope.payload, envelope.sender)
        if reply is not None:
            self.reply(Asked(envelope.sender, envelope.question), reply)
        self._handled = None
