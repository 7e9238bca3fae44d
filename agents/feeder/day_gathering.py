"""What a DSO asks everybody before it plans a day."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.curtailment import CurtailmentDues
from gridarium.agents.feeder.dispatch import Openings
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.hedging import HedgeTerms
from gridarium.agents.feeder.pooled_storages import PooledStorages
from gridarium.agents.questions import Question
from gridarium.agents.told_loads import told_mw
from gridarium.environment.arrays import series
from gridarium.environment.errors import UnheardError
from gridarium.market.messages.forecasts import (
    ForecastRequest,
    OwnSchedule,
    ScheduleRequest,
)

Asking = Callable[[float, Mapping[str, Any]], Question]
"""Opens a question that ends at a time, s, with what each is asked."""


def gather_day(
    leader: GridAgent,
    contract: DsoContract,
    shape: DispatchShape,
    pooled: PooledStorages | None,
    today: DsoDay,
    ask: Asking,
    hedge: HedgeTerms | None = None,
) -> Generator[Any, Any, None]:
    """Ask the pool, if there is one, whom to command, then all others for forecasts, terms and schedules.

    Parameters
    ----------
    leader : GridAgent
    contract : DsoContract
    shape : DispatchShape
        Its units are asked.
    pooled : PooledStorages or None
        The leader's side of a pool.
    today : DsoDay
        Takes what is told.
    ask : callable
    hedge : HedgeTerms, optional
        With the scenarios that plants are asked for; none by default.

    Raises
    ------
    UnheardError
        If somebody has not answered when the gate closes; with an edge controller a storage need not.
    """
    named = leader.grid.named
    if pooled is not None:
        yield from pooled.gather(today)
    else:
        today.own = contract.own_storages
    owners, renewables, storages = (
        [named(unit.name) for unit in units] for units in (today.own.units, shape.renewables, shape.storages)
    )
    plain = series(today.horizon.of_day(contract.tou_price_per_mwh, today.number))
    forecast = ForecastRequest(today.number)
    market = contract.carbon_market
    requests = {
        **({} if market is None else {market: forecast}),
        **dict.fromkeys(renewables, ForecastRequest(today.number, hedge.scenarios if hedge else None)),
        **dict.fromkeys(storages, ScheduleRequest(today.number, plain)),
        **dict.fromkeys(owners, ScheduleRequest(today.number, plain, self_scheduled=True)),
        **dict.fromkeys(contract.loads, forecast),
    }
    changer = named(shape.tap_changer.name) if shape.tap_changer else None
    if changer is not None:
        requests[changer] = forecast
    question = ask(today.rules.closes_s, requests)
    silent = yield from question.answered()
    may_rest = contract.edge is not None and shape.opens_storages
    if silent - set(storages if may_rest else ()):
        raise UnheardError(leader.name, "no forecast from", silent)
    told = {**question.replies, **_at_rest(today, storages, shape, silent)}
    today.carbon = contract.own_carbon_terms if market is None else told[market]
    today.available_mw = {name: told[name].available_mw for name in renewables}
    today.scenarios = {name: told[name].scenarios for name in renewables if told[name].scenarios}
    today.deviation_share = {name: told[name].deviation_share for name in contract.loads}
    today.baselines = {name: told[name] for name in dict.fromkeys((*storages, *owners))}
    today.owners_mw = {name: today.horizon.fit(told[name].net_mw) for name in owners}
    today.base_mw = {name: told_mw(today.horizon, name, told[name].load_mw) for name in contract.loads}
    today.served_mw = {name: today.base_mw[name] for name in contract.served}
    today.loads_mw = dict(today.base_mw)
    today.curtailment = CurtailmentDues(contract.curtailment_per_mwh, today.base_mw)
    if changer is not None:
        today.tap_before = told[changer].position


def _at_rest(
    today: DsoDay, names: list[str], shape: DispatchShape, silent: frozenset[str]
) -> dict[str, OwnSchedule]:
    """Close storages that cannot be reached: they hear no commands either. What is in them plays no part."""
    if not silent:
        return {}
    reached = np.array([float(name not in silent) for name in names])
    opened = today.openings or Openings(np.ones(len(names)), np.ones(len(names)))
    today.openings = Openings(opened.may_move * reached, opened.may_regulate * reached)
    nothing = series(np.zeros(today.horizon.n_step))
    return {
        name: OwnSchedule(today.number, sum(unit.band_mwh) / 2.0, nothing, nothing, 0.0)
        for name, unit in zip(names, shape.storages, strict=True)
        if name in silent
    }
