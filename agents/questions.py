"""Questions between agents: a number, who has been asked, and who has replied what."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gridarium.environment.clock import Clock
    from gridarium.environment.connection import Connection


class Asked(NamedTuple):
    """Who has asked, and the number of the question; None where it was a plain message."""

    asker: str
    number: int | None


class Question:
    """What one agent asks others; it is open while `answered` runs, beside any others of the same agent.

    - `answered`: send and wait, as a SimPy process or a part of one
    - `replies`: what each has replied so far
    - `number`: travels with every message of the question, and is unique within who asks

    The first reply of each recipient counts. One that comes again, or after the question was closed, is
    dropped.

    Parameters
    ----------
    clock : Clock
    connection : Connection
        Of who asks.
    number : int
    payloads : mapping of str to message
        By recipient.
    timeout_s : float
        For how long it stays open at most, s.
    resend_after_s : float
        After which time it is sent again to whoever has not replied, s.
    open_questions : dict of int to Question
        Where the asker finds the question of a reply.
    """

    def __init__(
        self,
        clock: Clock,
        connection: Connection,
        number: int,
        payloads: Mapping[str, Any],
        timeout_s: float,
        resend_after_s: float,
        open_questions: dict[int, Question],
    ) -> None:
        self.number = number
        self._clock, self._connection, self._payloads = clock, connection, dict(payloads)
        self._timeout_s, self._resend_after_s = timeout_s, resend_after_s
        self._open_questions = open_questions
        self._heard: dict[str, Any] = {}
        self._complete: Any = clock.env.event()

    @property
    def replies(self) -> Mapping[str, Any]:
        """What was replied, by recipient, in the order of asking: sums do not depend on who was first."""
        return {name: self._heard[name] for name in self._payloads if name in self._heard}

    @property
    def silent(self) -> frozenset[str]:
        """Who has not replied."""
        return frozenset(self._payloads.keys() - self._heard.keys())

    def answered(self) -> Generator[Any, Any, frozenset[str]]:
        """Send to each recipient until it has replied or time is up; returns who stayed silent."""
        clock = self._clock
        deadline_s = clock.now_s + self._timeout_s
        self._open_questions[self.number] = self
        try:
            while self.silent and clock.now_s < deadline_s:
                for recipient, payload in self._payloads.items():
                    if recipient not in self._heard:
                        self._connection.send(recipient, payload, question=self.number)
                pause = clock.timeout(min(self._resend_after_s, deadline_s - clock.now_s))
                yield self._complete | pause
        finally:
            del self._open_questions[self.number]
        return self.silent

    def hear(self, payload: Any, sender: str) -> None:
        """Take a reply, unless its sender has replied before or was never asked."""
        if sender in self._payloads and sender not in self._heard:
            self._heard[sender] = payload
            if len(self._heard) == len(self._payloads):
                self._complete.succeed()
