"""Outer rounds of a nested negotiation as its feeders have them on record, and whether they go round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gridarium.agents.letters import Letter, LetterWriter
from gridarium.environment.arrays import Array
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

TOLERANCE = 1e-3
"""Within which prices and loads come back, relative to the largest of each."""
LONGEST_PERIOD = 12
"""Rounds of a turn, at most."""


class HeardRound(NamedTuple):
    """What feeders were told in a round, and what they have answered.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_step,)
        Of energy, the same for all.
    loads_mw : ndarray, shape (n_feeder, n_step)
    """

    price_per_mwh: Array
    loads_mw: Array


class Turn(NamedTuple):
    """A turn of rounds that comes back.

    Parameters
    ----------
    period : int
        Rounds of it.
    price_size : float
        How far prices differ on the way round, relative to the largest.
    load_sizes : mapping of str to float
        How far loads of each feeder do, relative to the largest of any feeder.
    """

    period: int
    price_size: float
    load_sizes: Mapping[str, float]

    @property
    def told(self) -> str:
        """In words."""
        loads = ", ".join(f"{name} {100 * size:.2g} %" for name, size in self.load_sizes.items())
        return (
            f"goes round in {self.period} rounds, prices by {100 * self.price_size:.2g} %, loads by {loads}"
        )


def heard_rounds(feeders: Sequence[LetterWriter], day: int = 0) -> dict[int, HeardRound]:
    """The rounds of a day by number, from the letters of all feeders; those that all of them have answered.

    Parameters
    ----------
    feeders : sequence of LetterWriter
        Operators that one leader leads.
    day : int
    """
    told = [_by_round(feeder.letters, day) for feeder in feeders]
    complete = sorted(set.intersection(*map(set, told))) if told else []
    return {
        number: HeardRound(
            told[0][number][0].price_per_mwh, np.array([one[number][1].load_mw for one in told])
        )
        for number in complete
    }


def _by_round(letters: Sequence[Letter], day: int) -> dict[int, tuple[TariffSignal, LoadPlan]]:
    """Signals of a day's rounds with the answers to them; the final one is no round."""
    answers = {one.number: one.message for one in letters if one.is_answer}
    found: dict[int, tuple[TariffSignal, LoadPlan]] = {}
    for one in letters:
        signal, answer = one.message, answers.get(one.number)
        if not isinstance(signal, TariffSignal) or not isinstance(answer, LoadPlan):
            continue
        if signal.day == day and not signal.final:
            found[signal.round] = signal, answer
    return found


def turn_of(rounds: Sequence[HeardRound], names: Sequence[str]) -> Turn | None:
    """The shortest turn in which rounds end: prices and loads come back; None where they do not.

    They come back where a whole turn, one round after the other, is the one before it to `TOLERANCE`, and
    prices or loads differ by more than that on the way round.

    Parameters
    ----------
    rounds : sequence of HeardRound
        One after the other, by one rule.
    names : sequence of str
        Of the feeders.

    Examples
    --------
    >>> low = HeardRound(np.array([20.0, 30.0]), np.array([[5.0, 4.0]]))
    >>> high = HeardRound(np.array([60.0, 30.0]), np.array([[3.0, 4.0]]))
    >>> turn_of([low, low, high, low, high], ["feeder"]).told
    'goes round in 2 rounds, prices by 67 %, loads by feeder 40 %'
    >>> turn_of([high, low, low, low, low], ["feeder"]) is None
    True
    """
    for period in range(2, min(LONGEST_PERIOD, len(rounds) // 2) + 1):
        prices, loads = (np.array(values) for values in zip(*rounds[-2 * period :], strict=True))
        prices, loads = (values / max(float(np.abs(values).max()), 1e-9) for values in (prices, loads))
        apart = max(float(np.abs(values[period:] - values[:period]).max()) for values in (prices, loads))
        price_size = float(np.ptp(prices[period:], axis=0).max())
        load_sizes = np.ptp(loads[period:], axis=0).max(axis=1)
        if apart <= TOLERANCE < max(price_size, float(load_sizes.max())):
            return Turn(period, price_size, dict(zip(names, load_sizes.tolist(), strict=True)))
    return None
