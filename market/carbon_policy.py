"""How a leader prices the carbon of its followers: from one price for all to a ladder of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, InputError
from gridarium.market.carbon_price import (
    GameFactor,
    HistoryFactor,
    PersonalLadder,
    ShapleyFactor,
    SizeFactor,
    TimeFactor,
)

LEAST_ABATED_SHARE = 1e-3
"""Of the emission at base loads: less than that avoided, and its Shapley values count for less and less."""
LEAST_MEAN_MW = 1e-3
"""Mean base load, a kilowatt, for which the steps of who draws less are laid out."""

Scheme = Literal["none", "fixed", "ladder", "dynamic", "full", "pigouvian"]
"""No price; one price; steps; steps that move with hour and round; all four dimensions and the Shapley
factor; one tax on the emission that a further MWh causes."""


@dataclass(frozen=True)
class Standing:
    """What is known when carbon is priced; R followers, n periods.

    Parameters
    ----------
    base_mw, load_mw : ndarray, shape (R, n)
        Before any response, and as answered last.
    factor_tco2_per_mwh, marginal_tco2_per_mwh : ndarray, shape (n,)
        Emission over supply, and emission that a further MWh of load causes.
    round_ : int
        Of the negotiation, from 1.
    past_tco2 : ndarray, shape (R,), optional
        Emission of each follower on the day before; None on the first day.
    abatement_tco2 : ndarray, shape (R,)
        Shapley values of what their responses avoid.
    share_moved : ndarray, shape (R,)
        By what share each has lowered its energy of the day before below its base.
    step_h : float
        Length of a period, h.
    """

    base_mw: Array
    load_mw: Array
    factor_tco2_per_mwh: Array
    marginal_tco2_per_mwh: Array
    round_: int
    past_tco2: Array | None
    abatement_tco2: Array
    share_moved: Array
    step_h: float

    @property
    def base_tco2(self) -> Array:
        """What each follower would answer for at its base load, shape (R,)."""
        return np.asarray(self.base_mw @ self.factor_tco2_per_mwh * self.step_h)


class CarbonOffer(NamedTuple):
    """What one follower is told: the carbon factor of what it draws, and its price; None without one."""

    factor_tco2_per_mwh: Array
    ladder: PersonalLadder | None


@dataclass(frozen=True)
class CarbonPolicy:
    """A scheme of carbon prices for followers, with the numbers of all its factors.

    Parameters
    ----------
    scheme : str
        One of `Scheme`.
    base_price_per_tco2 : float
        Of the first step, before any factor, at least 0.
    quota_tco2_per_mwh : float
        Free emission for each MWh of base load, at least 0.
    interval_share : float
        Length of a step as a share of a follower's mean quota, above 0; one of less than `LEAST_MEAN_MW`
        at its base load has the steps of that.
    growth : float
        Rise of the price from step to step as a share of the first, at least 0.
    steps : int
        At least 1.
    time, game, history, size, shapley
        The factors of D21 to D24 and D20.
    sensitivity : float
        By which responsibility moves with lowered load (s of D27), in [0, 1].

    Raises
    ------
    InputError
        If a number is out of its range.

    Notes
    -----
    D25, ``lam_r,n,t = lam_0 (1 + (n - 1) a) tau_t g_k h_r s_r delta_r``. A scheme takes what it has: the
    fixed price one step, the ladder steps, the dynamic one tau and g as well, the full one all of it. The
    Pigouvian tax is a peer that the paper lacks: it has no quota, and charges marginal emission.
    """

    scheme: Scheme = "full"
    base_price_per_tco2: float = 40.0
    quota_tco2_per_mwh: float = 0.25
    interval_share: float = 0.2
    growth: float = 0.25
    steps: int = 4
    time: TimeFactor = field(default_factory=TimeFactor)
    game: GameFactor = field(default_factory=GameFactor)
    history: HistoryFactor = field(default_factory=HistoryFactor)
    size: SizeFactor = field(default_factory=SizeFactor)
    shapley: ShapleyFactor = field(default_factory=ShapleyFactor)
    sensitivity: float = 0.5

    def __post_init__(self) -> None:
        found: tuple[tuple[str, float, bool, str], ...] = (
            ("base_price_per_tco2", self.base_price_per_tco2, self.base_price_per_tco2 >= 0.0, "at least 0"),
            ("quota_tco2_per_mwh", self.quota_tco2_per_mwh, self.quota_tco2_per_mwh >= 0.0, "at least 0"),
            ("interval_share", self.interval_share, self.interval_share > 0.0, "above 0"),
            ("growth", self.growth, self.growth >= 0.0, "at least 0"),
            ("steps", self.steps, self.steps >= 1, "1 or more"),
            ("sensitivity", self.sensitivity, 0.0 <= self.sensitivity <= 1.0, "in [0, 1]"),
        )
        faults = [
            Fault(name, value, f"must be {allowed}") for name, value, good, allowed in found if not good
        ]
        if faults:
            raise InputError("carbon policy", faults)

    @property
    def is_personal(self) -> bool:
        """Whether followers are told different prices, for which their Shapley values are needed."""
        return self.scheme == "full"

    @property
    def is_priced(self) -> bool:
        """Whether followers pay for carbon at all."""
        return self.scheme != "none"

    @property
    def is_marginal(self) -> bool:
        """Whether marginal emission is charged."""
        return self.scheme == "pigouvian"

    def at_level(self, level: float) -> CarbonPolicy:
        """The same with all prices times a level, at least 0."""
        return replace(self, base_price_per_tco2=level * self.base_price_per_tco2)

    def offers(self, now: Standing) -> list[CarbonOffer]:
        """What each follower is told."""
        factors = self._factors(now)
        if not self.is_priced:
            return [CarbonOffer(factor, None) for factor in factors]
        prices = self._prices(now)
        return [
            CarbonOffer(factor, self._ladder(price, base))
            for factor, price, base in zip(factors, prices, now.base_mw, strict=True)
        ]

    def _factors(self, now: Standing) -> list[Array]:
        """Carbon factor of each follower: responsibility moves between them, and its sum stays (D27)."""
        if self.is_marginal:
            return [series(np.maximum(now.marginal_tco2_per_mwh, 0.0))] * len(now.load_mw)
        if not self.is_personal:
            return [series(now.factor_tco2_per_mwh)] * len(now.load_mw)
        weight = np.maximum(1.0 - self.sensitivity * now.share_moved, 0.0)
        weighted = weight @ now.load_mw
        norm = np.divide(now.load_mw.sum(axis=0), weighted, out=np.ones_like(weighted), where=weighted > 0.0)
        return [series(one * norm * now.factor_tco2_per_mwh) for one in weight]

    def _prices(self, now: Standing) -> Array:
        """Price of the first step of each follower in each period, shape (R, n)."""
        price = np.full(now.load_mw.shape, self.base_price_per_tco2)
        if self.scheme in ("dynamic", "full"):
            price = price * self.time.of(now.load_mw.sum(axis=0), now.factor_tco2_per_mwh)
            price = price * self.game.of(now.round_)
        if self.is_personal:
            least_tco2 = LEAST_ABATED_SHARE * float(np.abs(now.base_tco2).mean())
            shapley = self.shapley.of(now.abatement_tco2, least_tco2)
            own = self.size.of(now.base_mw.sum(axis=1)) * shapley
            if now.past_tco2 is not None:
                own = own * self.history.of(now.past_tco2)
            price = price * own[:, None]
        return np.asarray(price)

    def _ladder(self, price: Array, base_mw: Array) -> PersonalLadder:
        """Steps above the quota of a follower; one price without a quota for the tax.

        Hours in which it gives have no quota.
        """
        drawn_mw = np.maximum(base_mw, 0.0)
        quota = np.zeros_like(base_mw) if self.is_marginal else self.quota_tco2_per_mwh * drawn_mw
        one_price = self.scheme in ("fixed", "pigouvian")
        size_mw = max(float(drawn_mw.mean()), LEAST_MEAN_MW)
        interval = self.interval_share * size_mw * max(self.quota_tco2_per_mwh, 1e-3)
        return PersonalLadder(
            series(price), interval, self.growth, 1 if one_price else self.steps, series(quota)
        )


def shares_moved(base_mwh: Sequence[float], drawn_mwh: Sequence[float]) -> Array:
    """By what share of its base each follower has lowered its energy, shape (R,); negative for a rise.

    Who has drawn nothing at its base load, or has given, has no share to lower: 0.
    """
    base = np.asarray(base_mwh, dtype=float)
    lowered = base - np.asarray(drawn_mwh)
    return np.asarray(np.divide(lowered, base, out=np.zeros_like(base), where=base > 0.0))
