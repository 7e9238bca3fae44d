"""A surcharge on the carbon that arrives where a user draws: the demand-side carbon penalty."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.market.factor_bounds import FactorBounds
from gridarium.market.supply import Situation
from gridarium.market.tariffs import TariffOffer


@dataclass(frozen=True)
class NodalCarbonTariff:
    """The time-of-use price plus the carbon price of the intensity at each bus.

    Parameters
    ----------
    adjustment : float
        xi: intensity of the penalty.
    revenue_neutral : bool
        Whether only the distance from the mean intensity of the day's load is charged, so that planned loads
        pay nothing on the whole.

    Raises
    ------
    ScenarioError
        If `revenue_neutral` is neither true nor false.

    Notes
    -----
    Equation A3, ``pi'_n,t = pi0_t + xi lambda e_n,t`` with lambda the price of the carbon market; e_n,t is
    traced by proportional sharing (A1). Users pay the whole posted price to the operator, who owes the carbon
    market lambda for what is emitted above its quota.

    Owners of storages keep to the time-of-use price: their energy carries its carbon on to whoever uses it,
    who is charged then.
    """

    adjustment: float = 1.0
    revenue_neutral: bool = False
    pool: None = field(default=None, init=False)
    credit: None = field(default=None, init=False)
    trades_carbon: bool = field(default=True, init=False)
    budget_balanced: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.revenue_neutral, bool):
            fault = Fault("revenue_neutral", self.revenue_neutral, "must be true or false")
            raise ScenarioError("nodal carbon tariff", [fault])

    def offer(self, situation: Situation) -> TariffOffer:
        """Prices and intensities bus by bus.

        The factor of all loads together is the mean intensity of each hour, plus what storages keep of the
        day's carbon, spread evenly over its load.

        Raises
        ------
        ScenarioError
            If nothing is known of the buses.
        """
        nodes, market = situation.nodes, situation.conditions
        if nodes is None:
            fault = Fault("tariff.kind", "nodal-carbon-surcharge", "needs a feeder with a dso")
            raise ScenarioError("nodal carbon tariff", [fault])
        intensity, load = nodes.intensity_tco2_per_mwh, nodes.load_mw
        total, carried = load.sum(axis=0), (intensity * load).sum(axis=0)
        energy = max(float(total.sum()), 1e-12)
        mean = float(carried.sum()) / energy
        charged = intensity - mean if self.revenue_neutral else intensity
        kept = (float(situation.supply.emission_t_per_h.sum()) - float(carried.sum())) / energy
        own = np.divide(carried, total, out=np.full_like(total, mean), where=total > 0.0)
        factor, bounds = own + kept, FactorBounds.of(situation)
        if not bounds.hold(factor, total):
            factor = bounds.carried(own, total, float(situation.supply.emission_t_per_h.sum()))
        nothing = np.zeros_like(total)
        return TariffOffer(
            market.tou_price_per_mwh + self.adjustment * market.carbon_price_per_tco2 * charged,
            factor,
            nothing,
            nothing,
            nodal_factor_tco2_per_mwh=intensity,
        )
