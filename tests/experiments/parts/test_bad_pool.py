"""Pools of storages that cannot be: each fault names place, value and what is allowed."""

from __future__ import annotations

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.scenario import load_scenario

POOLED = ("tariff.kind=tou", "dso.storage=pooled", "storage_pool={}")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ["tariff.kind=tou", "dso.storage=pooled"],
            "storage_pool: got None; must be given where dso.storage",
        ),
        (["storage_pool={}"], "dso.storage: got 'commanded'; must be pooled where there is a storage_pool"),
        ([*POOLED, "tariff.kind=adcef"], "tariff.kind: got 'adcef'; must be another tariff"),
        ([*POOLED, "leader.kind=anticipating"], "must not be pooled for a leader of kind anticipating"),
        ([*POOLED, "storages={}"], "storages: got {}; must name owners"),
        ([*POOLED, "storage_pool.split=fair"], "storage_pool.split: got 'fair'; must be one of shapley"),
        ([*POOLED, "storage_pool.soc_weight=0.9"], "soc_weight: got 0.9; must sum to 1"),
        (
            [*POOLED, "storage_pool.understated_share=0.1"],
            "storage_pool.understated_share: got 0.1; must be 0 where owners_verify is false",
        ),
        ([*POOLED, "storages.storage_7.alone.regime=asleep"], "alone.regime: got 'asleep'; must be one of"),
        (
            [*POOLED, "storages.storage_7.pooling.joining=never"],
            "pooling.joining: got 'never'; must be one of",
        ),
        (
            [*POOLED, "storages.storage_7.pooling.reserve_share=0.5"],
            "storages.storage_7.pooling.reserve_share: got 0.5; must leave soc_initial = 0.5",
        ),
        (
            [*POOLED, *(f"storages.s{i}={{p_max_mw: 1, e_max_mwh: 1}}" for i in range(10))],
            "storage_pool.split: got 'shapley'; must be one of capacity, sampled-shapley, "
            "with-minus-without with more than 12",
        ),
        (
            [
                *POOLED,
                "storage_pool.groups_may_leave=true",
                *(f"storages.s{i}={{p_max_mw: 1, e_max_mwh: 1}}" for i in range(8)),
            ],
            "storage_pool.groups_may_leave: got True; must be false with more than 10 owners",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings: list[str], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("adcef-small", settings)
    assert said in str(caught.value)


def test_what_can_be_is_taken() -> None:
    assert load_scenario("adcef-small", POOLED).cases
