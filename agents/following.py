"""Operators as customers at the head of their grid: they follow the signals of whoever supplies it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.letters import LetterWriter
from gridarium.agents.questions import Asked
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import MessageError, UnheardError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.accounts import REPLICAS
from gridarium.market.block_prices import carbon_cost_per_h
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.status import LoadStatus, StatusRequest
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from gridarium.market.settlement import HeadAccount, settle_head

_A_WATT_MW = 1e-6


class HeadCustomer(LetterWriter):
    """Whoever operates a grid and pays for what passes its head.

    It answers for all replicas of its grid: what it tells the supplier is theirs together.

    - `next_terms`, `tell_plan`: wait for the supplier's next signal for a day, and answer it
    - `answer_forecasts`: tell what was asked about a day before anything was known of it
    - `pay_head`: pay the supplier for what passed the head
    - `terms_of_day`, `head_forecast_mw`, `head_plan_mw`, `head_plan_mvar`: override them

    Parameters
    ----------
    site : Site
    name : str
    supplier : str
        Who supplies the head, and is paid there.
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Days and steps of its plan; settlement periods by default.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        supplier: str,
        behaviour: Behaviour | None = None,
        horizon: Horizon | None = None,
    ) -> None:
        super().__init__(site, name, behaviour)
        self.supplier = supplier
        self.horizon = horizon or Horizon.of(self.world)
        self._heard: tuple[Asked, TariffSignal] | None = None
        self._arrival = self.world.clock.env.event()
        self._answers: dict[tuple[int, int, bool], LoadPlan] = {}
        self._forecasts: dict[int, Array] = {}
        self._curious: list[tuple[Asked, int]] = []

    # What it is and what it tells, for one of its replicas and in steps of a day.

    @abstractmethod
    def head_forecast_mw(self, day: int) -> Array | None:
        """What it expects to take through the head on a day; None while nothing is known of it."""

    @abstractmethod
    def terms_of_day(self, day: int) -> TariffSignal:
        """The supplier's final signal for a day."""

    @abstractmethod
    def head_plan_mw(self, day: int) -> Array:
        """What it plans to take through the head; negative where it feeds back."""

    def known_deviation_mw(self, period: int) -> float:
        """What one grid will take beyond the plan in a settlement period that begins, as far as it knows."""
        return 0.0

    def head_plan_mvar(self, day: int) -> Array | None:
        """Reactive power that goes with the plan; None where it plans none."""
        return None

    # Prices and plans.

    def next_terms(self, day: int, until_s: float) -> Generator[Any, Any, tuple[Asked, TariffSignal]]:
        """Wait for a signal for a day that has not been answered yet.

        Raises
        ------
        UnheardError
            If none has come by then.
        """
        clock = self.world.clock
        while True:
            heard = self._heard
            if heard is not None and heard[1].day == day and _key(heard[1]) not in self._answers:
                return heard
            if clock.now_s >= until_s:
                raise UnheardError(self.name, "no terms from", [self.supplier])
            yield self._arrival | clock.wait_until(until_s)

    def tell_plan(self, asked: Asked, terms: TariffSignal) -> None:
        """Answer a signal with what is planned for it."""
        copies, mvar = self.grid.replicas, self.head_plan_mvar(terms.day)
        plan = LoadPlan(
            series(copies * self.head_plan_mw(terms.day)), None if mvar is None else series(copies * mvar)
        )
        self._answers[_key(terms)] = plan
        self.reply(asked, plan)

    def answer_forecasts(self) -> None:
        """Tell those who have asked too early."""
        waiting, self._curious = self._curious, []
        for asked, day in waiting:
            forecast = self._forecast(day)
            if forecast is None:
                self._curious.append((asked, day))
            else:
                self.reply(asked, forecast)

    def told_price_per_mwh(self, terms: TariffSignal) -> Array:
        """What the supplier asks in each settlement period of a day, shape (n_period,)."""
        return self.horizon.over_day(terms.price_per_mwh)

    def told_prices_per_mwh(self, period: int) -> tuple[float, float]:
        """What the supplier asks for energy in a settlement period, and pays for what is fed back."""
        day, place = divmod(period, self.horizon.day_length)
        terms = self.terms_of_day(day)
        return float(self.told_price_per_mwh(terms)[place]), float(self.told_export_per_mwh(terms)[place])

    def told_factor_tco2_per_mwh(self, terms: TariffSignal) -> Array:
        """Carbon factor that goes with the price in each settlement period of a day."""
        return self.horizon.over_day(terms.factor_tco2_per_mwh)

    def told_export_per_mwh(self, terms: TariffSignal) -> Array:
        """What the supplier pays for energy fed back in each settlement period of a day."""
        paid = terms.export_price_per_mwh
        return self.horizon.over_day(np.zeros_like(terms.price_per_mwh) if paid is None else paid)

    @property
    def terms_price_per_mwh(self) -> Array:
        """What the supplier asked, by settlement period of all days."""
        return np.concatenate([self.told_price_per_mwh(terms) for terms in self._all_terms()])

    @property
    def terms_export_per_mwh(self) -> Array:
        """What the supplier paid for energy fed back, by settlement period of all days."""
        return np.concatenate([self.told_export_per_mwh(terms) for terms in self._all_terms()])

    @property
    def terms_factor_tco2_per_mwh(self) -> Array:
        """Carbon factor that the supplier told, by settlement period of all days."""
        return np.concatenate([self.told_factor_tco2_per_mwh(terms) for terms in self._all_terms()])

    def _all_terms(self) -> list[TariffSignal]:
        return [self.terms_of_day(day) for day in range(self.horizon.n_day)]

    def pay_head(self, period: int, taken_mw: float) -> None:
        """Pay for what one of its grids took through the head, or be paid for what it fed back, as told.

        A ladder is paid for the carbon of what was taken, at the factor told.
        """
        day, place = divmod(period, self.horizon.day_length)
        terms, hours = self.terms_of_day(day), self.world.period_h
        asked, paid = self.told_prices_per_mwh(period)
        carbon_per_h = head_carbon_per_h(self.horizon, terms, taken_mw, self.grid.replicas)
        account = HeadAccount(
            time_s=self.world.clock.now_s,
            period=period,
            buyer=self.name,
            supplier=self.supplier,
            replicas_account=self.grid.named(REPLICAS),
            replicas=self.grid.replicas,
            taken_mwh=taken_mw * hours,
            import_price_per_mwh=asked,
            export_price_per_mwh=paid,
            carbon_money=float(carbon_per_h[place]) * hours,
            carbon_collector=terms.carbon_collector or self.supplier,
        )
        settle_head(self.world.ledger, account)

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What passed its head: as told, planned and metered, as bought and sold, and what was said of it."""
        yield from self.letter_rows()
        grid, days, hold = self.grid, range(self.horizon.n_day), self.horizon.by_period
        unasked = np.full(self.horizon.n_step, np.nan)
        taken, carbon = grid.exchange_mw, grid.head_t_per_h
        yield Rows(
            "heads",
            {
                "above": grid.above.grid.name if grid.above else "",
                "replicas": grid.replicas,
                "price_per_mwh": self.terms_price_per_mwh,
                "export_price_per_mwh": self.terms_export_per_mwh,
                "factor_told_tco2_per_mwh": self.terms_factor_tco2_per_mwh,
                "factor_metered_tco2_per_mwh": np.divide(
                    carbon, taken, out=np.full_like(taken, np.nan), where=np.abs(taken) > _A_WATT_MW
                ),
                "p_forecast_mw": hold(np.concatenate([self._forecasts.get(day, unasked) for day in days])),
                "p_plan_mw": hold(np.concatenate([self.head_plan_mw(day) for day in days])),
                "p_metered_mw": taken,
                "carbon_t_per_h": carbon,
            },
        )
        supplier, own, energy = grid.local(self.supplier), grid.local(self.name), taken * self.world.period_h
        for product, seller, buyer, volume, price in (
            ("import", supplier, own, np.maximum(energy, 0.0), self.terms_price_per_mwh),
            ("export", own, supplier, np.maximum(-energy, 0.0), self.terms_export_per_mwh),
        ):
            values = {"product": product, "seller": seller, "buyer": buyer}
            yield Rows("trades", values | {"volume_mwh": volume, "price_per_mwh": price})

    # What it hears.

    @on(TariffSignal)
    def take_terms(self, terms: TariffSignal, sender: str) -> LoadPlan | None:
        """Keep the supplier's newest signal; one that was answered gets the same answer again."""
        answer = self._answers.get(_key(terms))
        if answer is None and (self._heard is None or _key(terms) >= _key(self._heard[1])):
            self._heard = self.asked, terms
            arrival, self._arrival = self._arrival, self.world.clock.env.event()
            arrival.succeed()
        return answer

    @on(ForecastRequest)
    def tell_head_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast | None:
        """Tell what the head is likely to take on a day, as soon as that is known."""
        forecast = self._forecast(request.day)
        if forecast is None and all(asked != self.asked for asked, _ in self._curious):
            self._curious.append((self.asked, request.day))
        return forecast

    @on(StatusRequest)
    def tell_head_status(self, request: StatusRequest, sender: str) -> LoadStatus:
        """Tell what the head takes from a settlement period on until the day ends, as planned.

        The first value holds what is known of the period beyond the plan, without services that are called.
        """
        day, _ = self.horizon.place(request.period)
        planned = self.grid.replicas * self.horizon.by_period(self.head_plan_mw(day))
        status = load_status(self.horizon, request.period, planned)
        beyond = self.grid.replicas * self.known_deviation_mw(request.period)
        return replace(status, load_mw=series(np.append(status.load_mw[:1] + beyond, status.load_mw[1:])))

    def _forecast(self, day: int) -> LoadForecast | None:
        expected = self.head_forecast_mw(day)
        if expected is None:
            return None
        self._forecasts[day] = expected
        return LoadForecast(day, series(self.grid.replicas * self.horizon.by_period(expected)))


