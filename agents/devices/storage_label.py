"""The green label of a storage: how much of what is inside, and of what leaves it, is green."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gridarium.agents.base import Listener, on
from gridarium.environment.arrays import Array
from gridarium.environment.attribute_tank import AttributeTank
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageFlow, StorageRatings, through_mwh
from gridarium.market.messages.cleanness import GreenShares
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.status import StorageStatus

LabelRule = Literal["proportional", "fifo", "load-generator"]
"""What leaves first: the mix of what is inside, the oldest of it, or what is green, as far as that goes."""


@dataclass(frozen=True)
class LabelTerms:
    """How the energy in a storage is labelled.

    Parameters
    ----------
    rule : {"proportional", "fifo", "load-generator"}
        As in `AttributeTank`.
    initial_share : float
        Green share of what is inside at the start, in [0, 1].
    """

    rule: LabelRule = "proportional"
    initial_share: float = 0.0


class StorageLabel(Listener):
    """Green energy beside the energy of a storage; a part that its owner mounts.

    What is charged is as green as the grid's supply is told to be; before that is told, it counts as not
    green. By the rule "load-generator" as much green energy leaves as may.

    - `settle`: book a period
    - `told`, `columns`: what it tells with the state of its storage, and of all periods

    Parameters
    ----------
    ratings : StorageRatings
    terms : LabelTerms
    horizon : Horizon
    """

    def __init__(self, ratings: StorageRatings, terms: LabelTerms, horizon: Horizon) -> None:
        e_mwh = ratings.soc_initial * ratings.e_max_mwh
        self._horizon, self._efficiencies = horizon, ratings.efficiencies
        self._tank = AttributeTank(
            f"{ratings.name} label",
            e_mwh,
            terms.initial_share * e_mwh,
            terms.rule,
            unit="MWh green",
            intensity_max=1.0,
        )
        self._supply_share = np.zeros(horizon.n_period)
        self._green_mwh, self._in_mwh, self._out_mwh, self._share = np.full((4, horizon.n_period), np.nan)

    @on(GreenShares)
    def hear_shares(self, told: GreenShares, sender: str) -> Receipt:
        """Take how green the supply of a day is."""
        self._supply_share[self._horizon.periods(told.day)] = self._horizon.over_day(told.share)
        return Receipt()

    def settle(self, period: int, flow: StorageFlow) -> None:
        """Book a period by the energies that entered and left the inside.

        What was charged and given back within the period, where more was given than was there before, is as
        green as it came.
        """
        into_share, (eta_in, eta_out) = float(self._supply_share[period]), self._efficiencies
        through = through_mwh(flow, self._tank.energy_mwh)
        entered, left = flow.e_in_mwh - through, flow.e_out_mwh - through
        chosen = None
        if self._tank.rule == "load-generator":
            chosen = self._tank.attribute_out_range(min(left, self._tank.energy_mwh))[1]
        out = self._tank.step(entered, left, into_share * entered, chosen, period=period)
        self._in_mwh[period] = into_share * flow.e_in_mwh / eta_in
        self._out_mwh[period] = (out + into_share * through) * eta_out
        self._green_mwh[period], self._share[period] = self._tank.attribute, self._tank.intensity

    def told(self, status: StorageStatus) -> StorageStatus:
        """A status with the green energy inside, and what left of it right before."""
        period = status.period
        left = float(self._out_mwh[period - 1]) if period else 0.0
        return replace(status, green_mwh=self._tank.attribute, green_discharge_mwh=left)

    @property
    def columns(self) -> Mapping[str, Array]:
        """What it was in each period, for a table."""
        return {
            "green_mwh": self._green_mwh,
            "green_in_mwh": self._in_mwh,
            "green_out_mwh": self._out_mwh,
            "green_share": self._share,
        }
