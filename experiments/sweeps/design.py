"""Sampling designs: which points of the space of factors a study runs."""

from __future__ import annotations

import importlib
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.errors import Fault, GridariumError, InputError
from gridarium.experiments.schema.fields import NAME
from gridarium.experiments.sweeps.factors import Factor, is_whole

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("full-factorial", "one-at-a-time", "latin-hypercube", "sobol", "saltelli", "morris")
"""Designs that a study may ask for."""

LISTED = frozenset({"full-factorial", "one-at-a-time"})
"""Designs whose points follow from the values of the factors alone."""

RESERVED = ("job", "point", "replication", "seed", "case", "certificates_failed")
"""Columns of the results that no factor may be named like."""

_MOST_POINTS = 1_000_000
_MOST_FACTORS = 1000


class MissingExtraError(GridariumError):
    """A part of gridarium whose optional dependency is not installed."""


@dataclass(frozen=True, slots=True)
class DesignSpec:
    """What a study says about its design.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    samples : int or None
        Points of a Latin hypercube or Sobol sequence, base points of a Saltelli design (which makes
        2 n_factor + 2 points of each, n_factor + 2 without second order), trajectories of a Morris
        design (n_factor + 1 points each); None for the designs `LISTED`, whose factors say it all.
    seed : int
        The same seed gives the same points.
    levels : int
        Grid levels of a Morris design, even.
    second_order : bool
        Whether a Saltelli design allows indices of pairs of factors.
    """

    kind: str
    samples: int | None = None
    seed: int = 0
    levels: int = 4
    second_order: bool = True

    def block(self, n_factor: int) -> int:
        """Return how many points belong together and are analysed or dropped together."""
        if self.kind == "saltelli":
            return (2 if self.second_order else 1) * n_factor + 2
        return n_factor + 1 if self.kind == "morris" else 1


@dataclass(frozen=True, eq=False)
class Design:
    """The points of a study.

    Parameters
    ----------
    factors : tuple of Factor
        What is varied.
    spec : DesignSpec
        How the points were chosen.
    points : DataFrame
        One row per point, in the order in which the analysis needs them; one column per factor.
    unit : ndarray, shape (n_point, n_factor)
        The same points before they were mapped to the factors, in [0, 1].
    """

    factors: tuple[Factor, ...]
    spec: DesignSpec
    points: pd.DataFrame = field(repr=False)
    unit: NDArray[np.float64] = field(repr=False)

    @property
    def block(self) -> int:
        """How many consecutive points belong together."""
        return self.spec.block(len(self.factors))

    @property
    def names(self) -> list[str]:
        """Names of the factors."""
        return [factor.name for factor in self.factors]


def sample(factors: Sequence[Factor], spec: DesignSpec) -> Design:
    """Choose the points of a study.

    Parameters
    ----------
    factors : sequence of Factor
        What is varied; none at all gives a single point of a full factorial.
    spec : DesignSpec
        How the points are chosen.

    Returns
    -------
    Design
        The same for the same factors and specification.

    Raises
    ------
    InputError
        If factors or specification cannot be used; carries every fault.
    MissingExtraError
        If a Saltelli or Morris design is asked for and SALib is not installed.

    Notes
    -----
    Sobol sequences are scrambled. Saltelli's design [1]_ and Morris's trajectories [2]_ are SALib's.

    References
    ----------
    .. [1] A. Saltelli et al., 2010, doi:10.1016/j.cpc.2009.09.018
    .. [2] M. D. Morris, 1991, doi:10.1080/00401706.1991.10484804
    """
    import pandas as pd

    faults = list(design_faults(factors, spec))
    if faults:
        raise InputError("design", faults)
    if spec.kind in LISTED:
        levels = [factor.source.grid() for factor in factors]
        places = _places([len(values) for values in levels], spec.kind)
        unit = _spread(places, [len(values) for values in levels])
        rows = [[values[place] for values, place in zip(levels, row, strict=True)] for row in places]
        columns = {factor.name: [row[j] for row in rows] for j, factor in enumerate(factors)}
    else:
        unit = _unit_points(len(factors), spec)
        grid = spec.levels if spec.kind == "morris" else None
        columns = {factor.name: factor.source.at(unit[:, j], grid) for j, factor in enumerate(factors)}
    return Design(tuple(factors), spec, pd.DataFrame(columns, index=pd.RangeIndex(len(unit))), unit)


def design_size(factors: Sequence[Factor], spec: DesignSpec) -> int:
    """Return how many points a design without faults has, before any is chosen."""
    if spec.kind == "full-factorial":
        return math.prod(factor.source.size for factor in factors)
    if spec.kind == "one-at-a-time":
        return 1 + sum(factor.source.size - 1 for factor in factors)
    return (spec.samples or 0) * spec.block(len(factors))


