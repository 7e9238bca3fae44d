"""What a leader learns of one follower from the prices it has posted and the loads that came back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.environment.arrays import Array, Flags

EXACT, ROUGH = 1e-6, 2e-2
"""Errors of a load, relative to the largest base load: of a steady follower, and of a noisy one."""


_N_SLOPE = 25
_GREATEST_SHARE = 1.0
"""Share of the base load that may be moved where nothing has been seen yet."""


@dataclass(frozen=True)
class Observation:
    """A posted price and the load that answered it, shape (n_period,) each."""

    price_per_mwh: Array
    load_mw: Array


@dataclass(frozen=True)
class Estimate:
    """A follower as the observations have it.

    Parameters
    ----------
    model : FollowerModel
    error_mw : float
        Largest distance of an observed load from the model's.
    known_down, known_up : ndarray of bool, shape (n_period,)
        Where a limit has been seen; elsewhere it is guessed from those that were.
    """

    model: FollowerModel
    error_mw: float
    known_down: Flags
    known_up: Flags


class ResponseEstimate:
    """The response model of one follower, estimated from observations only.

    Parameters
    ----------
    reference_price_per_mwh : ndarray, shape (n_period,)
        Price at which its base load is optimal.
    forecast_mw : ndarray, shape (n_period,)
        Base load as it was announced; replaced by the load that answers the reference price.

    Notes
    -----
    For ``w = reference - price - beta * shift`` the multiplier of energy neutrality is at least every w of
    a period in which load was taken away, and at most every w of one in which load was added. Periods
    beyond these ends rest at their limits (stationarity and complementarity of C12 to C16).
    """

    def __init__(self, reference_price_per_mwh: Array, forecast_mw: Array) -> None:
        self.reference, self.base_mw = reference_price_per_mwh, np.asarray(forecast_mw)
        self.observations: list[Observation] = []
        self.contradictions = 0
        """How often what was seen before had to be forgotten."""
        self.estimate = self._unknown()

    @property
    def scale_mw(self) -> float:
        """Largest base load, at least a watt."""
        return max(float(np.max(self.base_mw)), 1e-6)

    def observe(self, price: Array, load_mw: Array) -> None:
        """Learn from another answer; what contradicts it is forgotten, the oldest first."""
        if np.ptp(self.reference - price) < 1e-9:
            self._take_base(load_mw)
        else:
            self.observations.append(Observation(price, load_mw))
        self.estimate = self._fit(self.observations)
        tolerance = (EXACT if self.contradictions < 2 else ROUGH) * self.scale_mw
        forgotten = False
        while self.estimate.error_mw > tolerance and len(self.observations) > 1:
            forgotten = True
            del self.observations[0]
            self.estimate = self._fit(self.observations)
        self.contradictions += forgotten

    def _take_base(self, load_mw: Array) -> None:
        """The load at the reference price is the base load, whatever was announced."""
        if np.abs(load_mw - self.base_mw).max() > EXACT * self.scale_mw:
            self.contradictions += bool(self.observations)
            self.observations.clear()
            self.base_mw = np.asarray(load_mw)

    def _unknown(self) -> Estimate:
        nothing = np.zeros(len(self.base_mw), dtype=bool)
        box = _GREATEST_SHARE * self.base_mw
        # Half of the reference price moves all of the load: a guess that the first answer replaces.
        beta = float(np.mean(self.reference)) / self.scale_mw
        return Estimate(FollowerModel(self.base_mw, self.reference, beta, box, box), 0.0, nothing, nothing)

    def _fit(self, observations: list[Observation]) -> Estimate:
        """The slope whose limits and responses come nearest to all observations."""
        if not observations:
            return self._unknown()
        wanted = np.array([self.reference - one.price_per_mwh for one in observations])
        shift = np.array([one.load_mw - self.base_mw for one in observations])
        fits = (self._fit_at(float(beta), wanted, shift) for beta in self._slopes(wanted, shift))
        best = min(fits, key=lambda fit: fit.error_mw)
        for _ in range(3):
            refined = self._fit_at(self._regress(best, wanted, shift), wanted, shift)
            if refined.error_mw >= best.error_mw:
                break
            best = refined
        return best

    def _slopes(self, wanted: Array, shift: Array) -> Array:
        """Slopes between periods of one answer; between two that are free to move they equal beta."""
        least = EXACT * self.scale_mw
        found = []
        for row, moved in zip(wanted, shift, strict=True):
            first, second = np.triu_indices(len(row), 1)
            rise, run = row[first] - row[second], moved[first] - moved[second]
            # What did not move at all rests at a limit, most likely.
            free = np.minimum(np.abs(moved[first]), np.abs(moved[second])) > least
            free &= np.abs(run) > least
            steep = rise[free] / run[free]
            found.append(steep[steep > 0.0])
        slopes = np.concatenate(found)
        if not len(slopes):
            return np.array([self.estimate.model.beta_per_mwh_per_mw])
        shares = np.linspace(0.0, 1.0, _N_SLOPE) ** 2
        return np.unique(np.concatenate([np.quantile(row, shares) for row in found if len(row)]))

    def _regress(self, fit: Estimate, wanted: Array, shift: Array) -> float:
        """Beta by least squares over the periods that a fit leaves free, each answer with its multiplier."""
        model = fit.model
        beta = model.beta_per_mwh_per_mw
        product = square = 0.0
        for row, moved in zip(wanted, shift, strict=True):
            margin = row - model.neutral_price(self.reference - row)
            free = (margin < beta * model.most_up_mw) & (margin > -beta * model.most_down_mw)
            if free.sum() > 1:
                x, y = moved[free] - moved[free].mean(), row[free] - row[free].mean()
                product, square = product + float(x @ y), square + float(x @ x)
        return product / square if product > 0.0 and square > 0.0 else beta

    def _fit_at(self, beta: float, wanted: Array, shift: Array) -> Estimate:
        """Limits and error for a given slope."""
        least = EXACT * self.scale_mw
        levels = wanted - beta * shift
        low = np.max(np.where(shift < -least, levels, -np.inf), axis=1)
        high = np.min(np.where(shift > least, levels, np.inf), axis=1)
        room = 1e-6 * np.ptp(wanted, axis=1) + 3.0 * beta * least
        above = levels > (np.maximum(low, high) + room)[:, None]
        below = levels < (np.minimum(low, high) - room)[:, None]
        # Between two ends apart one side or the other rests at its limits; which one cannot be told.
        apart = (high - low > room)[:, None]
        maybe_above = apart & (levels >= (high - room)[:, None])
        maybe_below = apart & (levels <= (low + room)[:, None])
        up, known_up = self._limits(shift, above & np.isfinite(high)[:, None], maybe_above)
        down, known_down = self._limits(-shift, below & np.isfinite(low)[:, None], maybe_below)
        model = FollowerModel(self.base_mw, self.reference, beta, down, up)
        foreseen = model.shift(self.reference - wanted)
        return Estimate(model, float(np.abs(foreseen - shift).max()), known_down, known_up)

    def _limits(self, moved: Array, at_limit: Flags, maybe: Flags) -> tuple[Array, Flags]:
        """Limits on one side as seen, and guessed where they were not."""
        known: Flags = np.asarray(at_limit.any(axis=0))
        seen = np.maximum(_median_of_chosen(moved, at_limit), 0.0)
        most = np.maximum(moved.max(axis=0), 0.0)
        shares = seen[known & (seen > 0.0)] / self.base_mw[known & (seen > 0.0)]
        share = float(np.median(shares)) if len(shares) else _GREATEST_SHARE
        guessed = np.where(maybe.any(axis=0), most, np.maximum(most, share * self.base_mw))
        return np.where(known, seen, guessed), known


def _median_of_chosen(values: Array, chosen: Flags) -> Array:
    """Median over the chosen rows of each column, zero where none is; one sort instead of a median each."""
    ordered = np.sort(np.where(chosen, values, np.inf), axis=0)
    number = chosen.sum(axis=0)
    middle = np.maximum(number - 1, 0) // 2, np.minimum(number // 2, len(ordered) - 1)
    column = np.arange(ordered.shape[1])
    return np.where(number > 0, 0.5 * (ordered[middle[0], column] + ordered[middle[1], column]), 0.0)
