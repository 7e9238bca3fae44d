"""Rules of gridarium under which agents meet, by kind, that scenarios can name."""

from __future__ import annotations

from collections.abc import Mapping

from gridarium.experiments.names.entries import Entry, Kind

RULES: Mapping[str, Kind] = {
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
        "gridarium.market.tariffs:Tariff",
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
        "gridarium.agents.prosumers.manners:BargainingRule",
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
        "gridarium.agents.storage.lease_search:LeaseSearchRule",
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
        "gridarium.market.pool_splits:SplitRule",
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
        "gridarium.agents.storage.join_rules:JoinRule",
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
        "gridarium.agents.storage.stand_alone:Regime",
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
        "gridarium.agents.vpp.planners:VppPlanner",
    ),
}
"""How prices, shares, plans and membership come about."""
