"""What followers of a tariff were told, as the tables of a run have it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.load_follower import FollowerDay, FollowerDemand, LoadFollower
from gridarium.environment.arrays import Array, series
from gridarium.experiments.evidence.grid_evidence import GridEvidence, has_prices_by_bus
from gridarium.market.messages.tariffs import TariffSignal


def signals_told_to(
    known: GridEvidence, consumer: LoadFollower[FollowerDemand, FollowerDay]
) -> Iterator[TariffSignal]:
    """The final signal of each day, as a consumer was told it."""
    horizon, price = consumer.horizon, told_price_per_mwh(known, consumer)
    factor, reference = (
        _of_leader(known, consumer.leader, name)
        for name in ("factor_planned_tco2_per_mwh", "tou_price_per_mwh")
    )
    for number in range(horizon.n_day):
        of_day = horizon.periods(number)
        yield TariffSignal(
            round=1,
            price_per_mwh=series(horizon.fit(price[of_day])),
            factor_tco2_per_mwh=series(horizon.fit(factor[of_day])),
            reference_price_per_mwh=series(horizon.fit(reference[of_day])),
            final=True,
            day=number,
        )


def told_price_per_mwh(known: GridEvidence, consumer: LoadFollower[FollowerDemand, FollowerDay]) -> Array:
    """Final price that a consumer was told, by settlement period of all days."""
    if not has_prices_by_bus(known.tables):
        return _of_leader(known, consumer.leader, "price_per_mwh")
    posted = known.tables["buses"].pivot(index="period", columns="bus", values="price_posted_per_mwh")
    labels = [str(label) for label in known.grid.feeder.bus_labels]
    return np.asarray(posted[labels].to_numpy(dtype=float) @ consumer.place.p_share)


def _of_leader(known: GridEvidence, leader: str, name: str) -> Array:
    """A column of the signals of a leader, shape (n_period,)."""
    signals = known.tables["signals"]
    return np.asarray(signals.loc[signals["agent"] == known.grid.local(leader), name].to_numpy(dtype=float))
