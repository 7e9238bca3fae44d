"""The negotiation of a leader: post signals, listen, think, post again, until the rules end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent
from gridarium.agents.correspondence import Listening, WaitForAll
from gridarium.market.stackelberg import Ending, Judgement, NegotiationRules, Round

Signal = TypeVar("Signal")
Signal_co = TypeVar("Signal_co", covariant=True)
Answer_contra = TypeVar("Answer_contra", contravariant=True)
Judged = TypeVar("Judged", bound=Judgement)
Judged_co = TypeVar("Judged_co", bound=Judgement, covariant=True)


class Setter(Protocol[Signal_co, Answer_contra, Judged_co]):
    """Decides what a leader posts: what it plans with the answers is its own affair.

    Signals go by follower, since each may be told something else; rounds are numbered from 1.
    """

    def first(self, round_: int) -> Mapping[str, Signal_co]:
        """Signals of the first round, when no answers are known."""

    def judge(
        self, round_: int, answers: Mapping[str, Answer_contra], silent: frozenset[str], closing: bool
    ) -> Judged_co:
        """Think about the answers of a round; those of silent followers are missing.

        In a closing round the signals stay, whatever is answered.
        """

    def revise(self, round_: int) -> Mapping[str, Signal_co]:
        """Signals of a further round, after the answers that were judged last."""

    def settle(self, round_: int) -> Mapping[str, Signal_co] | None:
        """Signals of a closing round when the negotiation is over; None where those posted last stay."""


@dataclass(frozen=True)
class Led(Generic[Signal, Judged]):
    """How a negotiation ended.

    Parameters
    ----------
    signals : mapping of str to signal
        What was posted last, by follower.
    rounds : tuple of Round
        All of them; the last one tells why it was the last.
    """

    signals: Mapping[str, Signal]
    rounds: tuple[Round[Judged], ...]

    @property
    def ended(self) -> Ending:
        """Why it ended."""
        return self.rounds[-1].ended


def lead(
    agent: GridAgent,
    setter: Setter[Signal, Answer_contra, Judged],
    rules: NegotiationRules,
    rounds_before: int = 0,
    listening: Listening | None = None,
) -> Generator[Any, Any, Led[Signal, Judged]]:
    """Negotiate with followers; a part of the leader's process.

    Parameters
    ----------
    agent : GridAgent
        Who leads.
    setter : Setter
        Gets from answers to the next signals, and so says whom it leads.
    rules : NegotiationRules
        When it ends, and how long answers are awaited.
    rounds_before : int
        Rounds of an earlier negotiation that this one goes on from; they count in numbers only.
    listening : Listening, optional
        How it waits for answers; by default for all of a round.

    Returns
    -------
    Led

    Notes
    -----
    A follower that stays silent does not hold up the others for longer than a reply may take; but without
    it nothing converges, and the rounds go on until their limit or the gate.
    """
    clock, rounds = agent.world.clock, list[Round[Judged]]()
    waiting = listening or WaitForAll(agent, rules)
    signals: Mapping[str, Signal] | None = setter.first(rounds_before + 1)
    ended: Ending = ""
    while signals is not None:
        posted, closing, number = signals, bool(ended), rounds_before + len(rounds) + 1
        replies, silent = yield from waiting.listen(posted)
        judged = setter.judge(number, replies, silent, closing)
        ended = ended or rules.ending(len(rounds) + 1, clock.now_s, judged)
        counts = len(replies), len(silent)
        rounds.append(Round(number, clock.now_s, judged, *counts, ended, time.process_time()))
        if closing:
            signals = None
        else:
            signals = setter.settle(number + 1) if ended else setter.revise(number + 1)
    return Led(posted, tuple(rounds))


def round_rows(
    day: int, rounds: Sequence[Round[Judged]], measured: Callable[[Judged], Mapping[str, ArrayLike]]
) -> Iterator[dict[str, ArrayLike]]:
    """Give the rounds of a day as rows of the table `rounds`.

    Parameters
    ----------
    day : int
    rounds : sequence of Round
    measured : callable
        What the leader noted of the answers, by columns.
    """
    for one in rounds:
        yield {
            "day": day,
            "round": one.round,
            "time_s": one.time_s,
            **measured(one.judgement),
            "replies": one.replies,
            "missing": one.missing,
            "ended": one.ended,
        }
