"""What a supplier may ask at a head beyond prices: carbon by steps, and a pull of exchange rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.environment.arrays import Array
from gridarium.market.block_prices import BlockPrices
from gridarium.market.messages.tariffs import MarketConditions

Values = dict[str, Any]
"""Values of signals or decisions, by name."""


@dataclass(frozen=True)
class HeadShape:
    """Which parts of a dispatch the terms of a supplier bring; none by default.

    Parameters
    ----------
    n_block : int
        Carbon prices of each period, by which what is bought becomes dearer; 0 without a ladder.
    pulled : bool
        Whether what passes the head is pulled towards a target.
    """

    n_block: int = 0
    pulled: bool = False

    @classmethod
    def of(cls, market: MarketConditions, carbon_in_cost: bool) -> HeadShape:
        """What the terms of a day bring; where carbon is not in the cost of a dispatch, no ladder is."""
        n_block = market.ladder.steps if market.ladder and carbon_in_cost else 0
        return cls(n_block, market.pull is not None)

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals of these parts."""
        ladder = ("start_mw", "rise_per_mwh", "reward_per_h") if self.n_block else ()
        return (*ladder, *(("target_mw", "pull_per_mw2h") if self.pulled else ()))


PRICES_ALONE = HeadShape()
"""Of a supplier that asks nothing beyond prices."""


def head_signals(market: MarketConditions, carbon_in_cost: bool) -> Values:
    """The signals of these parts, and `first_per_mwh`: what the first step of a ladder adds to the price."""
    shape, values = HeadShape.of(market, carbon_in_cost), Values()
    nothing = np.zeros_like(market.wholesale_price_per_mwh)
    values["first_per_mwh"] = nothing
    if shape.n_block and market.ladder:
        # Where energy carries no carbon all blocks cost nothing, whatever their length.
        blocks = BlockPrices.of(nothing, market.grid_factor_tco2_per_mwh, market.ladder, 1.0)
        first = blocks.price_per_mwh[0]
        values["first_per_mwh"] = first
        values["start_mw"], values["rise_per_mwh"] = blocks.starts_mw, blocks.rises_per_mwh
        values["reward_per_h"] = first * blocks.free_mw
    if market.pull:
        values["target_mw"], values["pull_per_mw2h"] = market.pull.target_mw, market.pull.per_mw2h
    return values


def declare_head_terms(m: Any, shape: HeadShape, import_limit_mw: float) -> Any:
    """Steps of carbon and the pull of a head, for a model with `p_buy_mw` and `p_sell_mw`; money/h in all.

    beyond_n >= P_buy - start_n, 0 <= beyond_n <= limit, each MW dearer by what the step rises (D4 with D25);
    the price of the first step is in that of what is bought, and its reward for what is free stands alone.
    pulled >= (P_buy - P_sell - z)^2, times rho / 2: a quadratic cost, a cone since binaries are by.
    """
    cost = 0.0
    if shape.n_block:
        m.block = pyo.RangeSet(1, shape.n_block - 1)
        m.start_mw, m.rise_per_mwh = pyo.Var(m.block, m.period), pyo.Var(m.block, m.period)
        m.reward_per_h = pyo.Var(m.period)
        # Where a step costs nothing more, only its bound keeps it from running away.
        m.beyond_mw = pyo.Var(m.block, m.period, bounds=(0, import_limit_mw))
        m.step_beyond = pyo.Constraint(
            m.block, m.period, rule=lambda m, n, t: m.beyond_mw[n, t] >= m.p_buy_mw[t] - m.start_mw[n, t]
        )
        cost += sum(m.rise_per_mwh[key] * m.beyond_mw[key] for key in m.beyond_mw)
        cost -= sum(m.reward_per_h[t] for t in m.period)
    if shape.pulled:
        m.target_mw, m.pull_per_mw2h = pyo.Var(m.period), pyo.Var()
        m.apart_mw, m.pulled_mw2 = pyo.Var(m.period), pyo.Var(m.period, bounds=(0, None))
        m.apart = pyo.Constraint(
            m.period, rule=lambda m, t: m.apart_mw[t] == m.p_buy_mw[t] - m.p_sell_mw[t] - m.target_mw[t]
        )
        m.pull = pyo.Constraint(m.period, rule=lambda m, t: m.apart_mw[t] ** 2 <= m.pulled_mw2[t])
        cost += 0.5 * m.pull_per_mw2h * sum(m.pulled_mw2[t] for t in m.period)
    return cost


def head_decisions(shape: HeadShape, buy_mw: Array, sell_mw: Array, signals: Values) -> dict[str, Array]:
    """The decisions of these parts that go with what is bought and sold, shape (n_period,), by name."""
    decided = dict[str, Array]()
    if shape.n_block:
        decided["beyond_mw"] = np.maximum(buy_mw - signals["start_mw"], 0.0)
    if shape.pulled:
        apart = buy_mw - sell_mw - signals["target_mw"]
        decided["apart_mw"], decided["pulled_mw2"] = apart, apart**2
    return decided


def head_cost_per_h(shape: HeadShape, buy_mw: Array, sell_mw: Array, signals: Values) -> Array:
    """What these parts count in a dispatch, money/h, shape (n_period,), the first step's price aside."""
    decided, cost = head_decisions(shape, buy_mw, sell_mw, signals), np.zeros_like(buy_mw)
    if shape.n_block:
        cost = cost + (signals["rise_per_mwh"] * decided["beyond_mw"]).sum(axis=0) - signals["reward_per_h"]
    if shape.pulled:
        cost = cost + 0.5 * signals["pull_per_mw2h"] * decided["pulled_mw2"]
    return cost


def steepest_per_mwh(shape: HeadShape, signals: Values, most_mw: float) -> float:
    """Most that these parts may add to the price of a MWh, where a grid takes at most so much."""
    most = 0.0
    if shape.n_block:
        most += float(signals["rise_per_mwh"].sum(axis=0).max())
    if shape.pulled:
        most += signals["pull_per_mw2h"] * (most_mw + float(np.abs(signals["target_mw"]).max()))
    return most
