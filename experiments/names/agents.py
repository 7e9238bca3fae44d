"""Agents and behaviours of gridarium that scenarios can name."""

from __future__ import annotations

from collections.abc import Mapping

from gridarium.experiments.names.entries import Entry, Kind

AGENTS: Mapping[str, Kind] = {
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
        "gridarium.agents.base:GridAgent",
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
        "gridarium.agents.behaviour:Behaviour",
    ),
}
"""Who lives in a world, and how."""
