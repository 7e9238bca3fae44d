"""Indicators of a virtual power plant that is paid for cleanness: LCR, willingness, counts of actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, InputError
from gridarium.environment.storage import TOLERANCE


@dataclass(frozen=True, slots=True)
class LcrTerms:
    """How the LCR indicator weighs its two sides; by default as printed.

    Parameters
    ----------
    expected_budget_money : float
        E_exp: what the operator expects to spend on the environment on a day.
    vpp_weight, system_weight : float
        w_V and w_S, in [0, 1]; they sum to 1.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    expected_budget_money: float = 1500.0
    vpp_weight: float = 0.7
    system_weight: float = 0.3

    def __post_init__(self) -> None:
        faults = []
        if not 0.0 < self.expected_budget_money < np.inf:
            faults.append(Fault("expected_budget_money", self.expected_budget_money, "must be in (0, inf)"))
        weights = {"vpp_weight": self.vpp_weight, "system_weight": self.system_weight}
        faults += [
            Fault(name, weight, "must be in [0, 1]")
            for name, weight in weights.items()
            if not 0.0 <= weight <= 1.0
        ]
        if not faults and abs(sum(weights.values()) - 1.0) > 1e-9:
            faults.append(Fault("vpp_weight + system_weight", sum(weights.values()), "must be 1"))
        if faults:
            raise InputError("LCR", faults)


class Lcr(NamedTuple):
    """The indicator and its two sides, as shares of 1."""

    vpp: float
    system: float
    total: float


PRINTED_TERMS = LcrTerms()


def lcr(benchmark_cost_money: float, cost_money: float, terms: LcrTerms = PRINTED_TERMS) -> Lcr:
    """Give the LCR indicator of a scenario.

    Parameters
    ----------
    benchmark_cost_money : float
        C_3: what the plant pays where cleanness is not paid; above 0.
    cost_money : float
        C_k: what it pays in the scenario, payments for cleanness taken off.
    terms : LcrTerms

    Raises
    ------
    InputError
        If the cost of the benchmark is not above 0.

    Notes
    -----
    Equations B5 and B6, ``dC = C_3 - C_k`` and ``LCR = w_V dC / C_3 + w_S (E_exp - dC) / E_exp`` [1]_. The
    paper's words define E_exp as a budget of payments, its numbers compare it to the saving dC. The indicator
    falls as the plant saves more, unless C_3 is below ``E_exp w_V / w_S``: `idle_lcr` is what a plant scores
    that does nothing for cleanness.

    References
    ----------
    .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762

    Examples
    --------
    >>> [round(100 * share, 2) for share in lcr(14121.0, 13055.0)]
    [7.55, 28.93, 13.96]
    """
    if not 0.0 < benchmark_cost_money < np.inf:
        fault = Fault("benchmark_cost_money", benchmark_cost_money, "must be in (0, inf)")
        raise InputError("LCR", [fault])
    saving = benchmark_cost_money - cost_money
    return weighed_lcr(saving / benchmark_cost_money, system_lcr(saving, terms), terms)


def system_lcr(spent_money: float, terms: LcrTerms = PRINTED_TERMS) -> float:
    """Give the operator's side: what is left of its budget, as a share; negative where it is overdrawn."""
    return (terms.expected_budget_money - spent_money) / terms.expected_budget_money


def weighed_lcr(vpp: float, system: float, terms: LcrTerms = PRINTED_TERMS) -> Lcr:
    """Put both sides of the indicator together."""
    return Lcr(vpp, system, terms.vpp_weight * vpp + terms.system_weight * system)


def idle_lcr(terms: LcrTerms = PRINTED_TERMS) -> Lcr:
    """Give the indicator of a plant that saves nothing and is paid nothing.

    Examples
    --------
    >>> idle_lcr()
    Lcr(vpp=0.0, system=1.0, total=0.3)
    """
    return weighed_lcr(0.0, system_lcr(0.0, terms), terms)


def willingness_gain(green_mwh: float, benchmark_mwh: float, reference_mwh: float) -> float:
    """Give how much more green energy is discharged than in the benchmark, as a share of a reference.

    Parameters
    ----------
    green_mwh, benchmark_mwh : float
        Green energy discharged in the scenario and where cleanness is not paid.
    reference_mwh : float
        Above 0. The paper takes the green energy of scenario 1 for both scenarios; the benchmark itself gives
        the improvement relative to it.

    Raises
    ------
    InputError
        If the reference is not above 0.
    """
    if not 0.0 < reference_mwh < np.inf:
        raise InputError("willingness", [Fault("reference_mwh", reference_mwh, "must be in (0, inf) MWh")])
    return (green_mwh - benchmark_mwh) / reference_mwh


def fall_share(before_money: float, after_money: float) -> float:
    """Give the fall of an amount as a share of what it was: the overcompensation that a nodal price removes.

    Raises
    ------
    InputError
        If the amount before is not above 0.
    """
    if not 0.0 < before_money < np.inf:
        raise InputError("relative fall", [Fault("before_money", before_money, "must be in (0, inf)")])
    return 1.0 - after_money / before_money


def count_actions(power_mw: Array, runs: bool = False, least_mw: float = TOLERANCE) -> Index:
    """Count how often storages charge, or discharge.

    Parameters
    ----------
    power_mw : ndarray, shape (..., n_period)
        Charge or discharge power.
    runs : bool
        Whether periods in a row count as one action; else every period counts. The paper does not say which
        it means; no optimum fixes either where schedules tie.
    least_mw : float
        Powers up to this count as rest, MW.

    Returns
    -------
    ndarray of int, shape (...)

    Examples
    --------
    >>> power = np.array([0.0, 0.2, 0.5, 0.0, 0.1])
    >>> int(count_actions(power)), int(count_actions(power, runs=True))
    (3, 2)
    """
    acts = np.asarray(power_mw) > least_mw
    if runs:
        acts = acts & ~np.concatenate([np.zeros_like(acts[..., :1]), acts[..., :-1]], axis=-1)
    return np.asarray(acts.sum(axis=-1), dtype=np.int64)
