"""Reputation follows the deliveries and never leaves [0, 1]."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.market.reputation import updated

SHARE = st.floats(0, 1)


def test_by_hand():
    assert updated(0.8, delivered=30.0, contracted=40.0) == pytest.approx(0.9 * 0.8 + 0.1 * 0.75)
    assert updated(0.8, 40.0, 40.0, on_time=False) == pytest.approx(0.9 * 0.8 + 0.1 * 0.5)
    assert updated(0.8, 50.0, 40.0) == updated(0.8, 40.0, 40.0)
    assert updated(0.8, 0.0, 0.0) == 0.8


@given(SHARE, st.floats(0, 100), st.floats(0, 100), SHARE, st.booleans())
def test_stays_in_range(reputation, delivered, contracted, weight, on_time):
    assert -1e-12 <= updated(reputation, delivered, contracted, weight, on_time) <= 1 + 1e-12


@given(SHARE, st.floats(0, 1))
def test_settles_at_the_delivered_share(reputation, share):
    for _ in range(300):
        reputation = updated(reputation, share, 1.0)
    assert reputation == pytest.approx(share, abs=1e-10)


@given(SHARE, st.floats(0, 1), st.floats(0, 1))
def test_delivering_more_is_never_worse(reputation, one, other):
    less, more = sorted((one, other))
    assert updated(reputation, less, 1.0) <= updated(reputation, more, 1.0)
