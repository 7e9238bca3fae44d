"""Which factor matters: Sobol indices and Morris effects, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridarium.experiments.sweeps.design import Design, salib
from gridarium.experiments.sweeps.intervals import CONFIDENCE, lacks_spread

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

COLUMNS = ("factor", "other", "index", "value", "low", "high", "reason")
"""Columns of a table of indices."""

_MOST_RESAMPLES, _LEAST_RESAMPLES, _RESAMPLED_VALUES = 1000, 100, 4_000_000


class _Index(NamedTuple):
    """An index as SALib names it, as a reader does, and the interval that SALib has for it."""

    key: str
    name: str
    half_width: str | None


_FIRST, _TOTAL = _Index("S1", "first order", "S1_conf"), _Index("ST", "total", "ST_conf")
_SECOND = _Index("S2", "second order", "S2_conf")
_MORRIS = (
    _Index("mu_star", "mean absolute effect", "mu_star_conf"),
    _Index("mu", "mean effect", None),
    _Index("sigma", "deviation of effects", None),
)


def sensitivity_indices(
    design: Design, values: ArrayLike, *, confidence: float = CONFIDENCE, seed: int = 0
) -> pd.DataFrame:
    """Return what the factors of a Saltelli or Morris design do to a result.

    Parameters
    ----------
    design : Design
        Of the kind `saltelli` or `morris`.
    values : array_like, shape (n_point,)
        Result at every point. Where one is nan or infinite, its block (the points of one base sample
        or one trajectory) is left out.
    confidence : float
        Level of the intervals, in (0, 1).
    seed : int
        Of the resampling behind the intervals.

    Returns
    -------
    DataFrame
        Columns factor, other (the second factor of a second order index, else ""), index, value,
        low, high, reason. Indices are `first order`, `total` and `second order` of a Saltelli design;
        `mean absolute effect`, `mean effect` and `deviation of effects` of a Morris design, in the
        result's unit per way through a factor's sampled range. nan with a reason where there is none.

    Raises
    ------
    MissingExtraError
        If SALib is not installed.

    Notes
    -----
    Intervals are SALib's: normal, with the standard deviation of resampled indices. Values are
    centred before the estimators of [1]_ see them; effects are those of [2]_.

    References
    ----------
    .. [1] A. Saltelli et al., 2010, doi:10.1016/j.cpc.2009.09.018
    .. [2] F. Campolongo et al., 2007, doi:10.1016/j.envsoft.2006.10.004
    """
    import pandas as pd

    blocks = np.asarray(values, dtype=float).reshape(-1, design.block)
    whole = np.isfinite(blocks).all(axis=1)
    kept = blocks[whole].ravel()
    reason = _no_indices(int(whole.sum()), kept)
    rng = np.random.default_rng(seed)
    if design.spec.kind == "saltelli":
        found = {} if reason else _sobol(design, kept, confidence, rng)
        rows = _sobol_rows(design, found, reason)
    else:
        found = {} if reason else _morris(design, np.repeat(whole, design.block), kept, confidence, rng)
        rows = [
            _row(index, found, reason, (j,), (name, ""))
            for j, name in enumerate(design.names)
            for index in _MORRIS
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _no_indices(n_block: int, kept: Floats) -> str:
    if n_block < 2:
        return f"{n_block} complete blocks of points, at least 2 are needed"
    return lacks_spread(kept)


def _problem(design: Design) -> dict[str, Any]:
    names = design.names
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names), "groups": None}


def _sobol(design: Design, kept: Floats, confidence: float, rng: np.random.Generator) -> Any:
    n_block = len(kept) // design.block
    resamples = min(max(_RESAMPLED_VALUES // n_block, _LEAST_RESAMPLES), _MOST_RESAMPLES)
    # SALib takes a seed of 0 for none at all and would draw from the global generator: hence a generator.
    with np.errstate(all="ignore"):
        return salib("analyze.sobol").analyze(
            _problem(design),
            kept,
            calc_second_order=design.spec.second_order,
            num_resamples=resamples,
            conf_level=confidence,
            seed=rng,
        )


def _morris(
    design: Design, whole: NDArray[np.bool_], kept: Floats, confidence: float, rng: np.random.Generator
) -> Any:
    return salib("analyze.morris").analyze(
        _problem(design),
        design.unit[whole],
        kept,
        num_resamples=_MOST_RESAMPLES,
        conf_level=confidence,
        num_levels=design.spec.levels,
        seed=rng,
    )


def _sobol_rows(design: Design, found: Any, reason: str) -> list[tuple[Any, ...]]:
    names = design.names
    rows = [
        _row(index, found, reason, (j,), (name, ""))
        for j, name in enumerate(names)
        for index in (_FIRST, _TOTAL)
    ]
    if design.spec.second_order:
        rows += [
            _row(_SECOND, found, reason, (j, k), (names[j], names[k]))
            for j in range(len(names))
            for k in range(j + 1, len(names))
        ]
    return rows


def _row(
    index: _Index, found: Any, reason: str, at: tuple[int, ...], factors: tuple[str, str]
) -> tuple[Any, ...]:
    if reason:
        return (*factors, index.name, np.nan, np.nan, np.nan, reason)
    value = float(found[index.key][at])
    half = float(found[index.half_width][at]) if index.half_width else np.nan
    without = "" if index.half_width else "no interval is defined for this index"
    return (*factors, index.name, value, value - half, value + half, without)
