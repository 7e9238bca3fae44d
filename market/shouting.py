"""Traders who only shout prices: zero-intelligence traders with a budget and ZIP traders that learn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from numpy.random import Generator

Band = tuple[float, float]


class Side(Enum):
    """The side of the market a trader or a shout is on."""

    BID = "bid"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Shout:
    """A price called out: a bid of a buyer or an ask of a seller.

    Parameters
    ----------
    side : Side
    price_per_mwh : float
    """

    side: Side
    price_per_mwh: float


class Trader(Protocol):
    """One who shouts prices and learns from shouts."""

    def shout(self, limit_price_per_mwh: float, band: Band) -> Shout | None:
        """Call a price between the own limit and the band, or none."""

    def update(self, last_shout: Shout, accepted: bool, active: bool = True) -> None:
        """Learn from a shout of anyone."""


class ZeroIntelligence:
    """A trader without memory whose shouts are uniform between its own limit and the band (ZI-C).

    Parameters
    ----------
    rng : numpy.random.Generator
        The trader's own stream.
    side : Side
        ``BID`` for a buyer (importer), ``ASK`` for a seller (exporter).

    Notes
    -----
    [1]_; the constraint that no shout is beyond the own limit is what makes such markets efficient.

    References
    ----------
    .. [1] D. K. Gode, S. Sunder, Allocative efficiency of markets with zero-intelligence traders,
       Journal of Political Economy 101, 1993, doi:10.1086/261868
    """

    __slots__ = ("rng", "side")

    def __init__(self, rng: Generator, side: Side) -> None:
        self.rng = rng
        self.side = side

    def shout(self, limit_price_per_mwh: float, band: Band) -> Shout | None:
        """Call a random price that is no loss; None where the limit leaves no price inside the band."""
        low, high = band
        if self.side is Side.ASK:
            low = max(low, limit_price_per_mwh)
        else:
            high = min(high, limit_price_per_mwh)
        if low > high:
            return None
        return Shout(self.side, low + (high - low) * self.rng.random())

    def update(self, last_shout: Shout, accepted: bool, active: bool = True) -> None:
        """Learn nothing."""


class ZipTrader:
    """A trader with a profit margin that it moves by the last shout (zero-intelligence plus).

    Parameters
    ----------
    rng : numpy.random.Generator
        The trader's own stream; all parameters not given are drawn from it in Cliff's ranges.
    side : Side
        ``BID`` for a buyer (importer), ``ASK`` for a seller (exporter).
    margin : float, optional
        Size of the first margin, as a share of the limit price, default uniform in [0.05, 0.35].
    learning_rate : float, optional
        beta of the Widrow-Hoff rule, default uniform in [0.1, 0.5].
    momentum : float, optional
        gamma, share of the last move that goes on, default uniform in [0, 0.1].
    relative_step : float
        Largest relative distance of a target from the last shout.
    absolute_step_per_mwh : float
        Largest absolute one, money/MWh, added to it.

    Attributes
    ----------
    margin : float
        Current margin: price = limit (1 + margin), at least 0 for a seller, in [-1, 0] for a buyer.

    Notes
    -----
    [1]_. With the own price p, the target tau = R q + A near the last shout q and the limit lambda:
    ``move <- gamma move + (1 - gamma) beta (tau - p)``, ``margin <- (p + move) / lambda - 1``.
    The margin stays when the limit moves from slot to slot, which is what carries the experience on.

    References
    ----------
    .. [1] D. Cliff, Minimal-intelligence agents for bargaining behaviors in market-based environments,
       HP Laboratories HPL-97-91, 1997
    """

    __slots__ = (
        "_limit",
        "_move",
        "_price",
        "absolute_step_per_mwh",
        "learning_rate",
        "margin",
        "momentum",
        "relative_step",
        "rng",
        "side",
    )

    def __init__(
        self,
        rng: Generator,
        side: Side,
        *,
        margin: float | None = None,
        learning_rate: float | None = None,
        momentum: float | None = None,
        relative_step: float = 0.05,
        absolute_step_per_mwh: float = 0.05,
    ) -> None:
        size = rng.uniform(0.05, 0.35) if margin is None else margin
        self.rng = rng
        self.side = side
        self.margin = size if side is Side.ASK else -size
        self.learning_rate = rng.uniform(0.1, 0.5) if learning_rate is None else learning_rate
        self.momentum = rng.uniform(0.0, 0.1) if momentum is None else momentum
        self.relative_step = relative_step
        self.absolute_step_per_mwh = absolute_step_per_mwh
        self._move = 0.0
        self._limit = 0.0
        self._price: float | None = None

    def shout(self, limit_price_per_mwh: float, band: Band) -> Shout | None:
        """Call limit (1 + margin), inside the band; None where the limit leaves no price there."""
        low, high = band
        if self.side is Side.ASK:
            low = max(low, limit_price_per_mwh)
        else:
            high = min(high, limit_price_per_mwh)
        if low > high:
            self._price = None
            return None
        # A margin needs something to be a share of: a seller whose energy is free still has one.
        self._limit = max(limit_price_per_mwh, 1e-6)
        self._price = min(max(self._limit * (1.0 + self.margin), low), high)
        return Shout(self.side, self._price)

    def update(self, last_shout: Shout, accepted: bool, active: bool = True) -> None:
        """Move the margin after a shout of anyone in the market.

        Parameters
        ----------
        last_shout : Shout
            Who called (bid or ask) and at what price.
        accepted : bool
            Whether it became a deal.
        active : bool
            Whether this trader still has something to trade; one that has not only raises its margin.
        """
        if self._price is None:
            return
        called, selling = last_shout.price_per_mwh, self.side is Side.ASK
        beyond = called - self._price if selling else self._price - called
        if accepted and beyond >= 0.0:
            self._aim(self._price, called, 1.0 if selling else -1.0)
        elif active and beyond <= 0.0 and accepted is (last_shout.side is not self.side):
            # Undercut by a deal of the other side's making, or by a shout of the own side that failed.
            self._aim(self._price, called, -1.0 if selling else 1.0)

    def _aim(self, own: float, called: float, direction: float) -> None:
        """One Widrow-Hoff step to a target a little above (1) or below (-1) the price called."""
        relative = 1.0 + direction * self.relative_step * self.rng.random()
        target = relative * called + direction * self.absolute_step_per_mwh * self.rng.random()
        step = self.learning_rate * (target - own)
        self._move = self.momentum * self._move + (1.0 - self.momentum) * step
        margin = (own + self._move) / self._limit - 1.0
        self.margin = max(margin, 0.0) if self.side is Side.ASK else min(max(margin, -1.0), 0.0)
        self._price = self._limit * (1.0 + self.margin)
