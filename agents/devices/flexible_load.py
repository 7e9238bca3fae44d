"""A load that shifts in time on command, against compensation, at unchanged energy of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import LoadCommand, Receipt
from gridarium.market.messages.forecasts import FlexibleOffer, ForecastRequest
from gridarium.market.messages.status import FlexibleStatus, StatusRequest
from gridarium.market.settlement import settle_shift


@dataclass(frozen=True)
class FlexibleProfile:
    """Private data of a flexible load; arrays of shape (n_period,), whole days.

    Parameters
    ----------
    base_mw : ndarray
        What it would draw.
    lowest_mw, highest_mw : ndarray
        What it can draw, below and above the base.
    compensation_per_mwh : float
        Due for each MWh by which it is moved off its base (beta_m).

    Raises
    ------
    ScenarioError
        If a limit is on the wrong side of the base.
    """

    base_mw: Array
    lowest_mw: Array
    highest_mw: Array
    compensation_per_mwh: float

    def __post_init__(self) -> None:
        for field in fields(self)[:3]:
            object.__setattr__(self, field.name, series(getattr(self, field.name)))
        faults = [
            Fault(f"{name}, period {int(np.argmax(wrong))}", float(values[np.argmax(wrong)]), allowed)
            for name, values, wrong, allowed in (
                ("lowest_mw", self.lowest_mw, self.lowest_mw > self.base_mw, "must be at most base_mw, MW"),
                (
                    "highest_mw",
                    self.highest_mw,
                    self.highest_mw < self.base_mw,
                    "must be at least base_mw, MW",
                ),
                ("lowest_mw", self.lowest_mw, self.lowest_mw < 0.0, "must be in [0, inf) MW"),
            )
            if wrong.any()
        ]
        if faults:
            raise ScenarioError("flexible load", faults)


class FlexibleLoad(CommandedAgent):
    """A demand-response load: draws its base until it is told otherwise.

    Whatever it is told and whatever its behaviour makes of that, its energy of the day is the base's:
    it never lets go of so much, or takes so much, that its limits could not make up for it later.

    Parameters
    ----------
    site : Site
    name : str
    demand : FlexibleProfile
    leader : str
        Whose commands it follows and who compensates it.
    behaviour : Behaviour, optional
        Its hook `act` sees the commanded power.

    Notes
    -----
    E5; compensation E25.
    """

    kind = "flexible_load"

    def __init__(
        self,
        site: Site,
        name: str,
        demand: FlexibleProfile,
        leader: str,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(site, name, behaviour)
        self.leader, self._demand = leader, demand
        self._plan_mw = np.array(demand.base_mw)
        self._drawn_mw = np.zeros_like(self._plan_mw)

    @property
    def loads_mw(self) -> dict[str, Array]:
        """Base, commanded and drawn load, MW, for the record."""
        return {"base": self._demand.base_mw, "plan": self._plan_mw, "drawn": self._drawn_mw}

    @on(ForecastRequest)
    def tell_limits(self, request: ForecastRequest, sender: str) -> FlexibleOffer:
        """Tell the expected load of a day and how far it can shift."""
        demand, day = self._demand, request.day
        base = self.behaviour.foresee(self, self.horizon.of_day(demand.base_mw, day))
        return FlexibleOffer(
            day,
            series(base),
            series(self.horizon.of_day(demand.lowest_mw, day)),
            series(self.horizon.of_day(demand.highest_mw, day)),
        )

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> FlexibleStatus:
        """Tell what is drawn now, and what is owed by the end of the day."""
        period = request.period
        over = slice(self._day(period).start, period)
        owed = float((self._demand.base_mw[over] - self._drawn_mw[over]).sum()) * self.world.period_h
        drawn = float(self._drawn_mw[period - 1]) if period else 0.0
        return FlexibleStatus(period, drawn, owed)

    @on(LoadCommand)
    def take_command(self, command: LoadCommand, sender: str) -> Receipt:
        """Keep the plan for the rest of the day."""
        if (ahead := self.commands.take(command)) is not None:
            self._plan_mw[ahead] = command.load_mw
        return Receipt()

    def operate(self, period: int) -> None:
        """Draw what the behaviour makes of the command, within what keeps the energy of the day."""
        wanted = self.behaviour.act(self, period, float(self._plan_mw[period]))
        low, high = self._limits_mw(period)
        self._drawn_mw[period] = min(max(wanted, low), high)
        self.site.draw(self.name, float(self._drawn_mw[period]))

    def settle(self, period: int) -> None:
        """Bill the compensation for what was shifted (E25)."""
        shifted = abs(float(self._drawn_mw[period] - self._demand.base_mw[period])) * self.world.period_h
        settle_shift(
            self.world.ledger,
            self.world.clock.now_s,
            period,
            self.name,
            self.leader,
            shifted,
            self._demand.compensation_per_mwh,
        )

    def rows(self) -> Iterator[Rows]:
        """Its load before and after it was shifted, and where it drew it."""
        drawn = self.world.meters[self.name]
        values = {"p_base_mw": self._demand.base_mw, "p_plan_mw": self._plan_mw, "p_metered_mw": drawn}
        yield Rows("loads", values)
        yield Rows("dispatch", {"bus": self.site.label, "p_supply_mw": 0.0, "p_demand_mw": drawn})

    def _day(self, period: int) -> slice:
        return self.horizon.periods(self.horizon.place(period)[0])

    def _limits_mw(self, period: int) -> tuple[float, float]:
        """Least and most power from which the energy of the day can still be kept, MW."""
        day = self._day(period)
        left = float(self._demand.base_mw[day].sum() - self._drawn_mw[day.start : period].sum())
        later = slice(period + 1, day.stop)
        lowest, highest = self._demand.lowest_mw, self._demand.highest_mw
        low = max(float(lowest[period]), left - float(highest[later].sum()))
        high = min(float(highest[period]), left - float(lowest[later].sum()))
        return low, max(low, high)