def head_carbon_per_h(horizon: Horizon, terms: TariffSignal, taken_mw: float | Array, replicas: int) -> Array:
    """What a supplier's ladder asks one of several equal grids for what it takes, money/h, in each period.

    Parameters
    ----------
    horizon : Horizon
    terms : TariffSignal
        Of a day; without a ladder nothing is asked.
    taken_mw : float or ndarray, shape (n_period,)
        Through the head of one grid; what is fed back carries nothing.
    replicas : int

    Returns
    -------
    ndarray, shape (n_period,)
        By settlement period of the day; negative where it is rewarded.
    """
    ladder = terms.ladder.each_of(replicas).over(horizon.over_day) if terms.ladder else None
    taken = np.maximum(0.0, np.broadcast_to(taken_mw, horizon.day_length))
    return carbon_cost_per_h(taken, horizon.over_day(terms.factor_tco2_per_mwh), ladder)


def refuse_head_terms(customer: str, terms: TariffSignal, who: str) -> None:
    """Refuse what a customer at a head cannot plan with beyond prices: a ladder of carbon, and a pull.

    Raises
    ------
    MessageError
        If the terms hold one of them.
    """
    parts = (("a ladder of carbon", terms.ladder), ("a pull", terms.pull))
    beyond = [name for name, part in parts if part is not None]
    if beyond:
        raise MessageError(
            f"agent {customer}: its supplier asks with {' and '.join(beyond)}, which an operator {who} "
            "cannot plan with; let it tell prices alone"
        )


def load_status(horizon: Horizon, period: int, planned_mw: Array) -> LoadStatus:
    """What is left, from a settlement period on, of what is planned for its day, shape (n_period,)."""
    begun = period - horizon.periods(horizon.place(period)[0]).start
    return LoadStatus(period, series(planned_mw[begun:]))


def _key(terms: TariffSignal) -> tuple[int, int, bool]:
    return terms.day, terms.round, terms.final
