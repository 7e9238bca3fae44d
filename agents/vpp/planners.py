"""How a virtual power plant plans the storages of a region, which are one storage to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from gridarium.environment.arrays import Array
from gridarium.environment.parameters import Parameterised, count

if TYPE_CHECKING:
    # What can be named is listed without a solver being loaded.
    from gridarium.agents.vpp.green_day import GreenDay, GreenPlan
    from gridarium.agents.vpp.green_dispatch import GreenDispatch


class VppPlanner(ABC):
    """Plans a day.

    - `found`: override it
    - `seen`: override it for who takes the day to be another than it is
    - `goes_on`: whether under a pull its plan is what `NearSearch` makes of the one before, round by round;
      who does not go on cannot plan under a pull
    """

    goes_on: ClassVar[bool] = False

    @abstractmethod
    def found(self, day: GreenDay) -> GreenDispatch | GreenPlan:
        """A plan of the day as seen, with what is proven of it where something is."""

    def judged(self, day: GreenDay, plan: GreenPlan) -> GreenDispatch | GreenPlan:
        """As `found`, for a day with a pull on which there is a plan already.

        Parameters
        ----------
        day : GreenDay
            As seen.
        plan : GreenPlan
        """
        return self.found(day)

    def seen(self, day: GreenDay, posted_per_mwh: Array) -> GreenDay:
        """The day that it plans for, and by which it judges plans.

        Parameters
        ----------
        day : GreenDay
            As it is.
        posted_per_mwh : ndarray, shape (n_step,)
            Nodal price of green energy at what all have answered so far.
        """
        return day


class ByShares(VppPlanner):
    """The share form, to a proven gap: knows how its own green discharge lowers the price."""

    goes_on = True

    def found(self, day: GreenDay) -> GreenDispatch:
        """As `dispatch_by_shares`."""
        from gridarium.agents.vpp.green_dispatch import dispatch_by_shares

        return dispatch_by_shares(day)

    def judged(self, day: GreenDay, plan: GreenPlan) -> GreenDispatch | GreenPlan:
        """What the first search proves, beside the plan."""
        from gridarium.agents.vpp.green_dispatch import bound_beside

        return bound_beside(day, plan)


class Unproven(ByShares):
    """Plans as by shares, but of a plan that a pull has led to it proves nothing, which takes longest."""

    def judged(self, day: GreenDay, plan: GreenPlan) -> GreenPlan:
        """The plan alone."""
        return plan


class ByEnvelopes(VppPlanner):
    """The paper's reconstruction, whose envelopes overstate what leaves as green."""

    def found(self, day: GreenDay) -> GreenDispatch:
        """As `dispatch_by_envelopes`."""
        from gridarium.agents.vpp.green_dispatch import dispatch_by_envelopes

        return dispatch_by_envelopes(day)


@dataclass(frozen=True)
class ByCells(Parameterised, VppPlanner):
    """The paper's reconstruction with envelopes over cells.

    Parameters
    ----------
    cells : int
        Of each factor.
    """

    cells: int = count(2, 1, 16)

    def found(self, day: GreenDay) -> GreenDispatch:
        """As `dispatch_by_envelopes`."""
        from gridarium.agents.vpp.green_dispatch import dispatch_by_envelopes

        return dispatch_by_envelopes(day, self.cells)


class Blind(ByShares):
    """Takes the nodal price for what others leave of it, whatever it discharges itself."""

    def seen(self, day: GreenDay, posted_per_mwh: Array) -> GreenDay:
        """At that price, as at a uniform one."""
        return _at_price(day, day.region.first_green_price_per_mwh(day.pricing))


class PriceTaking(ByShares):
    """Takes the posted nodal price, in which its own last answer counts, as if it were fixed."""

    def seen(self, day: GreenDay, posted_per_mwh: Array) -> GreenDay:
        """At that price, as at a uniform one."""
        return _at_price(day, posted_per_mwh)


class Greedy(VppPlanner):
    """Charges where the price is low and discharges where it is high, at full power."""

    def found(self, day: GreenDay) -> GreenPlan:
        """As `greedy_threshold`."""
        from gridarium.agents.vpp.green_planners import greedy_threshold

        return greedy_threshold(day)


class Rolling(VppPlanner):
    """Plans step by step with the green share as it is then for all that is left."""

    def found(self, day: GreenDay) -> GreenPlan:
        """As `rolling_with_persistence`."""
        from gridarium.agents.vpp.green_planners import rolling_with_persistence

        return rolling_with_persistence(day)


def _at_price(day: GreenDay, price_per_mwh: Array) -> GreenDay:
    """A day that pays a fixed price for what the region can use, instead of a nodal one."""
    if day.pricing != "nodal":
        return day
    return replace(day, region=replace(day.region, green_price_per_mwh=price_per_mwh), pricing="uniform")
