"""What scenarios can name: agents, behaviours, mechanisms, papers; the shipped ones and other packages'."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Kind:
    """Things of one kind.

    Parameters
    ----------
    field : str
        Where a scenario or a study names them.
    shipped : tuple of Entry
        Those of gridarium.
    """

    field: str
    shipped: tuple[Entry, ...] = ()


_SHIPPED: Mapping[str, Kind] = {
    "agents": Kind(
        "consumers.*.agent",
        (
            Entry(
                "consumer", "gridarium.agents.feeder.consumer:Consumer", "shifts its load against the price"
            ),
            Entry(
                "elastic-consumer",
                "gridarium.agents.feeder.elastic_consumer:ElasticConsumer",
                "answers prices by elasticities",
            ),
        ),
    ),
    "behaviours": Kind(
        "behaviour",
        (
            Entry("exact", "gridarium.agents.behaviour:Behaviour", "rational"),
            Entry("noise", "gridarium.agents.bounded.perception:Noise", "misreads prices, factors and loads"),
            Entry("stale", "gridarium.agents.bounded.perception:Stale", "goes by an old signal"),
            Entry("inattention", "gridarium.agents.bounded.perception:Inattention", "overlooks signals"),
            Entry("quantal", "gridarium.agents.bounded.choice:QuantalChoice", "logit choice among plans"),
            Entry("satisficing", "gridarium.agents.bounded.choice:Satisficing", "takes a plan that will do"),
            Entry(
                "habit", "gridarium.agents.bounded.choice:Habit", "sticks to the last plan or the usual load"
            ),
            Entry(
                "loss-aversion", "gridarium.agents.bounded.choice:LossAversion", "hates a bill above the last"
            ),
            Entry("roth-erev", "gridarium.agents.bounded.learning:RothErev", "reinforces plans that paid"),
            Entry(
                "exp3", "gridarium.agents.bounded.learning:Exp3", "explores plans, exploits those that paid"
            ),
            Entry(
                "evolution-strategy",
                "gridarium.agents.bounded.evolution:EvolutionStrategy",
                "learns a policy from rewards alone",
            ),
            Entry("inexact", "gridarium.agents.bounded.faulty:Inexact", "stops its solver early"),
            Entry(
                "byzantine",
                "gridarium.agents.bounded.faulty:Byzantine",
                "answers something else than its plan",
            ),
            Entry(
                "partial-compliance",
                "gridarium.agents.bounded.action:PartialCompliance",
                "carries out a part of its plan",
            ),
            Entry(
                "override", "gridarium.agents.bounded.action:Override", "switches its plan off now and then"
            ),
            Entry(
                "overstated-base",
                "gridarium.agents.bounded.strategic:OverstatedBase",
                "tells a base load above its own",
            ),
            Entry(
                "anticipation",
                "gridarium.agents.bounded.strategic:Anticipation",
                "foresees how its own load moves its price",
            ),
            Entry("drop-out", "gridarium.agents.bounded.action:DropOut", "leaves for the rest of the day"),
            Entry(
                "sticky-price", "gridarium.agents.bounded.leader:StickyPrice", "leader: updates now and then"
            ),
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
                "overconfident",
                "gridarium.agents.bounded.trading:Overconfident",
                "prosumer: promises too much",
            ),
            Entry(
                "reputation-weighted",
                "gridarium.agents.bounded.trading:ReputationWeighted",
                "prosumer: distorts reputations",
            ),
        ),
    ),
    "tariffs": Kind(
        "tariff.kind",
        (
            Entry("tou", "gridarium.market.tariffs:TouTariff", "time-of-use price, no carbon in it"),
            Entry("static-carbon", "gridarium.market.tariffs:StaticCarbonTariff", "time-of-use plus carbon"),
            Entry("adcef", "gridarium.market.adcef:AdcefTariff", "adjustable carbon factor with a pool"),
            Entry(
                "nodal-carbon-surcharge",
                "gridarium.market.nodal_carbon:NodalCarbonTariff",
                "time-of-use plus the carbon that arrives at each bus",
            ),
        ),
    ),
    "bargaining-rules": Kind(
        "trading.rule",
        (
            Entry(
                "concession",
                "gridarium.agents.prosumers.bargaining_rules:ConcessionRule",
                "offers and counter-offers under private information: each side concedes with time",
            ),
            Entry(
                "declared-nash",
                "gridarium.agents.prosumers.bargaining_rules:DeclaredNashRule",
                "direct mechanism, utility and cost declared and taken as true: both gain the same",
            ),
            Entry(
                "ep-leader",
                "gridarium.agents.prosumers.bargaining_rules:LeaderRule",
                "the seller names its best price",
            ),
            Entry(
                "declared-alternating",
                "gridarium.agents.prosumers.bargaining_rules:DeclaredAlternatingRule",
                "direct mechanism, utility and cost declared and taken as true: the first offer in turn",
            ),
            Entry("posted", "gridarium.agents.prosumers.bargaining_rules:PostedRule", "take it or leave it"),
            Entry(
                "zi-c",
                "gridarium.agents.prosumers.bargaining_rules:ZeroIntelligenceRule",
                "random shouts that are no loss",
            ),
            Entry(
                "zip",
                "gridarium.agents.prosumers.bargaining_rules:ZipRule",
                "shouts with a margin that learns",
            ),
        ),
    ),
    "lease-searches": Kind(
        "provider.lease.search",
        (
            Entry("fixed", "gridarium.agents.storage.lease_rules:FixedTerms", "the first terms for ever"),
            Entry("cost-plus", "gridarium.agents.storage.lease_rules:CostPlus", "the cost and a markup"),
            Entry("profit-search", "gridarium.agents.storage.lease_rules:ProfitSearch", "trial steps"),
            Entry(
                "epsilon-greedy", "gridarium.agents.storage.lease_rules:EpsilonGreedy", "explores at times"
            ),
        ),
    ),
    "split-rules": Kind(
        "storage_pool.split",
        (
            Entry("shapley", "gridarium.market.pool_splits:Shapley", "what an owner adds on average"),
            Entry(
                "sampled-shapley",
                "gridarium.market.pool_splits:SampledShapley",
                "the same from random orders, for any number of owners",
            ),
            Entry("owen", "gridarium.market.pool_splits:Owen", "sub-pools stand together"),
            Entry(
                "capacity",
                "gridarium.market.pool_splits:Capacity",
                "sub-pools by what they add, owners in them by capacity; for any number of owners",
            ),
            Entry(
                "nucleolus",
                "gridarium.market.pool_splits:Nucleolus",
                "least complaints, nobody below its worth alone",
            ),
            Entry("prenucleolus", "gridarium.market.pool_splits:Prenucleolus", "least complaints"),
            Entry("least-core", "gridarium.market.pool_splits:LeastCore", "least largest complaint"),
            Entry(
                "with-minus-without",
                "gridarium.market.pool_splits:WithMinusWithout",
                "what an owner adds to all others; the platform keeps, or bears, the rest",
            ),
        ),
    ),
    "join-rules": Kind(
        "storages.*.pooling.joining",
        (
            Entry(
                "exact",
                "gridarium.agents.storage.join_rules:ExactJoin",
                "compares the announced share with what it forgoes",
            ),
            Entry(
                "margin",
                "gridarium.agents.storage.join_rules:MarginJoin",
                "moves for more than a margin",
            ),
            Entry(
                "imitation",
                "gridarium.agents.storage.join_rules:ImitationJoin",
                "does as whoever is paid best per MWh",
            ),
            Entry(
                "roth-erev",
                "gridarium.agents.storage.join_rules:RothErevJoin",
                "reinforces what has paid",
            ),
            Entry(
                "trust",
                "gridarium.agents.storage.join_rules:TrustJoin",
                "believes announcements as far as earlier ones were kept",
            ),
        ),
    ),
    "storage-regimes": Kind(
        "storages.*.alone.regime",
        (
            Entry(
                "arbitrage",
                "gridarium.agents.storage.stand_alone:PriceArbitrage",
                "buys low and sells high, by the best schedule",
            ),
            Entry(
                "percentile",
                "gridarium.agents.storage.stand_alone:Percentile",
                "charges below one percentile of the price, discharges above another",
            ),
            Entry(
                "self-consumption",
                "gridarium.agents.storage.stand_alone:SelfConsumption",
                "stores the owner's surplus, serves its load",
            ),
            Entry("idle", "gridarium.agents.storage.stand_alone:Idle", "rests"),
        ),
    ),
    "vpp-planners": Kind(
        "vpps.*.planner",
        (
            Entry(
                "shares",
                "gridarium.agents.vpp.planners:ByShares",
                "the best plan, to a proven gap; knows how it lowers the price of its green energy",
            ),
            Entry(
                "unproven",
                "gridarium.agents.vpp.planners:Unproven",
                "as shares, but without proof of what exchange rounds end at; for sweeps",
            ),
            Entry(
                "mccormick",
                "gridarium.agents.vpp.planners:ByEnvelopes",
                "by envelopes that overstate what leaves as green",
            ),
            Entry(
                "piecewise",
                "gridarium.agents.vpp.planners:ByCells",
                "by such envelopes over cells",
            ),
            Entry(
                "blind",
                "gridarium.agents.vpp.planners:Blind",
                "as if its own green discharge lowered no price",
            ),
            Entry(
                "price-taking",
                "gridarium.agents.vpp.planners:PriceTaking",
                "as if the posted price were fixed: an equilibrium is left to the messages",
            ),
            Entry(
                "greedy",
                "gridarium.agents.vpp.planners:Greedy",
                "charges where the price is low, discharges where it is high",
            ),
            Entry(
                "rolling",
                "gridarium.agents.vpp.planners:Rolling",
                "step by step, with the green share as it is then",
            ),
        ),
    ),
    "parts": Kind("a field of a grid"),
    "papers": Kind(
        "papers",
        (
            Entry("adcef", "gridarium.experiments.papers.adcef:PAPER", "adjustable carbon emission factor"),
            Entry(
                "green-vpp", "gridarium.experiments.papers.green_vpp:PAPER", "stored cleanness that is paid"
            ),
            Entry(
                "net-zero", "gridarium.experiments.papers.net_zero:PAPER", "captured carbon, shared storage"
            ),
            Entry("ries-carbon", "gridarium.experiments.papers.ries_carbon:PAPER", "a fair carbon price"),
            Entry(
                "shared-storage",
                "gridarium.experiments.papers.shared_storage:PAPER",
                "a coalition of storage owners",
            ),
        ),
    ),
    "functions": Kind(
        "study.function",
        (
            Entry(
                "ishigami",
                "gridarium.experiments.sweeps.toy_models:ishigami",
                "a study's test case with known indices",
            ),
        ),
    ),
}

KINDS = tuple(_SHIPPED)
"""Every kind; other packages add to one by entry points of the group `gridarium.KIND`."""

MECHANISMS = (
    "tariffs",
    "bargaining-rules",
    "lease-searches",
    "split-rules",
    "join-rules",
    "storage-regimes",
    "vpp-planners",
)
"""Kinds that are rules under which agents meet."""


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
    return found | {entry.name: entry for entry in _SHIPPED[kind].shipped}


def field_of(kind: str) -> str:
    """Where a scenario or a study names things of a kind."""
    return _SHIPPED[kind].field


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
    return any(entry.name == name for entry in _SHIPPED[kind].shipped)


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


def make(kind: str, name: str, params: Mapping[str, Any], source: str) -> Any:
    """An instance of what a name stands for.

    Parameters
    ----------
    kind, name : str
    params : mapping
        What its constructor gets, by name.
    source : str
        Whose it is, for errors.

    Raises
    ------
    ScenarioError
        If the name is unknown, or what it stands for does not take the parameters.
    """
    constructor: Any = load(kind, name)
    try:
        inspect.signature(constructor).bind(**params)
    except TypeError as error:
        raise ScenarioError(source, [Fault("parameters", dict(params), f"must fit: {error}")]) from error
    try:
        return constructor(**params)
    except ScenarioError as error:
        raise ScenarioError(source, error.faults) from error


def make_mechanism(kind: str, name: str, fields: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
    """An instance of a rule: with those fields of its section that it declares, and parameters by name.

    Parameters
    ----------
    kind, name : str
    fields : mapping
        Of the section that names the rule; those that the rule does not know belong to others.
    params : mapping
        Given for this rule alone: all of them must be its own.

    Raises
    ------
    ScenarioError
        If the name is unknown, or the rule does not take the parameters.
    """
    constructor: Any = load(kind, name)
    declared = inspect.signature(constructor).parameters
    own = {field: value for field, value in fields.items() if field in declared}
    return make(kind, name, own | dict(params), f"{kind.removesuffix('s')} {name}")
