"""What coalitions of storages save an operator, from what it was told of a day and a programme of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.programs.feeder_day import FeederDay, LeastCost
from gridarium.experiments.evidence.programs.feeder_program import FeederProgram
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.pool_section import Pool
from gridarium.experiments.parts.storage_pool import pool_of
from gridarium.experiments.parts.storages import STORAGES, StorageUnit

_CLEAN = 1e-9
"""Carbon factor below which no energy carries carbon, tCO2/MWh."""
_HELD_PU = 1e-9


def class_name(unit: StorageUnit, section: Pool) -> str:
    """Class of a storage: fast, or else large, or else what a pool makes of the rest (A9)."""
    if unit.pooling.response_s <= section.fast_response_s:
        return "fast-response"
    return "energy-reserve" if unit.e_max_mwh >= section.reserve_min_mwh else section.unclassed


def in_steps(values: Array, n_step: int) -> Array:
    """A series of a day in other steps of equal length: means of shorter ones, longer ones repeated."""
    n = len(values)
    if n >= n_step:
        return np.asarray(np.reshape(values, (n_step, n // n_step)).mean(axis=1))
    return np.repeat(np.asarray(values, dtype=float), n_step // n)


def feeder_day(known: GridEvidence, dso: Dso, day: DsoDay) -> FeederDay:
    """A day as its operator was told it, without storages that their owners schedule.

    Loads are those that followers answered last; units run as they did on the day. A pull of the supplier is
    nobody's money, and left out.
    """
    n, shape = dso.shape.n_period, dso.shape
    p_mw, q_mvar = np.zeros((2, shape.feeder.n_bus, n))
    for name, load in day.loads_mw.items():
        place = dso.contract.loads[name]
        p_mw += np.outer(place.p_share, load)
        told = day.loads_mvar.get(name)
        q_mvar += np.outer(place.q_share, load) if told is None else np.outer(place.p_share, told)
    runs = day.commitment
    always, section = np.ones(n), DSO.of(known.scenario)
    assert section is not None
    carbon = in_steps(day.carbon.price_per_tco2, n) * section.carbon_in_cost
    exported = day.terms.export_price_per_mwh
    factor = in_steps(day.terms.factor_tco2_per_mwh, n)
    buy, start, rise, reward = _ladder(known, day, factor, section.carbon_in_cost)
    available = [day.available_mw[known.grid.named(unit.name)] for unit in shape.renewables]
    return FeederDay(
        load_p_mw=p_mw,
        load_q_mvar=q_mvar,
        buy_per_mwh=in_steps(day.terms.price_per_mwh, n) + carbon * factor + buy,
        sell_per_mwh=np.zeros(n) if exported is None else in_steps(exported, n),
        ladder_start_mw=start,
        ladder_rise_per_mwh=rise,
        ladder_reward_per_h=reward,
        carbon_per_tco2=carbon,
        available_mw=np.array(available).reshape(-1, n),
        initial_mwh=np.array([day.baselines[known.grid.named(unit.name)].e_mwh for unit in shape.storages]),
        on=np.ones((len(shape.turbines), n)) if runs is None else runs.on,
        may_buy=always if runs is None else runs.may_buy,
        may_sell=always if runs is None else runs.may_sell,
        head_squared=_head_squared(dso, day),
    )


def _ladder(
    known: GridEvidence, day: DsoDay, factor: Array, counts: bool
) -> tuple[Array, Array, Array, Array]:
    """What the first step adds to the price, where others begin and by how much they are dearer, a reward.

    D4 with D25, of one of several equal grids; all is 0 where energy carries no carbon.
    """
    ladder, n = day.terms.ladder, len(factor)
    if ladder is None or not counts:
        return np.zeros(n), np.zeros((0, n)), np.zeros((0, n)), np.zeros(n)
    carries = factor > _CLEAN
    per_tonne = np.where(carries, 1.0 / np.where(carries, factor, 1.0), 0.0) / known.grid.replicas
    free = in_steps(ladder.quota_t_per_h, n) * per_tonne
    first = in_steps(ladder.base_price_per_tco2, n) * np.maximum(factor, 0.0)
    number = np.arange(1, ladder.steps)[:, None]
    # What carries nothing costs nothing, wherever its steps begin.
    start = free + number * np.where(carries, ladder.interval_t_per_h * per_tonne, 1.0)
    return first, start, np.repeat(ladder.growth * first[None], ladder.steps - 1, axis=0), first * free


def _head_squared(dso: Dso, day: DsoDay) -> Array:
    """Least and most squared voltage of the substation, shape (2, n_step) (A18)."""
    shape, rated = dso.shape, dso.shape.feeder.slack_vm_pu
    changer = shape.tap_changer
    if changer is None:
        return np.full((2, shape.n_period), rated**2)
    if day.tap is not None:
        return np.tile((rated * (1.0 + changer.step_pu * day.tap)) ** 2, (2, 1))
    voltage = rated * (1.0 + changer.step_pu * np.arange(changer.first, changer.last + 1))
    low, high = shape.voltage_band_pu
    usable = voltage[(voltage >= low - _HELD_PU) & (voltage <= high + _HELD_PU)] ** 2
    return np.outer([usable.min(), usable.max()], np.ones(shape.n_period))


class CoalitionReference:
    """Values of coalitions of a feeder's storages, each from a programme that no agent has a part in.

    - `moved`: for how many coalitions those outside could not do as they want

    Parameters
    ----------
    known : GridEvidence
    dso : Dso
        With a pool.

    Notes
    -----
    A7: ``v(S) = C*(nobody) - C*(S) - what members age more than outside``, C* being the least cost of the
    feeder at the loads and the commitment of the day. What owners outside do alone is what they have told.
    """

    def __init__(self, known: GridEvidence, dso: Dso) -> None:
        section = pool_of(known.scenario)
        assert section is not None
        self._known, self._dso, self._pool = known, dso, section
        self._units = [STORAGES.of(known.scenario)[unit.name] for unit in dso.shape.storages]
        self._program: FeederProgram | None = None
        self._n_block = -1
        self._costs: dict[tuple[int, bytes], tuple[float, float]] = {}
        self.moved = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Owners within the grid, in the order of flags."""
        return tuple(unit.name for unit in self._dso.shape.storages)

    @property
    def dearest_ageing_per_mwh(self) -> float:
        """Most that a MWh discharged counts as ageing; 0 where that does not count."""
        if not self._pool.counts_ageing:
            return 0.0
        return max(unit.pooling.ageing_cost_per_mwh for unit in self._units)

    def value(self, day: DsoDay, inside: Flags) -> tuple[float, float]:
        """What a coalition saves on a day, money, and how far power flows are from being one, p.u.

        Parameters
        ----------
        day : DsoDay
        inside : ndarray of bool, shape (n_storage,)

        Raises
        ------
        SolveError
            If there is no answer.
        """
        nobody, with_members = (self._cost(day, one) for one in (np.zeros_like(inside), inside))
        return nobody[0] - with_members[0], max(nobody[1], with_members[1])

    def base_money(self, day: DsoDay) -> float:
        """What a day costs with nobody in the pool."""
        return self._cost(day, np.zeros(len(self._units), dtype=np.bool_))[0]

    def _cost(self, day: DsoDay, inside: Flags) -> tuple[float, float]:
        key = (day.number, inside.tobytes())
        if key not in self._costs:
            self._costs[key] = self._fresh_cost(day, inside)
        return self._costs[key]

    def _fresh_cost(self, day: DsoDay, inside: Flags) -> tuple[float, float]:
        """C* with what storages age, and wear that owners outside bear; and how much current is burnt."""
        plain = feeder_day(self._known, self._dso, day)
        alone = self.alone_mw(day)
        drawn = alone[~inside]
        try:
            found = self._least(plain, inside, drawn)
        except InfeasibleError:
            pooled = self._dso.pooled
            assert pooled is not None
            drawn = pooled.valuer.drawn_outside_mw(pooled.valued_day(day), inside)
            found = self._least(plain, inside, drawn)
            self.moved += 1
        given = found.discharge_mwh.copy()
        given[~inside] += np.maximum(-drawn, 0.0).sum(axis=1) * self._dso.shape.period_h
        aged = [unit.pooling.ageing_cost_per_mwh if self._pool.counts_ageing else 0.0 for unit in self._units]
        wear = np.array([unit.wear_cost_per_mwh for unit in self._units])
        return found.money + float(np.array(aged) @ given) + float(
            wear[~inside] @ given[~inside]
        ), found.burnt_pu

    def alone_mw(self, day: DsoDay) -> Array:
        """What storages draw that are in no coalition, shape (n_storage, n_step)."""
        n = self._dso.shape.n_period
        if self._pool.outside == "idle":
            return np.zeros((len(self._units), n))
        told = (day.baselines[self._known.grid.named(name)] for name in self.names)
        return np.array([in_steps(np.subtract(one.charge_mw, one.discharge_mw), n) for one in told])

    def _least(self, plain: FeederDay, inside: Flags, drawn_mw: Array) -> LeastCost:
        load, buses = plain.load_p_mw.copy(), dict(self._dso.shape.sites)
        outside = [name for name, one in zip(self.names, inside, strict=True) if not one]
        for name, own in zip(outside, drawn_mw, strict=True):
            load[buses[name]] += own
        tasks = [self._pool.tasks.get(class_name(unit, self._pool), ()) for unit in self._units]
        moves, regulates = (np.array([task in one for one in tasks]) for task in ("energy", "voltage"))
        return self._solver(plain).least(replace(plain, load_p_mw=load), inside & moves, inside & regulates)

    def _solver(self, plain: FeederDay) -> FeederProgram:
        """One that knows as many steps of a ladder as a day has."""
        n_block = len(plain.ladder_start_mw)
        if self._program is None or n_block != self._n_block:
            self._program, self._n_block = FeederProgram(self._dso.shape, n_block), n_block
        return self._program
