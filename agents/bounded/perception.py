"""Agents that see the world wrongly: noise and bias, stale signals, inattention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.agents.behaviour import HeardLoads
from gridarium.agents.bounded.common import Bounded
from gridarium.environment.arrays import Array, series
from gridarium.environment.parameters import count, flag, number
from gridarium.market.messages.tariffs import TariffSignal

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Decider

_STREAM = "behaviour/perception"


@dataclass(frozen=True, eq=False)
class Noise(Bounded):
    """Misreads prices, carbon factors and loads by a bias and a normal error; exact where all are 0.

    Of loads, a consumer misjudges its own forecast and a leader the plans it hears. Each period of each
    series has an error of its own, which stays for the day unless it is redrawn.

    Parameters
    ----------
    price_scale_per_mwh, price_bias_per_mwh : float
        Standard deviation and mean of the error of prices.
    factor_scale_tco2_per_mwh, factor_bias_tco2_per_mwh : float
        Those of carbon factors.
    load_scale_share, load_bias_share : float
        Those of loads, as a share of the load.
    redraw : bool
        Whether each signal is misread anew. A negotiation then hardly ever converges.
    """

    roles = frozenset({"leader", "follower"})
    departs_by = (
        "price_scale_per_mwh",
        "price_bias_per_mwh",
        "factor_scale_tco2_per_mwh",
        "factor_bias_tco2_per_mwh",
        "load_scale_share",
        "load_bias_share",
    )
    price_scale_per_mwh: float = number(0.0, 0, 1e4)
    price_bias_per_mwh: float = number(0.0, -1e4, 1e4)
    factor_scale_tco2_per_mwh: float = number(0.0, 0, 10)
    factor_bias_tco2_per_mwh: float = number(0.0, -10, 10)
    load_scale_share: float = number(0.0, 0, 1)
    load_bias_share: float = number(0.0, -1, 1)
    redraw: bool = flag()
    drawn: dict[str, Array] = field(default_factory=dict, init=False, repr=False)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """Misread a tariff or the followers' loads."""
        if isinstance(signal, HeardLoads):
            misread = {name: self._load(agent, name, load) for name, load in signal.load_mw.items()}
            return replace(signal, load_mw=misread)
        price, factor = signal.price_per_mwh, signal.factor_tco2_per_mwh
        price_error = self.price_bias_per_mwh, self.price_scale_per_mwh
        factor_error = self.factor_bias_tco2_per_mwh, self.factor_scale_tco2_per_mwh
        return replace(
            signal,
            price_per_mwh=series(price + self._error(agent, "price", len(price), *price_error)),
            factor_tco2_per_mwh=series(factor + self._error(agent, "factor", len(factor), *factor_error)),
        )

    def foresee(self, agent: Decider, forecast_mw: Array) -> Array:
        """Misjudge the agent's own load."""
        return self._load(agent, agent.name, forecast_mw)

    def _load(self, agent: Decider, name: str, load_mw: Array) -> Array:
        error = self._error(agent, f"load/{name}", len(load_mw), self.load_bias_share, self.load_scale_share)
        return np.asarray(np.maximum(0.0, load_mw * (1.0 + error)))

    def _error(self, agent: Decider, name: str, n_period: int, bias: float, scale: float) -> Array:
        if self.redraw or name not in self.drawn:
            # One stream for each series: which one is read first must not matter.
            self.drawn[name] = agent.stream(f"{_STREAM}/noise/{name}").standard_normal(n_period)
        return np.asarray(bias + scale * self.drawn[name])


@dataclass(frozen=True, eq=False)
class Stale(Bounded):
    """Goes by an old signal, on top of what the bus delays; exact where both delays are 0.

    Parameters
    ----------
    rounds : int
        How many signals it lags behind.
    seconds : float
        Least age of the signal it goes by, s of simulated time.

    Notes
    -----
    Before any signal is old enough a consumer goes by the usual tariff, a leader by the forecasts.
    """

    roles = frozenset({"leader", "follower"})
    departs_by = ("rounds", "seconds")
    rounds: int = count(0, 0, 10_000)
    seconds: float = number(0.0, 0, 1e7)
    heard: list[tuple[float, Any]] = field(default_factory=list, init=False, repr=False)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """The newest signal that is old enough."""
        now = agent.world.clock.now_s
        if not self.heard:
            self.heard.append((-np.inf, _usual(signal)))
        self.heard.append((now, signal))
        old = self.heard[: max(1, len(self.heard) - self.rounds)]
        return _as_of(next(seen for time, seen in reversed(old) if time <= now - self.seconds), signal)


@dataclass(frozen=True, eq=False)
class Inattention(Bounded):
    """Overlooks signals, and goes on with the last one noticed; exact where all parameters are 0.

    Parameters
    ----------
    probability : float
        That a signal is missed whatever it says.
    price_threshold_per_mwh : float
        Largest change of a price since the last tariff noticed that is overlooked. The first tariff is
        compared with the usual one.
    threshold_mw : float
        The same for a leader and the loads of its followers.

    Notes
    -----
    Inertia of attention is how costly thinking shows [1]_.

    References
    ----------
    .. [1] X. Gabaix, A sparsity-based model of bounded rationality, 2014, doi:10.1093/qje/qju024
    """

    roles = frozenset({"leader", "follower"})
    departs_by = ("probability", "price_threshold_per_mwh", "threshold_mw")
    probability: float = number(0.0, 0, 1)
    price_threshold_per_mwh: float = number(0.0, 0, 1e4)
    threshold_mw: float = number(0.0, 0, 1e4)
    noticed: list[Any] = field(default_factory=list, init=False, repr=False)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """The signal if it is noticed, otherwise the last one that was."""
        if not self.noticed:
            self.noticed.append(_usual(signal))
        attends = agent.stream(f"{_STREAM}/inattention").random() >= self.probability
        if attends and self._stands_out(signal):
            self.noticed[0] = signal
        return _as_of(self.noticed[0], signal)

    def _stands_out(self, signal: Any) -> bool:
        leads = isinstance(signal, HeardLoads)
        threshold = self.threshold_mw if leads else self.price_threshold_per_mwh
        if threshold == 0.0:
            return True
        before, now = _numbers(self.noticed[0]), _numbers(signal)
        return any(float(np.abs(new - old).max()) > threshold for new, old in zip(now, before, strict=True))


def _usual(signal: Any) -> Any:
    """What an agent believes before it has heard anything: the usual tariff, or just what it hears first."""
    if isinstance(signal, TariffSignal):
        return replace(signal, price_per_mwh=signal.reference_price_per_mwh)
    return signal


def _as_of(old: Any, signal: Any) -> Any:
    """An old signal in the place of the present one; loads keep their round, which tells their age."""
    if isinstance(signal, TariffSignal) and old is not signal:
        return replace(old, round=signal.round, final=signal.final, first_step=signal.first_step)
    return old


def _numbers(signal: Any) -> Sequence[Array]:
    """What a threshold looks at."""
    return tuple(signal.load_mw.values()) if isinstance(signal, HeardLoads) else (signal.price_per_mwh,)
