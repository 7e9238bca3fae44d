"""What an operator expects of the prosumers' pool."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.system.pool_outlook import PoolOutlook
from gridarium.market.messages.leasing import Nomination, PoolOffer


def outlook(nominators: int = 2, memory: float = 0.5) -> PoolOutlook:
    return PoolOutlook(8, 4, 0.25, nominators, memory)


def test_nothing_is_expected_before_anything_is_heard() -> None:
    pool = outlook()
    assert pool.deficits_mw(range(0, 4)).tolist() == [0.0] * 4
    assert pool.volumes_mw(range(0, 4)).tolist() == [0.0] * 4


def test_nominations_add_up_and_the_last_word_of_each_counts() -> None:
    pool = outlook()
    pool.note(Nomination(0, 3.0, 0.0), "a")
    assert not pool.is_complete(0)
    pool.note(Nomination(0, 0.0, 9.0), "b")
    pool.note(Nomination(0, 0.0, 2.0), "b")
    assert pool.is_complete(0)
    assert pool.deficits_mw(range(0, 2)).tolist() == [2.0, 2.0]
    # Nothing was metered yet, so that trade is no more than talk.
    assert pool.volumes_mw(range(0, 1)).tolist() == [0.0]


def test_who_is_not_heard_goes_on_as_before() -> None:
    pool = outlook()
    pool.note(Nomination(0, 3.0, 0.0), "a")
    pool.note(Nomination(0, 0.0, 2.0), "b")
    pool.note(Nomination(1, 4.0, 0.0), "a")
    assert not pool.is_complete(1)
    assert (pool.surplus_mw[1], pool.deficit_mw[1]) == (4.0, 2.0)


def test_the_share_of_trade_is_smoothed() -> None:
    pool = outlook()
    for period in range(3):
        pool.note(Nomination(period, 4.0, 0.0), "a")
        pool.note(Nomination(period, 0.0, 8.0), "b")
    pool.learn(0, 0.5)
    assert pool.volumes_mw(range(1, 2))[0] == pytest.approx(4.0 * 0.25)
    pool.learn(1, 0.0)
    assert pool.volumes_mw(range(2, 3))[0] == pytest.approx(4.0 * 0.125)
    # More than the smaller side has cannot have been traded.
    pool.learn(2, 9.0)
    assert pool.volumes_mw(range(2, 3))[0] == pytest.approx(4.0 * 0.5625)


def test_a_period_without_nominations_teaches_nothing() -> None:
    pool = outlook()
    pool.note(Nomination(0, 4.0, 4.0), "a")
    pool.learn(0, 1.0)
    pool.learn(1, 0.0)
    pool.note(Nomination(2, 4.0, 4.0), "a")
    assert pool.volumes_mw(range(2, 3)).tolist() == [2.0]


def test_a_desk_tells_the_volume_itself() -> None:
    pool = outlook(nominators=1)
    pool.note(PoolOffer(0, 5.0, 3.0, 1.5), "desk")
    assert pool.is_complete(0)
    assert pool.volumes_mw(range(0, 1)).tolist() == [1.5]


def test_a_further_day_is_expected_to_be_like_the_one_before() -> None:
    pool = outlook(nominators=1)
    for period, deficit in enumerate((1.0, 2.0, 3.0)):
        pool.note(PoolOffer(period, 9.0, deficit, 0.5 * deficit), "desk")
    assert pool.deficits_mw(range(4, 8)).tolist() == [1.0, 2.0, 3.0, 3.0]
    assert np.isnan(pool.deficit_mw[4:]).all()
