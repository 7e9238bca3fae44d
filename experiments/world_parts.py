"""Parts of a world that every model builds in the same way from its scenario."""

from __future__ import annotations

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.links import LinkQuality
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.experiments.scenario_schema import Communication, Scenario, Storage


def link_quality(links: Communication) -> LinkQuality:
    """Quality of all links between agents."""
    return LinkQuality(
        links.latency_s, links.latency_jitter_s, links.loss, links.duplication, links.reordering
    )


def cut_off(world: World, scenario: Scenario) -> None:
    """Set the outages of single agents.

    Raises
    ------
    ScenarioError
        If an outage is that of an agent that does not exist; carries all such faults.
    """
    names = sorted(agent.name for agent in world.agents)
    outages = scenario.communication.outages
    unknown = [
        Fault(f"communication.outages.{place}.agent", outage.agent, f"must be one of {', '.join(names)}")
        for place, outage in enumerate(outages)
        if outage.agent not in names
    ]
    if unknown:
        raise ScenarioError(scenario.title or "scenario", unknown)
    for outage in outages:
        world.bus.add_outage(outage.agent, outage.start_s, outage.end_s)


def storage_ratings(name: str, unit: Storage, part: float = 1.0) -> StorageRatings:
    """Ratings of a storage, or of an equal part of it."""
    return StorageRatings(
        name=name,
        p_max_mw=unit.p_max_mw * part,
        e_max_mwh=unit.e_max_mwh * part,
        soc_min=unit.soc_min,
        soc_max=unit.soc_max,
        soc_initial=unit.soc_initial,
        efficiency_charge=unit.efficiency_charge,
        efficiency_discharge=unit.efficiency_discharge,
        s_max_mva=(unit.s_max_mva or unit.p_max_mw) * part,
    )
