"""A follower whose optimum is known in closed form, and that refuses to tell it."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.market.messages.tariffs import TariffSignal


class Hours:
    """Steps of an hour."""

    step_h = 1.0


class QuadraticFollower:
    """Draws the same energy in any case, and minds ``beta / 2`` times the square of each MW that it shifts.

    Under prices p its optimum shifts ``-(p - mean(p)) / beta``; that gains ``sum (p - mean(p))**2 / 2 beta``.
    It is all that a behaviour sees of a follower, its plans included.

    Parameters
    ----------
    base_mw : ndarray, shape (n_step,)
    beta : float
        Money per MW**2 and hour.
    seed : int
        Of its streams.
    """

    name = "follower"
    horizon: Any = Hours()

    def __init__(self, base_mw: Array, beta: float, seed: int = 1) -> None:
        self.base_mw = self.plan_mw = base_mw
        self._beta, self._seed = beta, seed
        self._streams: dict[str, np.random.Generator] = {}

    @property
    def plans(self) -> QuadraticFollower:
        """Itself."""
        return self

    def nearest(self, load_mw: Array) -> Array:
        """The load moved by the same amount in all steps, so that no energy is lost."""
        return load_mw - float(np.mean(load_mw - self.base_mw))

    def between(self, first_mw: Array, second_mw: Array, weight: float) -> Array:
        """Their mixture."""
        return (1.0 - weight) * first_mw + weight * second_mw

    def cheapest(self, price: Array) -> Array:
        """One MW from the dearest to the cheapest step: what it could shift has no limit otherwise."""
        load = self.base_mw.copy()
        load[np.argmin(price)] += 1.0
        load[np.argmax(price)] -= 1.0
        return load

    def value_money(self, load_mw: Array, signal: Any) -> float:
        """Less the bill and the discomfort."""
        shift = load_mw - self.base_mw
        return -float(signal.price_per_mwh @ load_mw) - 0.5 * self._beta * float(shift @ shift)

    def best_response(self, signal: Any) -> NoReturn:
        """Nobody may ask for it."""
        raise AssertionError("a behaviour has asked for the best response")

    def stream(self, purpose: str) -> np.random.Generator:
        """Random numbers for a purpose."""
        words = [self._seed, *purpose.encode()]
        return self._streams.setdefault(purpose, np.random.default_rng(words))

    def optimum_mw(self, signal: TariffSignal) -> Array:
        """In closed form, for tests alone."""
        price = signal.price_per_mwh
        return self.base_mw - (price - price.mean()) / self._beta

    def best_gain_money(self, signal: TariffSignal) -> float:
        """What the optimum is worth beyond the base load, in closed form."""
        price = signal.price_per_mwh
        return float(((price - price.mean()) ** 2).sum()) / (2.0 * self._beta)


def told(round_: int, price_per_mwh: Any, final: bool = False) -> TariffSignal:
    """A tariff without carbon."""
    price = series(price_per_mwh)
    return TariffSignal(round_, price, series(np.zeros_like(price)), price, final=final)
