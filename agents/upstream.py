"""What stands above the root of a tree of grids: an exogenous supplier of its head, and the carbon market."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.cleanness import CarbonPriceRequest, CarbonPrices
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.tariffs import CarbonOffer, CarbonTerms, LoadPlan, TariffSignal

_RESEND_AFTER_S = 60.0


@dataclass(frozen=True)
class SupplyProfile:
    """What an exogenous supplier asks; arrays of shape (n_day * n_step,).

    Parameters
    ----------
    price_per_mwh, export_price_per_mwh : ndarray
        For energy that the grid below takes, and for what it feeds back.
    factor_tco2_per_mwh : ndarray
        Carbon factor of what it supplies.
    green_share : ndarray, optional
        Share of what it supplies that is green; told only where it is given.

    Raises
    ------
    InputError
        If a green share is outside [0, 1].
    """

    price_per_mwh: Array
    export_price_per_mwh: Array
    factor_tco2_per_mwh: Array
    green_share: Array | None = None

    def __post_init__(self) -> None:
        share = np.zeros(0) if self.green_share is None else self.green_share
        wrong = ~((share >= 0.0) & (share <= 1.0))
        if wrong.any():
            step = int(wrong.argmax())
            fault = Fault(f"green_share, step {step}", float(share[step]), "must be in [0, 1]")
            raise InputError("supply profile", [fault])


class UpstreamMarket(GridAgent):
    """Supplies the head of a grid at prices that nobody below can move.

    - `nominations`: what the operator below has planned for each day
    - `horizon`: days and steps of its profile

    Parameters
    ----------
    site : Site
    name : str
    profile : SupplyProfile
    customer : str, optional
        The operator of the grid; without one whoever draws knows the price.
    opens_s, closes_s : float
        When it tells its terms for the first day, and until when it waits for the plan, s; those of later
        days follow in steps of a day.
    horizon : Horizon
        Days and steps of the profile.
    """

    kind = "market"

    def __init__(
        self,
        site: Site,
        name: str,
        profile: SupplyProfile,
        customer: str | None,
        opens_s: float,
        closes_s: float,
        horizon: Horizon,
    ) -> None:
        super().__init__(site, name)
        self._profile, self._customer, self.horizon = profile, customer, horizon
        self._opens_s, self._closes_s = opens_s, closes_s
        self.nominations: dict[int, LoadPlan] = {}

    def process(self) -> Generator[Any, Any, None] | None:
        """Tell the terms of each day before it, and hear what is planned for them."""
        return self._serve(self._customer) if self._customer is not None else None

    def _serve(self, customer: str) -> Generator[Any, Any, None]:
        clock = self.world.clock
        for day in range(self.horizon.n_day):
            yield clock.wait_until(max(clock.now_s, self._opens_s + day * self.horizon.day_s))
            left_s = self._closes_s + day * self.horizon.day_s - clock.now_s
            question = self.ask({customer: self._terms(day)}, max(1.0, left_s), _RESEND_AFTER_S)
            yield from question.answered()
            if customer in question.replies:
                self.nominations[day] = question.replies[customer]

    def _terms(self, day: int) -> TariffSignal:
        profile = self._profile
        price, paid, factor = (
            series(self.horizon.of_day(values, day))
            for values in (profile.price_per_mwh, profile.export_price_per_mwh, profile.factor_tco2_per_mwh)
        )
        green = None if profile.green_share is None else series(self.horizon.of_day(profile.green_share, day))
        return TariffSignal(
            1, price, factor, price, final=True, day=day, export_price_per_mwh=paid, green_share=green
        )

    @on(ForecastRequest)
    def tell_outlook(self, request: ForecastRequest, sender: str) -> TariffSignal:
        """Tell the terms of a day to come, which whoever plans beyond the day before asks for."""
        return self._terms(request.day)

    def rows(self) -> Iterator[Rows]:
        """Its terms, and what the operator below has told it."""
        hold, profile = self.horizon.by_period, self._profile
        price = hold(profile.price_per_mwh)
        yield Rows(
            "signals",
            {
                "price_per_mwh": price,
                "factor_tco2_per_mwh": hold(profile.factor_tco2_per_mwh),
                "p_nominated_mw": self.nominated_mw,
                "price_below_per_mwh": price,
                "export_price_below_per_mwh": hold(profile.export_price_per_mwh),
            },
        )

    @property
    def nominated_mw(self) -> Array:
        """What the operator below has planned to take, by settlement period, MW; nan where not told."""
        horizon, unknown = self.horizon, np.full(self.horizon.n_step, np.nan)
        days = [self.nominations.get(day) for day in range(horizon.n_day)]
        return horizon.by_period(
            np.concatenate([horizon.fit(day.load_mw) if day is not None else unknown for day in days])
        )


class CarbonMarket(GridAgent):
    """Tells its price and takes what is emitted below the quota.

    Parameters
    ----------
    site : Site
    name : str
    price_per_tco2 : float or ndarray, shape (n_day * n_step,)
        The same at all times, or by step of all days.
    quota_tco2_per_mwh : float
        What is free of each MWh of load.
    """

    kind = "carbon_market"

    def __init__(
        self, site: Site, name: str, price_per_tco2: Array | float, quota_tco2_per_mwh: float
    ) -> None:
        super().__init__(site, name)
        self._price_per_tco2, self._quota_tco2_per_mwh = price_per_tco2, quota_tco2_per_mwh
        self._offers: dict[tuple[str, int], float] = {}

    @property
    def reduction_tco2(self) -> float:
        """Reduction offered so far, tCO2; negative where the quota was exceeded."""
        return sum(self._offers.values())

    @on(ForecastRequest)
    def tell_terms(self, request: ForecastRequest, sender: str) -> CarbonTerms:
        """Tell price and quota of a day; a price that is the same at all times as one step."""
        price = self._price_per_tco2
        told = self._of_day(price, request.day) if isinstance(price, np.ndarray) else np.full(1, price)
        return CarbonTerms(series(told), self._quota_tco2_per_mwh)

    @on(CarbonPriceRequest)
    def tell_prices(self, request: CarbonPriceRequest, sender: str) -> CarbonPrices:
        """Tell the price of a day in steps; in settlement periods where it is the same at all times."""
        price = self._price_per_tco2
        by_step = price if isinstance(price, np.ndarray) else np.full(self.world.n_period, price)
        return CarbonPrices(request.day, series(self._of_day(by_step, request.day)))

    def _of_day(self, by_step: Array, day: int) -> Array:
        return np.asarray(by_step.reshape(Horizon.of(self.world).n_day, -1)[day])

    @on(CarbonOffer)
    def take_offer(self, offer: CarbonOffer, sender: str) -> None:
        """Take the reduction of a period, once; it is paid at the carbon price."""
        self._offers[sender, offer.period] = offer.reduction_tco2
