"""The exchange rounds of a TIES: a price with a target, a dispatch that decides on the targets, its dual."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.acceleration import Heard
from gridarium.agents.transmission.exchange_dispatch import ExchangeStep
from gridarium.agents.transmission.ties_day import CarbonJudgement, TiesDay
from gridarium.agents.transmission.ties_negotiation import Before, Posted, Pricing, TiesNegotiation
from gridarium.agents.transmission.ties_planner import TiesPlanner
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.market.messages.tariffs import LoadPlan, Pull, TariffSignal

_REFRESH = 0.1
"""Share of the distance from rest at which losses were seen last; nearer than that they are seen again."""

_A_WATT_MW = 1e-6

Targets = Mapping[str, Array]
"""What all replicas of each follower together shall take, MW, shape (n_step,)."""


class ExchangeNegotiation(TiesNegotiation):
    """Rounds for followers whose answers jump with the price, as those of whole feeders do.

    Each round posts one price of energy and, to each follower, a target and the weight of its distance. The
    dispatch for the loads heard decides on the next targets under the same weights; what a further MWh then
    costs is the next price. Steps are whole ones.

    Parameters
    ----------
    leader, today, planner, pricing, before
        As of any negotiation.
    penalty : float
        Weight of a MW off the target as a share of mean price over mean load, above 0.
    replicas : mapping of str to int
        How many equal grids stand behind a follower, where there is more than one.

    Raises
    ------
    ScenarioError
        If the tariff, whose size the weights are taken from, is not above 0 in the mean, or a follower
        expects to take nothing all day.

    Notes
    -----
    W.11, exchange ADMM: follower r of w_r replicas minimises ``cost(l) + y l + rho_r / 2 (l - z_r)^2``, and
    the supplier ``C(sum w z) - y sum w z + sum rho_r w_r / 2 (z_r - l_r)^2``. The price leaves out what the
    system's own carbon costs at the factor told, since that carbon is charged for apart (W.1).
    """

    def __init__(
        self,
        leader: GridAgent,
        today: TiesDay,
        planner: TiesPlanner,
        pricing: Pricing,
        before: Before,
        penalty: float,
        replicas: Mapping[str, int],
    ) -> None:
        super().__init__(leader, today, planner, pricing, before)
        self._penalty = penalty
        self._replicas = {name: replicas.get(name, 1) for name in today.followers}
        self._weights: Mapping[str, float] = {}
        self._targets: Targets = {}
        self._wanted_targets: Targets = {}
        self._is_supplied, self._distance = True, math.inf
        self._credit_per_mwh: Array = np.zeros(today.horizon.n_step)
        self._wanted_credit_per_mwh = self._credit_per_mwh

    # What it posts.

    def first(self, round_: int) -> Mapping[str, TariffSignal]:
        """The price of supply at the loads known so far, which are the first targets."""
        self._begin()
        if self._targets:
            self._redispatch(math.inf)
            price = self._posted.energy_per_mwh + self._credit_per_mwh
        else:
            self._planner.dispatch(self._today)
            self._weights, price = self._weighed(), self._at_base()
        self._take(price)
        self._scale = self._wanted
        return self._exchange(round_, self._wanted)

    def _at_base(self) -> Array:
        """What a further MWh costs at the base loads, which the units are committed for."""
        today, planner = self._today, self._planner
        forecast = planner.forecast(today, today.loads.sum(axis=0))
        return planner.merit_order.solve(planner.owner, forecast, today.on, today.state).price_per_mwh

    def revise(self, round_: int) -> Mapping[str, TariffSignal]:
        """The price that the leader picks, knowing the one that answers call for, and the next targets."""
        self._round_of_game += 1
        return self._exchange(round_, self._chosen(round_, self._wanted))

    def settle(self, round_: int) -> Mapping[str, TariffSignal] | None:
        """What was posted last stays; the loads that it has brought about must be supplied.

        Raises
        ------
        InfeasibleError
            If no flow within all limits supplies them.
        """
        if not self._is_supplied:
            self._planner.dispatch(self._today)
        return None

    def _exchange(self, round_: int, posted: Posted) -> Mapping[str, TariffSignal]:
        """Post prices with the targets that the answers call for."""
        self._targets, self._credit_per_mwh = self._wanted_targets, self._wanted_credit_per_mwh
        self._pulls = {name: Pull(series(z), self._weights[name]) for name, z in self._targets.items()}
        self._today.supply_price_per_mwh = posted.energy_per_mwh + self._credit_per_mwh
        return self._post(round_, posted)

    def _weighed(self) -> dict[str, float]:
        """rho of each follower: the penalty times the mean tariff over the mean exchange of a replica."""
        today, price = self._today, float(self._tou.mean())
        sizes = {
            name: float(np.sqrt((base**2).mean())) / self._replicas[name]
            for name, base in today.base_mw.items()
        }
        allowed = "MW, must be above 0"
        faults = [Fault(f"load of {name}", size, allowed) for name, size in sizes.items() if size == 0.0]
        if price <= 0.0:
            faults.append(Fault("mean tariff", price, "money/MWh, must be above 0"))
        if faults:
            raise ScenarioError("exchange rounds", faults)
        return {name: self._penalty * price / size for name, size in sizes.items()}

    @property
    def _reaches(self) -> dict[str, float]:
        """By how much the target of each follower moves for a unit of price: w / rho, MW**2 h/money."""
        return {name: self._replicas[name] / rho for name, rho in self._weights.items()}

    # What it makes of the answers.

    def judge(
        self, round_: int, answers: Mapping[str, LoadPlan], silent: frozenset[str], closing: bool
    ) -> CarbonJudgement:
        """Decide on the next targets and price; at rest, and on the way there, see what the network loses."""
        self._hear(round_, answers)
        self._share()
        self._is_supplied = False
        price = self._posted.energy_per_mwh + self._credit_per_mwh
        apart = self._apart
        step = self._take(price)
        distance = max(apart, self._moved)
        if distance <= max(self._today.rules.tolerance, _REFRESH * self._distance):
            self._redispatch(distance)
            step = self._take(price)
        # Rest is that of loads which the network has supplied.
        moved = self._moved if self._is_supplied else max(self._moved, 2.0 * self._today.rules.tolerance)
        return CarbonJudgement(
            max(apart, moved),
            len(silent),
            False,
            apart,
            self._moved,
            1.0,
            step.emission_tco2,
            step.cost_money,
        )

    @property
    def _apart(self) -> float:
        """Largest distance of a follower's load from its target, relative to the largest of both."""
        pairs = [(self._today.loads_mw[name], target) for name, target in self._targets.items()]
        return max(
            float(np.abs(load - target).max() / max(np.abs([load, target]).max(), _A_WATT_MW))
            for load, target in pairs
        )

    @property
    def _moved(self) -> float:
        """Largest distance of the numbers posted from those that the answers call for, relative."""
        wanted = self._wanted
        return Heard(self._posted.relative_to(wanted), wanted.relative_to(wanted)).distance_per_mwh

    def _redispatch(self, distance: float) -> None:
        """Dispatch over the network for the loads heard, whose losses count from now on."""
        self._is_supplied, self._distance = self._planner.try_dispatch(self._today), distance

    def _take(self, supply_price_per_mwh: Array) -> ExchangeStep:
        """Decide on the signals that loads told at a price of supply call for."""
        step = self._planner.exchange(self._today, 1.0 / sum(self._reaches.values()), supply_price_per_mwh)
        self._wanted_credit_per_mwh = step.carbon_per_tco2 * step.factor_tco2_per_mwh
        fall = supply_price_per_mwh - step.price_per_mwh
        self._wanted_targets = {
            name: self._today.loads_mw[name] + reach * fall for name, reach in self._reaches.items()
        }
        energy = step.price_per_mwh - self._wanted_credit_per_mwh
        self._wanted = self._priced(energy, step.factor_tco2_per_mwh)
        return step
