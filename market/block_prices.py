"""A ladder on carbon at a given carbon factor: a price of energy that rises by blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.carbon_price import PersonalLadder

_CLEAN = 1e-9
"""Carbon factor below which no energy carries carbon, tCO2/MWh."""


@dataclass(frozen=True)
class BlockPrices:
    """What energy costs by blocks, in steps of a day.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_block, n_step)
        Of each block, carbon included; never falling from block to block.
    block_mw : ndarray, shape (n_step,)
        Length of all blocks but the last.
    free_mw : ndarray, shape (n_step,)
        Where the first block begins; what is drawn less than that is rewarded at its price.

    Notes
    -----
    D4 with D25: as prices rise, whoever minimises fills the cheapest block first, without binaries.
    """

    price_per_mwh: Array
    block_mw: Array
    free_mw: Array

    @classmethod
    def of(
        cls, price_per_mwh: Array, factor_tco2_per_mwh: Array, ladder: PersonalLadder | None, most_mw: float
    ) -> BlockPrices:
        """Blocks of a ladder of carbon at a carbon factor, on top of a price.

        Parameters
        ----------
        price_per_mwh, factor_tco2_per_mwh : ndarray, shape (n_step,)
        ladder : PersonalLadder or None
        most_mw : float
            More than is ever drawn: the length of blocks where energy carries no carbon.
        """
        price, factor = price_per_mwh, factor_tco2_per_mwh
        if ladder is None:
            return cls(price[None, :], np.full_like(price, most_mw), np.zeros_like(price))
        carries = factor > _CLEAN
        per_tonne = np.divide(1.0, factor, out=np.zeros_like(factor), where=carries)
        return cls(
            price + np.maximum(factor, 0.0) * ladder.prices_per_tco2,
            np.where(carries, ladder.interval_t_per_h * per_tonne, most_mw),
            np.where(carries, ladder.quota_t_per_h * per_tonne, 0.0),
        )

    @property
    def starts_mw(self) -> Array:
        """Where each block after the first begins, shape (n_block - 1, n_step)."""
        number = np.arange(1, len(self.price_per_mwh))
        return self.free_mw + number[:, None] * self.block_mw

    @property
    def rises_per_mwh(self) -> Array:
        """By how much each block is dearer than the one before, shape (n_block - 1, n_step)."""
        return np.diff(self.price_per_mwh, axis=0)


def carbon_cost_per_h(drawn_mw: Array, factor_tco2_per_mwh: Array, ladder: PersonalLadder | None) -> Array:
    """What a ladder asks for the carbon of what is drawn, money/h, shape (n_step,).

    Notes
    -----
    D11 with D25; what is drawn at a carbon factor of 0 or below carries none, and earns no reward.
    """
    if ladder is None:
        return np.zeros_like(drawn_mw)
    factor = factor_tco2_per_mwh
    return np.where(factor > _CLEAN, ladder.cost_per_h(np.maximum(factor, 0.0) * drawn_mw), 0.0)
