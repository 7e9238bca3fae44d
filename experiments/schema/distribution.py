"""Distributions of scipy.stats that a scenario or a study names, from which its numbers are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.errors import Fault

Floats = NDArray[np.float64]

_CLOSEST_TO_EDGE = 2.0**-53
"""How close a quantile comes to 0 and 1, where most distributions are infinite."""


def is_number(value: object) -> bool:
    """Whether a value is a finite number; flags are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A continuous distribution of scipy.stats, sampled by its quantiles.

    Parameters
    ----------
    name : str
        Its name there, such as `uniform`, `norm` or `truncnorm`.
    args : mapping
        Its shape parameters, `loc` and `scale`, as scipy.stats names and defines them: `uniform` reaches
        from loc to loc + scale; `a` and `b` of `truncnorm` count standard deviations from loc.
    """

    name: str
    args: Mapping[str, float] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """0: a distribution has no grid."""
        return 0

    def grid(self) -> list[float]:
        """Return nothing: a distribution has no grid."""
        return []

    def at(self, unit: Floats, levels: int | None = None) -> list[float]:
        """Return the quantiles at coordinates in [0, 1].

        Notes
        -----
        Of a grid with both ends the middles of its levels are taken, (k + 1/2) / levels instead of
        k / (levels - 1): no factor is moved to the infinite end of its distribution.
        """
        from scipy import stats

        quantile = unit if levels is None else (unit * (levels - 1) + 0.5) / levels
        quantile = np.clip(quantile, _CLOSEST_TO_EDGE, 1.0 - _CLOSEST_TO_EDGE)
        return [float(value) for value in getattr(stats, self.name)(**self.args).ppf(quantile)]

    def faults(self, place: str, gridded: bool) -> Iterator[Fault]:
        """Yield what is wrong with the distribution."""
        from scipy import stats

        place = f"{place}.distribution"
        if gridded:
            yield Fault(
                place, self.name, "must be values or a range with count where the design lists its points"
            )
        law = getattr(stats, self.name, None) if isinstance(self.name, str) else None
        if not isinstance(law, stats.rv_continuous):
            yield Fault(f"{place}.name", self.name, "must be a continuous distribution of scipy.stats")
            return
        shapes = [name.strip() for name in law.shapes.split(",")] if law.shapes else []
        known = [*shapes, "loc", "scale"]
        wrong = [
            *(
                Fault(f"{place}.args.{name}", value, f"must be one of {', '.join(known)}")
                for name, value in self.args.items()
                if name not in known
            ),
            *(
                Fault(f"{place}.args.{name}", value, "must be a finite number")
                for name, value in self.args.items()
                if name in known and not is_number(value)
            ),
            *(
                Fault(f"{place}.args.{name}", None, "must be given")
                for name in shapes
                if name not in self.args
            ),
        ]
        yield from wrong
        # scipy answers nan, not an error, where the parameters make no distribution.
        if not wrong and not math.isfinite(law(**self.args).ppf(0.5)):
            yield Fault(
                f"{place}.args", dict(self.args), f"must be parameters that {self.name} is defined for"
            )
