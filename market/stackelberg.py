"""The rules of a leader-follower negotiation: when it ends, and what is kept of each round."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

Ending = Literal["", "converged", "other units", "cycle", "gate closed", "round limit"]
PATIENCE = 10
"""Rounds without progress after which a leader that watches for it takes shorter steps, or gives up."""


@dataclass(frozen=True)
class NegotiationRules:
    """When a leader stops asking.

    Parameters
    ----------
    opens_s, closes_s : float
        Gate in simulated time, s; the loop ends at the latest when it closes.
    tolerance : float
        Largest distance between what is posted and what the answers call for, in the unit in which the
        leader measures it: money/MWh where it sets a price.
    damping : float
        Share of that distance that the next signal takes, in (0, 1].
    memory : int
        Rounds before the last one whose answers the next signal draws on too; 0 takes the damped step.
    round_limit : int
    reply_timeout_s, resend_after_s : float
        How long answers are awaited in a round, and after what silence the signal is sent again.
    patience : int
        Rounds without progress after which price rounds of a TIES take shorter steps, and then end.
    """

    opens_s: float
    closes_s: float
    tolerance: float
    damping: float
    memory: int
    round_limit: int
    reply_timeout_s: float
    resend_after_s: float
    patience: int = PATIENCE

    def later(self, delay_s: float) -> NegotiationRules:
        """The same rules with a gate that opens and closes later."""
        return replace(self, opens_s=self.opens_s + delay_s, closes_s=self.closes_s + delay_s)

    def ending(self, round_: int, now_s: float, judged: Judgement) -> Ending:
        """Whether the loop ends after this round, and why; "" where it goes on."""
        if judged.distance <= self.tolerance and not judged.unheard:
            return "converged"
        if judged.stuck:
            return "cycle"
        if now_s >= self.closes_s:
            return "gate closed"
        if round_ >= self.round_limit:
            return "round limit"
        return ""


@dataclass(frozen=True)
class Judgement:
    """What a leader makes of the answers of a round; a leader may note more than this.

    Parameters
    ----------
    distance : float
        Largest distance between what was posted and what the answers call for, in the unit of the rules'
        tolerance; 0 at rest.
    unheard : int
        Followers whose answers it does not go by yet; as long as there are any it has not converged.
    stuck : bool
        Whether it goes round and comes no nearer to rest.
    """

    distance: float
    unheard: int
    stuck: bool


Judged_co = TypeVar("Judged_co", bound=Judgement, covariant=True)


@dataclass(frozen=True)
class Round(Generic[Judged_co]):
    """One round of a negotiation.

    Parameters
    ----------
    round : int
        From 1.
    time_s : float
        Simulated time at its end.
    judgement : Judgement
        Of the answers.
    replies, missing : int
        Answers received, and followers that stayed silent.
    ended : str
        Empty until the last round.
    cpu_s : float
        Process CPU time at its end, s: for who measures speed, as no two runs have the same.
    """

    round: int
    time_s: float
    judgement: Judged_co
    replies: int
    missing: int
    ended: Ending
    cpu_s: float = field(default=float("nan"), compare=False)
