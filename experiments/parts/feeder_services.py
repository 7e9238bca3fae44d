"""What the storage provider and the prosumers of a feeder can be called for by the system above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.part import GridBuild, GridScenario
from gridarium.experiments.parts.provider import PROVIDER, active_provider
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.trading import TRADING

if TYPE_CHECKING:
    from gridarium.market.feeder_services import FeederServices

CALL_S = 15.0
"""How long a look at a period, and the call that follows it, must be given before the desk introduces, s."""


def has_desk(scenario: GridScenario) -> bool:
    """Whether a feeder has prosumers who trade by a desk that its operator can pass a call on to."""
    return DSO.is_given(scenario) and bool(TRADING.agents(scenario))


def services_of(scenario: GridScenario, name: str, replicas: int) -> FeederServices | None:
    """What a feeder offers, that of all its replicas together; None for nothing.

    Parameters
    ----------
    scenario : GridScenario
        Of the feeder.
    name : str
        Its operator's, by which its storage goes.
    replicas : int
    """
    from gridarium.market.feeder_services import FeederServices

    provides = DSO.is_given(scenario) and PROVIDER.hangs_on(scenario)
    provider = active_provider(scenario) if provides else None
    if provider is None:
        return FeederServices(None, 0.0, True) if has_desk(scenario) else None
    all_of_them = storage_ratings(name, provider.storage).resized(lambda size: replicas * size)
    return FeederServices(all_of_them, provider.compensation_per_mwh, has_desk(scenario))


def services_below(build: GridBuild) -> Mapping[str, FeederServices]:
    """What the feeders that hang on a grid offer, by their operators."""
    found = {
        name: services_of(scenario, name, build.below[name].replicas)
        for name, scenario in build.sections_below.items()
    }
    return {name: services for name, services in found.items() if services is not None}


def calls_in_time(place: str, lead_s: float, below: Mapping[str, GridScenario]) -> Iterator[Fault]:
    """Yield a lead that does not fit the beats of a desk which is to be called.

    Parameters
    ----------
    place : str
        Of the lead in the file.
    lead_s : float
        How long before a period the caller looks at it, s.
    below : mapping of str to GridScenario
        The grids that hang on the caller's, by name.
    """
    from gridarium.agents.prosumers.trading import INTRODUCTION_S, POOL_OFFER_S

    least, most = INTRODUCTION_S + CALL_S, POOL_OFFER_S - CALL_S / 3.0
    desks = [name for name, scenario in below.items() if has_desk(scenario)]
    if desks and not least <= lead_s <= most:
        allowed = (
            f"must be in [{least:g}, {most:g}] s with a desk to call on {', '.join(desks)}: after it has "
            "told what prosumers have, and before it introduces them"
        )
        yield Fault(place, lead_s, allowed)
