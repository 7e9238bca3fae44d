"""How a leader waits for answers: for all of a round, or for a while, with late ones in a later round."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Protocol

from gridarium.agents.base import GridAgent
from gridarium.agents.questions import Question
from gridarium.market.stackelberg import NegotiationRules

Heard = tuple[Mapping[str, Any], frozenset[str]]
"""What was replied, by follower, and who was asked and has let the time pass."""


class Listening(Protocol):
    """Sends what is posted in a round, and waits."""

    def listen(self, posted: Mapping[str, Any]) -> Generator[Any, Any, Heard]:
        """Send to each follower what is posted for it, and return what has come."""


class WaitForAll:
    """Waits until all have answered, or an answer has taken too long.

    Parameters
    ----------
    agent : GridAgent
        Who asks.
    rules : NegotiationRules
        How long an answer may take, and when a signal is sent again.
    """

    def __init__(self, agent: GridAgent, rules: NegotiationRules) -> None:
        self._agent, self._rules = agent, rules

    def listen(self, posted: Mapping[str, Any]) -> Generator[Any, Any, Heard]:
        """Ask all at once."""
        question = self._agent.ask(posted, self._rules.reply_timeout_s, self._rules.resend_after_s)
        silent = yield from question.answered()
        return question.replies, silent


class Correspondence:
    """Waits for one answer at least and a while at most; an answer that comes later counts when it comes.

    - `listen`: ask, and return the answers that have come since
    - `awaited`: who owes an answer

    Each follower owes one answer at a time: of who is asked again, only the answer to that counts.

    Parameters
    ----------
    agent : GridAgent
        Who asks.
    rules : NegotiationRules
        How long an answer may take, and when a signal is sent again.
    round_s : float
        How long a round waits once something has come, s.
    """

    def __init__(self, agent: GridAgent, rules: NegotiationRules, round_s: float) -> None:
        self._agent, self._rules, self._round_s = agent, rules, round_s
        self._awaited: dict[str, Question] = {}
        self._replies: dict[str, Any] = {}
        self._lost: set[str] = set()
        self._news = agent.world.clock.env.event()

    @property
    def awaited(self) -> frozenset[str]:
        """Who owes an answer."""
        return frozenset(self._awaited)

    def listen(self, posted: Mapping[str, Any]) -> Generator[Any, Any, Heard]:
        """Ask those for whom something is posted, and wait for anybody who owes an answer."""
        clock = self._agent.world.clock
        for name, payload in posted.items():
            question = self._agent.ask(
                {name: payload}, self._rules.reply_timeout_s, self._rules.resend_after_s
            )
            self._awaited[name] = question
            clock.process(self._await(name, question))
        ends_s = clock.now_s + self._round_s
        while self._awaited and (clock.now_s < ends_s or not (self._replies or self._lost)):
            left_s = ends_s - clock.now_s
            yield self._news | clock.timeout(left_s) if left_s > 0.0 else self._news
        replies, lost = self._replies, frozenset(self._lost)
        self._replies, self._lost = {}, set()
        return replies, lost

    def _await(self, name: str, question: Question) -> Generator[Any, Any, None]:
        silent = yield from question.answered()
        if self._awaited.get(name) is not question:
            return  # It was asked something newer meanwhile.
        del self._awaited[name]
        if silent:
            self._lost.add(name)
        else:
            self._replies |= question.replies
        news, self._news = self._news, self._agent.world.clock.env.event()
        news.succeed()
