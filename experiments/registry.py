"""Agents, behaviours, mechanisms and functions by name: the shipped ones and those of other packages."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from gridarium.environment.errors import Fault, ScenarioError

_DOTTED_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something a scenario can name.

    Parameters
    ----------
    name : str
        What the scenario writes.
    target : str
        Where it lives, `package.module:Class`.
    description : str
        One line for `gridarium list`.
    """

    name: str
    target: str
    description: str


_SHIPPED = {
    "agents": (
        Entry("dso", "gridarium.agents.feeder.dso:Dso", "leader: dispatches the feeder and publishes prices"),
        Entry("consumer", "gridarium.agents.feeder.consumer:Consumer", "shifts its load against the price"),
        Entry(
            "storage-owner", "gridarium.agents.feeder.storage_owner:StorageOwner", "carries energy and carbon"
        ),
        Entry("renewable-plant", "gridarium.agents.feeder.plant:RenewablePlant", "feeds in PV or wind"),
        Entry(
            "upstream-market",
            "gridarium.agents.upstream:UpstreamMarket",
            "sells energy and its carbon",
        ),
        Entry("carbon-market", "gridarium.agents.upstream:CarbonMarket", "buys reductions below a quota"),
        Entry("recorded-grid", "gridarium.agents.recorded_grid:RecordedGrid", "a grid below, as recorded"),
        Entry(
            "system-operator",
            "gridarium.agents.system.system_operator:SystemOperator",
            "commits units, replans",
        ),
        Entry(
            "thermal-plant",
            "gridarium.agents.system.thermal_plant:ThermalPlant",
            "a unit and its capture plant",
        ),
        Entry("wind-farm", "gridarium.agents.system.wind_farm:WindFarm", "feeds in wind up to a limit"),
        Entry("system-load", "gridarium.agents.system.system_load:SystemLoad", "draws what it draws"),
        Entry(
            "flexible-load",
            "gridarium.agents.system.flexible_load:FlexibleLoad",
            "shifts its load on command",
        ),
        Entry(
            "storage-provider",
            "gridarium.agents.system.storage_provider:StorageProvider",
            "storage, leased lines",
        ),
        Entry("prosumer", "gridarium.agents.prosumers.prosumer:Prosumer", "sells and buys over leased lines"),
        Entry("p2p-desk", "gridarium.agents.prosumers.p2p_desk:P2pDesk", "introduces sellers and buyers"),
    ),
    "behaviours": (
        Entry("exact", "gridarium.agents.behaviour:Behaviour", "rational"),
        Entry("noise", "gridarium.agents.bounded.perception:Noise", "misreads prices, factors and loads"),
        Entry("stale", "gridarium.agents.bounded.perception:Stale", "goes by an old signal"),
        Entry("inattention", "gridarium.agents.bounded.perception:Inattention", "overlooks signals"),
        Entry("quantal", "gridarium.agents.bounded.choice:QuantalChoice", "logit choice among plans"),
        Entry("satisficing", "gridarium.agents.bounded.choice:Satisficing", "takes a plan that will do"),
        Entry("habit", "gridarium.agents.bounded.choice:Habit", "sticks to the last plan or the usual load"),
        Entry("loss-aversion", "gridarium.agents.bounded.choice:LossAversion", "hates a bill above the last"),
        Entry("roth-erev", "gridarium.agents.bounded.learning:RothErev", "reinforces plans that paid"),
        Entry("exp3", "gridarium.agents.bounded.learning:Exp3", "explores plans, exploits those that paid"),
        Entry(
            "partial-compliance",
            "gridarium.agents.bounded.action:PartialCompliance",
            "carries out a part of its plan",
        ),
        Entry("override", "gridarium.agents.bounded.action:Override", "switches its plan off now and then"),
        Entry("drop-out", "gridarium.agents.bounded.action:DropOut", "leaves for the rest of the day"),
        Entry("sticky-price", "gridarium.agents.bounded.leader:StickyPrice", "leader: updates now and then"),
        Entry(
            "satisficing-leader",
            "gridarium.agents.bounded.leader:SatisficingLeader",
            "leader: stops when updates hardly pay",
        ),
        Entry(
            "learned-slope",
            "gridarium.agents.bounded.leader:LearnedSlope",
            "leader: learns how answers move its price",
        ),
        Entry("dead-band", "gridarium.agents.bounded.trigger:DeadBand", "operator: lets deviations pass"),
        Entry(
            "hysteresis",
            "gridarium.agents.bounded.trigger:Hysteresis",
            "operator: slow to react, and to rest",
        ),
        Entry(
            "noisy-measurement",
            "gridarium.agents.bounded.trigger:NoisyMeasurement",
            "operator: misreads deviations",
        ),
        Entry(
            "first-acceptable",
            "gridarium.agents.bounded.trading:FirstAcceptable",
            "prosumer: does not bargain",
        ),
        Entry(
            "overconfident", "gridarium.agents.bounded.trading:Overconfident", "prosumer: promises too much"
        ),
        Entry(
            "reputation-weighted",
            "gridarium.agents.bounded.trading:ReputationWeighted",
            "prosumer: distorts reputations",
        ),
    ),
    "mechanisms": (
        Entry("tou", "gridarium.market.tariffs:TouTariff", "time-of-use price, no carbon in it"),
        Entry("static-carbon", "gridarium.market.tariffs:StaticCarbonTariff", "time-of-use plus carbon"),
        Entry("adcef", "gridarium.market.adcef:AdcefTariff", "adjustable carbon emission factor with a pool"),
        Entry("lease-ladder", "gridarium.market.ladder:LadderTariff", "fee of a leased line by its length"),
        Entry("nash", "gridarium.market.bargaining:nash_outcome", "both gain the same"),
        Entry(
            "ep-leader", "gridarium.market.bargaining:ep_leader_outcome", "the seller names its best price"
        ),
        Entry("alternating", "gridarium.market.bargaining:alternating_outcome", "offers in turn"),
        Entry("posted", "gridarium.market.bargaining:posted_outcome", "take it or leave it"),
        Entry("zi-c", "gridarium.market.shouting:ZeroIntelligence", "random shouts that are no loss"),
        Entry("zip", "gridarium.market.shouting:ZipTrader", "shouts with a margin that learns"),
    ),
    "functions": (
        Entry(
            "ishigami",
            "gridarium.experiments.sweeps.toy_models:ishigami",
            "a study's test case with known indices",
        ),
    ),
}

