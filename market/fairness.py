"""How evenly, how proportionally and how free of envy something is shared among members."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, InputError


def jain(amounts: ArrayLike) -> float:
    """Return Jain's index of how even amounts are: 1 if all are equal, 1/n if one member has it all.

    Parameters
    ----------
    amounts : array_like, shape (n,)
        What each member gets or pays, at least 0, not all 0; in D.1.6 the cost of a tonne,
        ``cost_r / emission_r``.

    Returns
    -------
    float
        In [1/n, 1]; the same in every unit of the amounts.

    Raises
    ------
    InputError
        If there are no amounts, one is below 0 or no number, or all are 0.

    Notes
    -----
    D.1.6, ``(sum x)**2 / (n sum x**2)`` [1]_.

    References
    ----------
    .. [1] R. Jain, D.-M. Chiu and W. Hawe, 1984, doi:10.48550/arXiv.cs/9809099

    Examples
    --------
    >>> jain([3.0, 3.0, 0.0, 0.0])
    0.5
    """
    shares = _shares(amounts, "amounts")
    return float(1.0 / (len(shares) * (shares @ shares)))


def gini(amounts: ArrayLike) -> float:
    """Return the Gini index of how uneven amounts are: 0 if all are equal, 1 - 1/n if one has it all.

    Parameters
    ----------
    amounts : array_like, shape (n,)
        What each member gets or pays, at least 0, not all 0.

    Returns
    -------
    float
        In [0, 1 - 1/n]; the same in every unit of the amounts.

    Raises
    ------
    InputError
        If there are no amounts, one is below 0 or no number, or all are 0.

    Notes
    -----
    Half the mean difference of two members as a share of the mean,
    ``sum_ij |x_i - x_j| / (2 n**2 mean(x))`` [1]_, from the amounts in rising order.

    References
    ----------
    .. [1] L. Ceriani and P. Verme, 2012, doi:10.1007/s10888-011-9188-x

    Examples
    --------
    >>> gini([3.0, 3.0, 0.0, 0.0])
    0.5
    """
    shares = np.sort(_shares(amounts, "amounts"))
    n = len(shares)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1.0
    return max(float(ranks @ shares) / n, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Proportionality:
    """Shares of what is paid beside shares of what is caused.

    Parameters
    ----------
    payment_share, contribution_share : ndarray, shape (n,)
        Both sum to 1.
    """

    payment_share: Array
    contribution_share: Array

    @property
    def points(self) -> Array:
        """Share paid minus share caused, shape (n,), in [-1, 1]; sums to 0."""
        return self.payment_share - self.contribution_share

    @property
    def largest_gap(self) -> float:
        """Largest distance of a member's two shares, in [0, 1]; D.1.6 wants less than 0.05."""
        return float(np.abs(self.points).max())

    @property
    def relative(self) -> Array:
        """Share paid over share caused, minus 1, shape (n,); inf for who pays but causes nothing."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = self.points / self.contribution_share
        return np.where(self.points == 0.0, 0.0, ratio)


def proportionality(payments: ArrayLike, contributions: ArrayLike) -> Proportionality:
    """Compare who pays with who causes.

    Parameters
    ----------
    payments : array_like, shape (n,)
        What each member pays, money, at least 0, not all 0.
    contributions : array_like, shape (n,)
        What each member causes, such as emission in tCO2, at least 0, not all 0.

    Returns
    -------
    Proportionality

    Raises
    ------
    InputError
        If the lengths differ, a value is below 0 or no number, or all are 0.

    Notes
    -----
    D.1.6, the deviation of the cost share from the emission share.

    Examples
    --------
    >>> compared = proportionality([30.0, 70.0], [25.0, 75.0])
    >>> round(compared.largest_gap, 3), compared.relative.round(3).tolist()
    (0.05, [0.2, -0.067])
    """
    paid, caused = _shares(payments, "payments"), _shares(contributions, "contributions")
    if len(paid) != len(caused):
        allowed = f"must be as many as payments, {len(paid)}"
        raise InputError("fairness", [Fault("contributions", len(caused), allowed)])
    return Proportionality(paid, caused)


@dataclass(frozen=True, slots=True, eq=False)
class Envy:
    """Who would rather have what another member has.

    Parameters
    ----------
    amount : ndarray, shape (n,)
        By how much a member values the bundle it likes best above its own, in the unit of the values,
        at least 0.
    of : ndarray of int, shape (n,)
        Position of the member whose bundle that is; a member's own where there is no envy.
    """

    amount: Array
    of: Index

    @property
    def largest(self) -> float:
        """Largest envy of a member; 0 if the sharing is free of envy."""
        return float(self.amount.max())


def envy(values: ArrayLike) -> Envy:
    """Find who envies whom.

    Parameters
    ----------
    values : array_like, shape (n, n)
        What a member (row) thinks that the bundle of a member (column) would be worth to it; costs are
        negative.

    Returns
    -------
    Envy

    Raises
    ------
    InputError
        If the values are no square matrix of finite numbers.

    Notes
    -----
    D.1.6: no member prefers another's bundle [1]_.

    References
    ----------
    .. [1] H. R. Varian, 1974, doi:10.1016/0022-0531(74)90075-1

    Examples
    --------
    >>> found = envy([[5.0, 7.0], [1.0, 4.0]])
    >>> found.amount.tolist(), found.of.tolist()
    ([2.0, 0.0], [1, 1])
    """
    worth = np.asarray(values, dtype=np.float64)
    if worth.ndim != 2 or worth.shape[0] != worth.shape[1] or not worth.size:
        allowed = "must have a row and a column for each member"
        raise InputError("fairness", [Fault("values", worth.shape, allowed)])
    if not np.isfinite(worth).all():
        row, column = np.argwhere(~np.isfinite(worth))[0]
        fault = Fault(f"values[{row}, {column}]", float(worth[row, column]), "must be a finite number")
        raise InputError("fairness", [fault])
    own, members = worth.diagonal(), np.arange(len(worth))
    best = worth.argmax(axis=1)
    amount = worth[members, best] - own
    return Envy(amount, np.where(amount > 0.0, best, members))


def _shares(amounts: ArrayLike, place: str) -> Array:
    """Return amounts as shares of their sum; InputError where there are none that make sense."""
    numbers = np.asarray(amounts, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size:
        raise InputError("fairness", [Fault(place, numbers.shape, "must be a series of at least one number")])
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0.0)))
    faults = [Fault(f"{place}[{i}]", float(numbers[i]), "must be in [0, inf)") for i in wrong]
    if not faults and not numbers.any():
        faults.append(Fault(place, 0.0, "must not all be 0: nothing is shared"))
    if faults:
        raise InputError("fairness", faults)
    # The largest first: the sum of huge amounts would overflow.
    scaled = numbers / numbers.max()
    return np.asarray(scaled / scaled.sum())
