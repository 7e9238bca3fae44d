"""Carbon trading of generators: net emission against a free allowance on gross generation."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, NDArray[np.float64])


def carbon_trading_money(
    net_emission_tco2: Number,
    gross_mwh: Number,
    price_per_tco2: float = 12.0,
    allowance_tco2_per_mwh: float = 0.7,
) -> Number:
    """Cost of carbon trading; negative where allowances are left over and sold.

    Parameters
    ----------
    net_emission_tco2 : float or ndarray
        What leaves the stack: gross emission less what was absorbed, tCO2.
    gross_mwh : float or ndarray, same shape
        Gross generation, before the consumption of capture plants, MWh.
    price_per_tco2 : float
    allowance_tco2_per_mwh : float
        Free allowance for each MWh of gross generation.

    Notes
    -----
    Equation E21, ``C_P = price * (E_a - allowance * gross)``. Its source contradicts itself on E_a: the
    sentence below the formula calls the second term the captured carbon, while the formula subtracts
    allowances. Read as the *net* emission, capture is paid for once and the formula is an ordinary cap and
    trade. With that reading the printed emission of 571 t needs an intensity of at most 0.17 tCO2/MWh at
    80 % capture of 16.5 GWh, or 0.69 tCO2/MWh had the quarter of an hour been left out of the sums; energies
    here are in MWh, quarter of an hour included, so the printed trading costs cannot be met as well.
    """
    return price_per_tco2 * (net_emission_tco2 - allowance_tco2_per_mwh * gross_mwh)
