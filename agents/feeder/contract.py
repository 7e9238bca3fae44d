"""What a DSO has agreed with others before any day: its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gridarium.agents.feeder.edge_desk import EdgeTerms
from gridarium.agents.feeder.own_storages import OwnStorages
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Grid, Place
from gridarium.environment.horizon import Horizon
from gridarium.environment.security.authority import Authority
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.tariffs import CarbonTerms, MarketConditions, TariffSignal


@dataclass(frozen=True)
class PoolContract:
    """What a DSO has agreed with a pool of storages.

    Parameters
    ----------
    pool : str
        Name of the platform.
    outside : {"stand-alone", "idle"}
        What storages outside a coalition do, where coalitions are valued.
    counts_ageing : bool
        Whether what members age counts against a coalition.
    authority : Authority, optional
        With whose key the DSO signs, for the owners, what the records are at the end of each day; None if it
        tells them nothing.
    """

    pool: str
    outside: Literal["stand-alone", "idle"] = "stand-alone"
    counts_ageing: bool = False
    authority: Authority | None = None

    @property
    def compensates(self) -> bool:
        """Whether members also get what they would have earned alone: that is in no value then."""
        return self.outside == "stand-alone"


@dataclass(frozen=True)
class Standby:
    """A storage that stands by.

    Parameters
    ----------
    ratings : StorageRatings
    bus : int
    """

    ratings: StorageRatings
    bus: int


@dataclass(frozen=True)
class ServiceTerms:
    """What a DSO knows of the services on its feeder.

    Parameters
    ----------
    provider, desk : str or None
        Names of the storage provider, and of the desk of the prosumers; None without one.
    storage : StorageRatings or None
        Of the provider.
    bus : int
        Where that stands.
    compensation_per_mwh : float
        What the provider gets for wear, money per MWh in or out inside the storage.
    """

    provider: str | None = None
    desk: str | None = None
    storage: StorageRatings | None = None
    bus: int = 0
    compensation_per_mwh: float = 0.0


@dataclass(frozen=True)
class DsoContract:
    """What a DSO has agreed with others, or knows of them, before any day.

    Parameters
    ----------
    tou_price_per_mwh : ndarray, shape (n_day * n_step,)
        The tariff that its customers pay without any adjustment.
    supplier : str
        Who supplies the head of its grid.
    carbon_market : str or None
        Who buys what it emits below its quota; None where it passes on its supplier's ladder instead.
    places : mapping of str to Site or SpreadSite
        Where its followers' loads meet the grid.
    below : mapping of str to Grid
        Those of its followers who are operators of a grid that hangs on this one.
    own_storages : OwnStorages
        Storages whose owners live on the tariff; by default the operator commands all there are.
    storage_pool : PoolContract, optional
        With a pool of these storages, whose members it commands day by day; None without one.
    curtailment_per_mwh : mapping of str to float
        What a follower gets for each MWh that it draws below the base load it has told; nothing for others.
    edge : EdgeTerms, optional
        With the edge controller of its feeder; None without one.
    standbys : mapping of str to Standby
        Its own storages that stand by for those it dispatches; none by default.
    served : mapping of str to Site
        Prosumers that it serves with what they lack, at a price of their own, and where they stand: they hear
        no tariff, and pay for what their meters show by themselves. None by default.
    served_price_per_mwh : float
        That price, which does not change.
    quota_tco2_per_mwh : float
        Where it passes on a ladder: what is free of it for each MWh of load; a carbon market tells its own.
    services : ServiceTerms, optional
        Of those on its feeder whom the system above may call, or at least hears of; None without any.
    """

    tou_price_per_mwh: Array
    supplier: str
    carbon_market: str | None
    places: Mapping[str, Place]
    below: Mapping[str, Grid]
    own_storages: OwnStorages = field(default_factory=OwnStorages)
    storage_pool: PoolContract | None = None
    curtailment_per_mwh: Mapping[str, float] = field(default_factory=dict)
    edge: EdgeTerms | None = None
    standbys: Mapping[str, Standby] = field(default_factory=dict)
    served: Mapping[str, Place] = field(default_factory=dict)
    served_price_per_mwh: float = 0.0
    quota_tco2_per_mwh: float = 0.0
    services: ServiceTerms | None = None

    @property
    def loads(self) -> Mapping[str, Place]:
        """Where everybody draws whom it must supply: followers, and those that it serves."""
        return {**self.places, **self.served}

    @property
    def consumers(self) -> tuple[str, ...]:
        """Those of its followers who pay the tariff by their own meter."""
        return tuple(name for name in self.places if name not in self.below)

    @property
    def own_carbon_terms(self) -> CarbonTerms:
        """Where it trades with no carbon market: nothing is asked beside the ladder."""
        return CarbonTerms(series(np.zeros(1)), self.quota_tco2_per_mwh)

    def conditions(
        self, terms: TariffSignal, carbon: CarbonTerms, horizon: Horizon, replicas: int = 1
    ) -> MarketConditions:
        """What a day is planned with: this contract, the supplier's terms, the carbon market's.

        Of what the supplier asks from all replicas together, each one plans with its part.
        """
        ladder, pull = terms.ladder, terms.pull
        wholesale, exported = series(horizon.fit(terms.price_per_mwh)), terms.export_price_per_mwh
        return MarketConditions(
            tou_price_per_mwh=series(horizon.of_day(self.tou_price_per_mwh, terms.day)),
            wholesale_price_per_mwh=wholesale,
            export_price_per_mwh=series(
                np.zeros_like(wholesale) if exported is None else horizon.fit(exported)
            ),
            grid_factor_tco2_per_mwh=series(horizon.fit(terms.factor_tco2_per_mwh)),
            carbon_price_per_tco2=series(horizon.fit(carbon.price_per_tco2)),
            quota_tco2_per_mwh=carbon.quota_tco2_per_mwh,
            ladder=ladder.each_of(replicas).over(horizon.fit) if ladder else None,
            pull=pull.each_of(replicas).over(horizon.fit) if pull else None,
            passes_ladder=self.carbon_market is None,
        )
