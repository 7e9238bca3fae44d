"""Whatever the links, lines and behaviours do: energy and money of the pool balance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.agents.prosumers.bargaining_rules import (
    ConcessionRule,
    DeclaredAlternatingRule,
    DeclaredNashRule,
    LeaderRule,
    PostedRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.trading import book_of
from gridarium.environment.links import LinkQuality
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPool, SyntheticPoolPlan, synthetic_pool
from gridarium.market.accounts import DEFAULT, LINE_ENERGY, LINE_FEE

RULES = (
    ConcessionRule(),
    DeclaredNashRule(),
    LeaderRule(),
    DeclaredAlternatingRule(),
    PostedRule(),
    ZeroIntelligenceRule(),
    ZipRule(),
)
QUALITIES = st.builds(
    lambda latency_s, jitter, loss, duplication, reordering: LinkQuality(
        latency_s, jitter * latency_s, loss, duplication, reordering
    ),
    st.sampled_from([0.0, 0.01, 0.5, 5.0, 45.0]),
    st.floats(0.0, 1.0),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.3]),
)


def paid(ledger: pd.DataFrame, purpose: str) -> float:
    return float(ledger.loc[(ledger.purpose == purpose) & (ledger.amount_money > 0.0), "amount_money"].sum())


def check(pool: SyntheticPool, band: tuple[float, float]) -> None:
    trades, world = book_of(pool.world.grid).table(), pool.world
    ledger = world.ledger.table()
    world.ledger.verify()
    assert world.ledger.total() == 0.0
    assert paid(ledger, LINE_ENERGY) == pytest.approx((trades.price_per_mwh * trades.delivered_mwh).sum())
    assert paid(ledger, LINE_FEE) == pytest.approx(trades.fee_money.sum())
    assert trades.price_per_mwh.between(band[0] - 1e-9, band[1] + 1e-9).all()
    assert (trades.sent_mwh >= trades.delivered_mwh).all()
    # Nobody trades twice with the same partner in a minute.
    assert not trades.duplicated(["minute_s", "seller", "buyer"]).any()
    promised = trades.contracted_mwh.sum() - trades.delivered_mwh.sum()
    assert paid(ledger, DEFAULT) <= band[1] * promised + 1e-9
    for number, prosumer in enumerate(pool.prosumers):
        metered = pd.DataFrame(prosumer.metered)
        sold = trades.loc[trades.seller == prosumer.name, "sent_mwh"].sum()
        received = trades.loc[trades.buyer == prosumer.name, "delivered_mwh"].sum()
        assert metered.sold.sum() == pytest.approx(sold, abs=1e-9)
        assert metered.received.sum() == pytest.approx(received, abs=1e-9)
        assert (metered.received <= metered.deficit + 1e-9).all()
        into = metered[["surplus", "received", "discharged", "drawn"]].sum(axis=1)
        out = metered[["deficit", "sold", "charged", "spilled"]].sum(axis=1)
        assert np.allclose(into, out, atol=1e-9)
        data = pool.data[number]
        assert np.allclose(metered.surplus - metered.deficit, 0.25 * (data.pv_mw - data.load_mw))
        if data.battery is not None:
            assert prosumer.energy_mwh.min() >= data.battery.soc_initial * data.battery.e_max_mwh - 1e-9


@settings(deadline=None, max_examples=25)
@given(
    rule=st.sampled_from(RULES),
    desk=st.booleans(),
    quality=QUALITIES,
    seed=st.integers(0, 1000),
    fluctuation=st.sampled_from([0.0, 0.3]),
    outages=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(3600.0, 6300.0)), max_size=4),
)
def test_balances_hold(
    rule: BargainingRule,
    desk: bool,
    quality: LinkQuality,
    seed: int,
    fluctuation: float,
    outages: list[tuple[int, int, float]],
) -> None:
    plan = SyntheticPoolPlan(
        6, rule, desk=desk, partners=4, n_period=3, first_period=46, fluctuation=fluctuation
    )
    pool = synthetic_pool(plan, seed, quality)
    for one, other, start_s in outages:
        if one != other:
            names = pool.prosumers[one].name, pool.prosumers[other].name
            pool.lines.add_outage(*names, start_s, start_s + 200.0)
    while pool.world.running:
        pool.world.step()
    check(pool, plan.rules.price_band_per_mwh)


def test_a_lossy_pool_still_trades() -> None:
    plan = SyntheticPoolPlan(10, n_period=2, first_period=46)
    pool = synthetic_pool(plan, 1, LinkQuality(latency_s=0.2, loss=0.05))
    while pool.world.running:
        pool.world.step()
    check(pool, plan.rules.price_band_per_mwh)
    ideal = synthetic_pool(plan, 1)
    while ideal.world.running:
        ideal.world.step()
    energy = [book_of(each.world.grid).table().delivered_mwh.sum() for each in (pool, ideal)]
    # A lost nomination, introduction or grant costs a period; a lost offer or acceptance next to nothing.
    assert energy[0] > 0.8 * energy[1]
