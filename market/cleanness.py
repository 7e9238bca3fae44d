"""What stored green energy is worth: the carbon potential of a region, its nodal carbon price, and payments.

All functions work elementwise, on arrays of shape (n_region, n_period) or whatever broadcasts to it. A region
is a part of a feeder that congestion keeps apart, so that what is discharged there is used there.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.storage import TOLERANCE

COAL_TCO2_PER_MWH = 0.892
"""What a MWh of coal power emits, and a MWh of green energy is taken to avoid (B4)."""

Pricing = Literal["none", "uniform", "nodal"]
"""Whether green discharge is paid, at one price for all regions, or at that of its region."""


def green_price_per_mwh(
    carbon_price_per_tco2: Array, avoided_tco2_per_mwh: float = COAL_TCO2_PER_MWH
) -> Array:
    """Give the initial carbon price of a MWh of green energy.

    Parameters
    ----------
    carbon_price_per_tco2 : ndarray
        Price of the carbon market.
    avoided_tco2_per_mwh : float
        What a MWh of green energy avoids.

    Raises
    ------
    InputError
        If the avoided carbon is not above 0, or infinite.

    Notes
    -----
    Equation B4, ``c0_t = kappa p_t`` [1]_.

    References
    ----------
    .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762

    Examples
    --------
    >>> green_price_per_mwh(np.array([40.0, 60.0])).round(2).tolist()
    [35.68, 53.52]
    """
    if not 0.0 < avoided_tco2_per_mwh < np.inf:
        fault = Fault("avoided_tco2_per_mwh", avoided_tco2_per_mwh, "must be in (0, inf) tCO2/MWh")
        raise InputError("green price", [fault])
    return np.asarray(avoided_tco2_per_mwh * carbon_price_per_tco2)


def grid_share(load_mw: Array, green_discharge_mw: Array) -> Array:
    """Give the share of a region's load that green discharge leaves to the grid, in [0, 1].

    Parameters
    ----------
    load_mw : ndarray
    green_discharge_mw : ndarray
        Of all storages of the region together, whoever owns them.

    Returns
    -------
    ndarray
        ``1 - green_discharge / load``; 1 where nothing is drawn.

    Raises
    ------
    InputError
        If green discharge is below 0 or above the load by more than `TOLERANCE`, or no number. What would be
        sold beyond the load makes no use of the region cleaner.
    """
    load, green = np.broadcast_arrays(
        np.asarray(load_mw, dtype=np.float64), np.asarray(green_discharge_mw, dtype=np.float64)
    )
    wrong = ~((green >= -TOLERANCE) & (green <= load + TOLERANCE) & (load >= 0.0) & np.isfinite(load))
    if wrong.any():
        faults = [
            Fault(
                f"green_discharge_mw{list(place)}",
                float(green[place]),
                f"must be in [0, load] MW, with a finite load, here {load[place]:.9g} MW",
            )
            for place in zip(*(axis.tolist() for axis in np.nonzero(wrong)), strict=True)
        ]
        raise InputError("carbon potential", faults)
    used = np.divide(green, load, out=np.zeros(load.shape), where=load > 0.0)
    return np.asarray(1.0 - np.clip(used, 0.0, 1.0))


def emission_t_per_h(initial_tco2_per_mwh: Array, load_mw: Array) -> Array:
    """Give the emission of regions whose storages rest, tCO2/h (B1, ``E0 = e0 L``)."""
    return np.asarray(initial_tco2_per_mwh * load_mw)


def avoided_t_per_h(initial_tco2_per_mwh: Array, green_discharge_mw: Array) -> Array:
    """Give what green discharge takes off that emission, tCO2/h (B2, ``dE = e0 Pgd``)."""
    return np.asarray(initial_tco2_per_mwh * green_discharge_mw)


def carbon_potential_tco2_per_mwh(
    initial_tco2_per_mwh: Array, load_mw: Array, green_discharge_mw: Array
) -> Array:
    """Give the carbon potential of regions: what a MWh used there emits.

    Parameters
    ----------
    initial_tco2_per_mwh : ndarray
        Carbon potential of the grid, which all regions share.
    load_mw, green_discharge_mw : ndarray
        As in `grid_share`, with the same errors.

    Notes
    -----
    Equation B2, ``e = (E0 - dE) / L = e0 (1 - Pgd / L)`` [1]_. The text below the paper's formula calls Pgd
    the green power charged; while storages charge, the potential is the grid's, so discharge is meant.

    References
    ----------
    .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762

    Examples
    --------
    >>> carbon_potential_tco2_per_mwh(np.array([0.6]), np.array([0.4]), np.array([0.1])).round(3).tolist()
    [0.45]
    """
    return np.asarray(initial_tco2_per_mwh * grid_share(load_mw, green_discharge_mw))


def nodal_carbon_price_per_mwh(
    initial_price_per_mwh: Array, initial_tco2_per_mwh: Array, potential_tco2_per_mwh: Array
) -> Array:
    """Give what a MWh of green energy is worth where the carbon potential is already lower.

    Parameters
    ----------
    initial_price_per_mwh : ndarray
        As `green_price_per_mwh` gives it.
    initial_tco2_per_mwh, potential_tco2_per_mwh : ndarray
        Carbon potential before and after storages acted, by `carbon_potential_tco2_per_mwh` or as traced
        through a feeder.

    Raises
    ------
    InputError
        If the initial potential is not above 0.

    Notes
    -----
    Equation B3, ``c = c0 e / e0``.
    """
    initial = np.asarray(initial_tco2_per_mwh, dtype=np.float64)
    if not (initial > 0.0).all():
        fault = Fault("initial_tco2_per_mwh", float(initial.min()), "must be above 0 tCO2/MWh")
        raise InputError("nodal carbon price", [fault])
    return np.asarray(initial_price_per_mwh * potential_tco2_per_mwh / initial)


def cleanness_price_per_mwh(
    pricing: Pricing, initial_price_per_mwh: Array, load_mw: Array, green_discharge_mw: Array
) -> Array:
    """Give the price at which green discharge is paid.

    Parameters
    ----------
    pricing : {"none", "uniform", "nodal"}
        0, the initial price, or that times what green discharge leaves of the carbon potential: the
        scenarios 3, 1 and 2 of the paper.
    initial_price_per_mwh : ndarray
        c0, as `green_price_per_mwh` gives it.
    load_mw, green_discharge_mw : ndarray
        As in `grid_share`, with the same errors under every pricing.

    Notes
    -----
    B2 in B3: ``c = c0 (1 - Pgd / L)``, which lacks nothing where the grid emits nothing. A region is paid
    ``c0 (Pgd - Pgd**2 / L)``, concave in Pgd and at most a quarter of ``c0 L``.
    """
    if pricing not in get_args(Pricing):
        allowed = f"must be one of {', '.join(get_args(Pricing))}"
        raise InputError("cleanness price", [Fault("pricing", pricing, allowed)])
    left = grid_share(load_mw, green_discharge_mw)
    factor = {"none": np.zeros_like(left), "uniform": np.ones_like(left), "nodal": left}[pricing]
    return np.asarray(initial_price_per_mwh * factor)
