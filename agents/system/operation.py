"""How a system operator works: its rules, whom it deals with, and what it records of each quarter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_costs import CostParts, PeriodDecisions
from gridarium.environment.clock import QUARTER_S
from gridarium.environment.errors import Fault, ScenarioError


@dataclass(frozen=True)
class OperationRules:
    """When the operator acts, what it tolerates, and what it pays for the rest.

    Parameters
    ----------
    opens_s : float
        Clock time of the first day-ahead round, s; those of later days follow in steps of a day.
    lead_s : float
        How long before a quarter it looks at it, s: after the pool has told what it has, and so early that
        the pool can still be called.
    deviation_mw : float
        Largest deviation that is no reason to plan anew (eps).
    pool_fee_per_mwh : float
        What it pays on each MWh that the pool trades when called.
    pool_memory : float
        Weight of the past in what the pool is expected to trade, in [0, 1).
    resend_after_s : float
        How long it waits for an answer until it asks again, s.

    Raises
    ------
    ScenarioError
        If a value is out of its range.
    """

    opens_s: float
    lead_s: float = 210.0
    deviation_mw: float = 1.0
    pool_fee_per_mwh: float = 0.0
    pool_memory: float = 0.8
    resend_after_s: float = 1.0

    def __post_init__(self) -> None:
        ranges = {
            "opens_s": (0.0, float("inf")),
            "lead_s": (150.0, 220.0),
            "deviation_mw": (0.0, float("inf")),
            "pool_fee_per_mwh": (0.0, float("inf")),
            "pool_memory": (0.0, 1.0),
            "resend_after_s": (1e-3, QUARTER_S),
        }
        faults = [
            Fault(name, getattr(self, name), f"must be in [{low:g}, {high:g}]")
            for name, (low, high) in ranges.items()
            if not low <= getattr(self, name) <= high
        ]
        if faults:
            raise ScenarioError("operation rules", faults)

    @property
    def reply_timeout_s(self) -> float:
        """How long it waits in each of the three steps before a quarter: reports, pool, commands; s."""
        return 0.3 * self.lead_s


@dataclass(frozen=True)
class Members:
    """Whom an operator deals with, by name; units, storage and flexible loads are named by the system.

    Parameters
    ----------
    wind_farms, loads : tuple of str
        Wind farms, and loads that do not respond.
    prosumers : tuple of str
        Who trades in the pool; they nominate to the operator where there is no desk.
    desk : str, optional
        Who sums up the prosumers' nominations.
    below : tuple of str
        Operators of the grids that hang on this one; they are supplied at the marginal price.
    day_ahead_market : str, optional
        To whom it declares its plans.
    """

    wind_farms: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    prosumers: tuple[str, ...] = ()
    desk: str | None = None
    below: tuple[str, ...] = ()
    day_ahead_market: str | None = None

    @property
    def drawn(self) -> tuple[str, ...]:
        """Whose load it must serve and cannot command: fixed loads, and grids below."""
        return (*self.loads, *self.below)

    @property
    def nominators(self) -> tuple[str, ...]:
        """Who tells the operator about the pool."""
        return (self.desk,) if self.desk else self.prosumers


def commanded(system: PowerSystem) -> Iterator[str]:
    """Names of the agents whose state the operator follows."""
    yield from (unit.name for unit in system.units)
    yield from (load.name for load in system.loads)
    if system.storage is not None:
        yield system.storage.name


@dataclass(frozen=True)
class QuarterLook:
    """What an operator measured and decided right before a quarter.

    Parameters
    ----------
    quarter : int
    deviation_mw, perceived_mw : float
        Surplus under the plan that stood before (E18), true and as perceived.
    fired : bool
        Whether it was to plan anew.
    left_mw : float
        Surplus (positive) or deficit that remains after the decision, before pool and market.
    called_mw : float
        Change of the pool's net draw that it is called for: negative where prosumers are to trade.
    available_wind_mw, load_mw : float
        Wind that is available, and load that must be served, deficits of prosumers included.
    solver_rounds : int
        Solves that served; 0 where nothing fired or the commitment could not be met any more.
    silent : int
        Agents that did not report in time.
    """

    quarter: int
    deviation_mw: float
    perceived_mw: float
    fired: bool
    left_mw: float
    called_mw: float
    available_wind_mw: float
    load_mw: float
    solver_rounds: int
    silent: int


@dataclass(frozen=True)
class QuarterRecord(QuarterLook):
    """A quarter that is over.

    Parameters
    ----------
    realised : PeriodDecisions
        What units, wind, storage, loads, pool and market did, as reported and metered.
    costs : CostParts
        Of what was realised.
    price_per_mwh : float
        Marginal price that was announced.
    delivered_mw : float
        Change of the pool's net draw from what was nominated, by the meters.
    pool_short_money : float
        What the head's supplier was paid for what the pool did not deliver of a call; in `costs`, too.
    """

    realised: PeriodDecisions
    costs: CostParts
    price_per_mwh: float
    delivered_mw: float
    pool_short_money: float