def salib(module: str) -> Any:
    """Return a module of SALib.

    Raises
    ------
    MissingExtraError
        If SALib is not installed.
    """
    try:
        return importlib.import_module(f"SALib.{module}")
    except ImportError as error:
        raise MissingExtraError(
            "designs saltelli and morris need SALib: pip install gridarium[sensitivity]"
        ) from error


def _places(counts: Sequence[int], kind: str) -> list[tuple[int, ...]]:
    """Return levels of all factors by point: every combination, the last factor fastest, or one at a time.

    One at a time, the first point has the first level of each factor, and every other one differs from it
    in a single factor.
    """
    if kind == "full-factorial":
        return list(itertools.product(*map(range, counts)))
    base = (0,) * len(counts)
    moved = [(j, level) for j, count in enumerate(counts) for level in range(1, count)]
    return [base, *((*base[:j], level, *base[j + 1 :]) for j, level in moved)]


def _spread(places: Sequence[tuple[int, ...]], counts: Sequence[int]) -> NDArray[np.float64]:
    """Return levels of points spread over [0, 1]."""
    last = np.maximum(1, np.array(counts, dtype=float) - 1.0)
    return np.array(places, dtype=float).reshape(len(places), len(counts)) / last


def _unit_points(n_factor: int, spec: DesignSpec) -> NDArray[np.float64]:
    from scipy.stats import qmc

    rng, count = np.random.default_rng(spec.seed), spec.samples or 0
    problem = {
        "num_vars": n_factor,
        "names": [str(number) for number in range(n_factor)],
        "bounds": [[0.0, 1.0]] * n_factor,
    }
    match spec.kind:
        case "latin-hypercube":
            points = qmc.LatinHypercube(n_factor, seed=rng).random(count)
        case "sobol":
            points = qmc.Sobol(n_factor, seed=rng).random(count)
        case "saltelli":
            points = salib("sample.sobol").sample(
                problem, count, calc_second_order=spec.second_order, seed=rng
            )
        case _:
            points = salib("sample.morris").sample(problem, count, num_levels=spec.levels, seed=rng)
    return np.asarray(points, dtype=float)


def design_faults(factors: Sequence[Factor], spec: DesignSpec) -> Iterator[Fault]:
    """Yield everything that is wrong with factors and specification; places are those of a study file."""
    yield from _spec_faults(spec)
    yield from _name_faults([factor.name for factor in factors])
    own = [fault for factor in factors for fault in factor.faults(gridded=spec.kind in LISTED)]
    yield from own
    if not factors and spec.kind != "full-factorial":
        yield Fault("factors", {}, f"must name at least one factor for the design {spec.kind}")
    if len(factors) > _MOST_FACTORS:
        yield Fault("factors", len(factors), f"must be at most {_MOST_FACTORS} factors")
    sizes_known = spec.kind not in LISTED or not own
    if sizes_known and is_whole(spec.samples or 0, 0) and design_size(factors, spec) > _MOST_POINTS:
        yield Fault("design", design_size(factors, spec), f"must be at most {_MOST_POINTS:,} points")


def _name_faults(names: Sequence[object]) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            yield Fault("factors", name, "must be a name: a letter, then letters, digits, '_' and '-'")
        elif name in RESERVED:
            yield Fault(
                f"factors.{name}", name, f"must not be a column of the results: {', '.join(RESERVED)}"
            )
        if count > 1:
            yield Fault(f"factors.{name}", name, f"must be unique, there are {count} of that name")


def _spec_faults(spec: DesignSpec) -> Iterator[Fault]:
    if spec.kind not in KINDS:
        yield Fault("design.kind", spec.kind, f"must be one of {', '.join(KINDS)}")
        return
    if not is_whole(spec.seed, 0, 2**63 - 1):
        yield Fault("design.seed", spec.seed, "must be a whole number in [0, 2^63)")
    if spec.kind in LISTED:
        if spec.samples is not None:
            yield Fault("design.samples", spec.samples, "must be left out: the factors give the points")
        return
    least = 2 if spec.kind in ("saltelli", "morris") else 1
    if not is_whole(spec.samples, least, _MOST_POINTS):
        yield Fault("design.samples", spec.samples, f"must be a whole number in [{least}, {_MOST_POINTS}]")
    elif spec.kind in ("sobol", "saltelli") and (spec.samples or 0).bit_count() != 1:
        yield Fault("design.samples", spec.samples, "must be a power of two, or the sequence is unbalanced")
    if spec.kind == "morris" and (not is_whole(spec.levels, 2, 1000) or spec.levels % 2):
        yield Fault("design.levels", spec.levels, "must be an even whole number in [2, 1000]")