KINDS = tuple(_SHIPPED)


@cache
def entries(kind: str) -> dict[str, Entry]:
    """Return everything of one kind by name; a shipped name cannot be taken over by another package.

    Parameters
    ----------
    kind : {"agents", "behaviours", "mechanisms", "functions"}
        The kind, and the end of the entry points' group `gridarium.<kind>`.
    """
    found = {
        point.name: Entry(point.name, point.value, f"from {point.dist.name}" if point.dist else "")
        for point in entry_points(group=f"gridarium.{kind}")
    }
    return found | {entry.name: entry for entry in _SHIPPED[kind]}


def is_known(kind: str, name: str) -> bool:
    """Tell whether a name is registered, or is a dotted path into an installed package.

    Nothing is imported: a scenario can be checked without running anybody's code.
    """
    if name in entries(kind):
        return True
    if not _DOTTED_PATH.fullmatch(name):
        return False
    package = name.partition(":")[0].partition(".")[0]
    return package in sys.modules or importlib.util.find_spec(package) is not None


def is_shipped(kind: str, name: str) -> bool:
    """Tell whether a name is one of gridarium's own."""
    return any(entry.name == name for entry in _SHIPPED[kind])


def load(kind: str, name: str) -> object:
    """Import what a registered name or a dotted path stands for.

    Raises
    ------
    ScenarioError
        If the name is not registered, or nothing is found at its path.
    """
    known = entries(kind)
    path = known[name].target if name in known else name
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        allowed = f"must be one of {', '.join(known)}, or package.module:Class ({error})"
        raise ScenarioError(kind, [Fault(kind, name, allowed)]) from error
