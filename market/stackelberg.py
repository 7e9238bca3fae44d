"""The rules of a leader-follower negotiation: when it ends, and what is kept of each round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["", "converged", "gate closed", "round limit"]


@dataclass(frozen=True)
class NegotiationRules:
    """When a leader stops asking.

    Parameters
    ----------
    opens_s, closes_s : float
        Gate in simulated time, s; the loop ends at the latest when it closes.
    price_tolerance_per_mwh : float
        Largest distance between the posted price and the one the answers call for.
    damping : float
        Share of that distance that the next price takes, in (0, 1].
    round_limit : int
    reply_timeout_s, resend_after_s : float
        How long answers are awaited in a round, and after what silence the signal is sent again.
    """

    opens_s: float
    closes_s: float
    price_tolerance_per_mwh: float
    damping: float
    round_limit: int
    reply_timeout_s: float
    resend_after_s: float

    def ending(self, round_: int, now_s: float, price_residual_per_mwh: float, missing: int) -> Ending:
        """Whether the loop ends after this round, and why; "" where it goes on."""
        if price_residual_per_mwh <= self.price_tolerance_per_mwh and not missing:
            return "converged"
        if now_s >= self.closes_s:
            return "gate closed"
        if round_ >= self.round_limit:
            return "round limit"
        return ""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a negotiation.

    Parameters
    ----------
    round : int
        From 1.
    time_s : float
        Simulated time at its end.
    price_change_per_mwh : float
        Largest distance between the posted price and the one that the answers call for.
    load_change_mw : float
        Largest change of the feeder's load since the round before.
    replies, missing : int
        Answers received, and followers that stayed silent.
    cut_rounds : int
        Rounds that the leader's cone solver took.
    profit_money : float
        What the leader would earn with these answers; nan where they were not dispatched.
    ended : str
        Empty until the last round.
    """

    round: int
    time_s: float
    price_change_per_mwh: float
    load_change_mw: float
    replies: int
    missing: int
    cut_rounds: int
    profit_money: float
    ended: Ending
