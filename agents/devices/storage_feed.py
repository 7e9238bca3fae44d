"""What a storage puts on the grid in a period, and changes of it in the middle of one."""

from __future__ import annotations

from typing import NamedTuple

from gridarium.environment.grids import Site


class Fed(NamedTuple):
    """Powers of a storage, MW and Mvar."""

    charge_mw: float
    discharge_mw: float
    q_mvar: float

    @property
    def net_mw(self) -> float:
        """Fed in; negative where it charges."""
        return self.discharge_mw - self.charge_mw


class StorageFeed:
    """Keeps meters and injections of a period at the means of what a storage does in it.

    - `begin`, `put`: nothing yet; what has come of the period by now

    Parameters
    ----------
    site : Site
    name : str
        Of its meter.
    """

    def __init__(self, site: Site, name: str) -> None:
        self._site, self._name = site, name
        self.begin()

    def begin(self) -> None:
        """Begin a period, in which nothing has been fed in yet."""
        self._means, self._t_per_h = Fed(0.0, 0.0, 0.0), 0.0

    def put(self, means: Fed, now: Fed, t_per_h: float) -> None:
        """Replace what was put before.

        Parameters
        ----------
        means : Fed
            Over the period.
        now : Fed
            At this instant.
        t_per_h : float
            Carbon of the mean discharge, tCO2/h.
        """
        before, more_mw = self._means, means.discharge_mw - self._means.discharge_mw
        factor = (t_per_h - self._t_per_h) / more_mw if more_mw else 0.0
        self._site.supply(self._name, more_mw, means.q_mvar - before.q_mvar, factor)
        self._site.charge(self._name, means.charge_mw - before.charge_mw)
        self._means, self._t_per_h = means, t_per_h
        self._site.set_apart(self._name, now.net_mw - means.net_mw, now.q_mvar - means.q_mvar)
