"""A rule of bargaining declares its parameters; anybody can bring one of their own."""

from __future__ import annotations

import pytest

from gridarium.agents.prosumers.bargaining_rules import (
    DeclaredAlternatingRule,
    DeclaredNashRule,
    PostedRule,
    ZipRule,
)
from gridarium.agents.prosumers.manners import Manner, NashManner, Stream
from gridarium.agents.prosumers.trading import TradeRules, book_of
from gridarium.environment.errors import InputError, ScenarioError
from gridarium.environment.parameters import allowed_values
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPoolPlan, synthetic_pool
from gridarium.market.bargaining import Bargain
from gridarium.market.trade_book import MinuteTrade
from gridarium.market.utility import Utility


def test_rules_tell_their_parameters() -> None:
    told = {
        kind: list(allowed_values(kind))
        for kind in (DeclaredNashRule, DeclaredAlternatingRule, PostedRule, ZipRule)
    }
    assert told == {
        DeclaredNashRule: [],
        DeclaredAlternatingRule: ["patience_ep", "patience_ip", "deadline"],
        PostedRule: ["price_per_mwh"],
        ZipRule: ["relative_step", "absolute_step_per_mwh"],
    }


def test_parameters_outside_their_ranges_are_named() -> None:
    with pytest.raises(ScenarioError, match="patience_ep"):
        DeclaredAlternatingRule(patience_ep=1.1)
    with pytest.raises(ScenarioError, match="price_per_mwh"):
        PostedRule(-1.0)
    with pytest.raises(InputError, match="one must be below 1 without a deadline"):
        DeclaredAlternatingRule(1.0, 1.0)


class Greedy(NashManner):
    """A manner from outside: all of the gain but a hundredth goes to the seller."""

    def price(self, bargain: Bargain, volume_mwh: float) -> float | None:
        fair = super().price(bargain, volume_mwh)
        return None if fair is None else fair + 0.98 * (fair - bargain.cost_per_mwh)


class GreedyRule:
    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        return Greedy(rules)


def test_a_rule_from_outside_needs_nothing_but_its_manner() -> None:
    def trades(plan: SyntheticPoolPlan) -> list[MinuteTrade]:
        pool = synthetic_pool(plan)
        while pool.world.running:
            pool.world.step()
        return book_of(pool.world.grid).trades()

    fair = trades(SyntheticPoolPlan(4, DeclaredNashRule(), n_period=1, first_period=48, fluctuation=0.0))
    greedy = trades(SyntheticPoolPlan(4, GreedyRule(), n_period=1, first_period=48, fluctuation=0.0))
    assert len(greedy) == len(fair) > 0
    assert all(dear.price_per_mwh > even.price_per_mwh for dear, even in zip(greedy, fair, strict=True))
