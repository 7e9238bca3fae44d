"""What passed between an operator and its supplier, word for word, so that either can be run alone on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent
from gridarium.agents.questions import Asked
from gridarium.agents.rows import Rows, columns_of
from gridarium.environment.links import Envelope
from gridarium.market.message_text import text_of


@dataclass(frozen=True)
class Letter:
    """A message from a supplier, or the answer to one.

    Parameters
    ----------
    number : int
        Of the question of the supplier; -1 where it was a plain message.
    is_answer : bool
        Whether the operator below has said it.
    sent_s : float
        Clock time, s.
    message : dataclass
    """

    number: int
    is_answer: bool
    sent_s: float
    message: Any


class LetterWriter(GridAgent):
    """An agent that keeps what it hears from its supplier, and what it answers, where that is an agent too.

    - `letters`: in the order in which they came and went; one that came or went again is kept once
    - `letter_rows`: the same for the tables

    A class of its own tells `supplier`.
    """

    supplier: str

    @property
    def letters(self) -> list[Letter]:
        """What was said so far."""
        return list(self._kept.values())

    @property
    def _kept(self) -> dict[tuple[Any, ...], Letter]:
        found: dict[tuple[Any, ...], Letter] = self.__dict__.setdefault("_letters", {})
        return found

    def _receive(self, envelope: Envelope) -> None:
        if envelope.sender == self.supplier and not envelope.answers:
            self._keep(envelope.question, False, envelope.sent_s, envelope.payload)
        super()._receive(envelope)

    def reply(self, asked: Asked, payload: Any) -> None:
        """Answer a question, and keep what its supplier is told."""
        if asked.asker == self.supplier:
            self._keep(asked.number, True, self.world.clock.now_s, payload)
        super().reply(asked, payload)

    def _keep(self, number: int | None, is_answer: bool, sent_s: float, message: Any) -> None:
        if self.grid.above is None:
            return
        key = (len(self._kept), is_answer) if number is None else (number, type(message), is_answer)
        self._kept.setdefault(key, Letter(-1 if number is None else number, is_answer, sent_s, message))

    def letter_rows(self) -> Iterator[Rows]:
        """Every letter as text; none where nobody stands above."""
        told: list[dict[str, ArrayLike]] = [
            {
                "question": one.number,
                "is_answer": one.is_answer,
                "sent_s": one.sent_s,
                "topic": type(one.message).__name__,
                "content": text_of(one.message),
            }
            for one in self.letters
        ]
        if told:
            yield Rows("letters", columns_of(told), by="row")
