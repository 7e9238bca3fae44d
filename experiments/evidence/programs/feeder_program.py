"""The least cost of a day of a radial feeder, by a linear programme of its own whose cones are tangents."""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.environment.arrays import Flags
from gridarium.environment.errors import SolveError
from gridarium.experiments.evidence.programs.feeder_columns import FeederColumns
from gridarium.experiments.evidence.programs.feeder_cones import FeederCones
from gridarium.experiments.evidence.programs.feeder_day import FeederDay, LeastCost
from gridarium.experiments.evidence.programs.linear_program import LinearProgram

_BOTH_WAYS_MW = 1e-6


class FeederProgram:
    """The dispatch of a feeder as a linear programme: every cone is the tangents that were needed so far.

    Parameters
    ----------
    shape : DispatchShape
        Ratings, places, prices of wear and limits; none of its problems.
    n_block : int
        Steps of a ladder of carbon after its first one.

    Raises
    ------
    SolveError
        If the shape has what the programme does not know.

    Notes
    -----
    C9 to C11 with A13 to A17, A19, A20 and D4. The result is at most the least cost, and the cost itself once
    all cones are met and no current is burnt.
    """

    def __init__(self, shape: DispatchShape, n_block: int = 0) -> None:
        if shape.captures or shape.sets_ends:
            raise SolveError("reference of a feeder: it has no capture plants and no other ends of storages")
        self._shape, self._lp = shape, LinearProgram("reference of a feeder")
        self._at = FeederColumns(shape, self._lp, n_block)
        self._cones, self._n_declared = FeederCones(self._at), self._lp.n_row

    def least(self, day: FeederDay, may_move: Flags, may_regulate: Flags) -> LeastCost:
        """The least cost of a day on which some storages are commanded, and the others rest.

        Parameters
        ----------
        day : FeederDay
        may_move, may_regulate : ndarray of bool, shape (n_storage,)
            Whether each moves energy, and gives reactive power.

        Raises
        ------
        InfeasibleError
            If nothing supplies its loads.
        SolveError
            If its cones are not met after many rounds.
        """
        at = self._at
        if len(day.ladder_start_mw) != len(at.beyond):
            raise SolveError(
                f"reference of a feeder: a ladder must have {len(at.beyond)} steps after the first"
            )
        self._load(day)
        self._open(day, may_move, may_regulate)
        x = self._cones.met()
        apart = np.minimum(x[at.charge], x[at.discharge])
        if apart.size and apart.max() > _BOTH_WAYS_MW:
            # Where energy is worth less than nothing, losing it in a storage pays unless that is forbidden.
            self._lp.make_whole(at.charging, True)
            try:
                x = self._cones.met()
            finally:
                self._lp.make_whole(at.charging, False)
        if self._lp.n_row > 2 * self._n_declared:
            self._lp.forget_slack_rows(self._n_declared)
        given = x[at.discharge].sum(axis=1) * self._shape.period_h
        reward = float(day.ladder_reward_per_h.sum()) * self._shape.period_h
        constant = self._standing_money(day) - reward
        return LeastCost(self._lp.money + constant, given, float(-self._cones.short_pu(x).min()))

    def _standing_money(self, day: FeederDay) -> float:
        """What running turbines cost whatever they give."""
        fixed = np.array([unit.cost_fixed_per_h for unit in self._shape.turbines])
        return float(fixed @ day.on.sum(axis=1)) * self._shape.period_h if len(fixed) else 0.0

    def _load(self, day: FeederDay) -> None:
        """Loads, prices and limits of a day."""
        at, lp, shape, hours = self._at, self._lp, self._shape, self._shape.period_h
        lp.bound_rows(at.active, day.load_p_mw, day.load_p_mw)
        lp.bound_rows(at.reactive, day.load_q_mvar, day.load_q_mvar)
        lp.bound(at.v[0], *day.head_squared)
        lp.bound(at.buy[0], np.zeros(at.n), shape.import_limit_mw * day.may_buy)
        lp.bound(at.sell[0], np.zeros(at.n), shape.export_limit_mw * day.may_sell)
        lp.bound(at.green, np.zeros_like(day.available_mw), day.available_mw)
        lp.price(at.buy[0], hours * day.buy_per_mwh)
        lp.price(at.sell[0], -hours * day.sell_per_mwh)
        lp.price(at.l, hours * shape.loss_price_per_mwh * at.impedances[:, :1])
        for k, unit in enumerate(shape.turbines):
            lp.bound(at.gas[k], day.on[k] * unit.p_min_mw, day.on[k] * unit.p_max_mw)
            lp.bound(at.q_gas[k], -day.on[k] * unit.s_max_mva, day.on[k] * unit.s_max_mva)
            carbon = day.carbon_per_tco2 * unit.emission_tco2_per_mwh
            lp.price(at.gas[k], hours * (unit.cost_linear_per_mwh + carbon))
            lp.price(at.fuel[k], hours)
        self._lp.bound_rows(at.steps, np.full_like(day.ladder_start_mw, -np.inf), day.ladder_start_mw)
        self._lp.price(at.beyond, self._shape.period_h * day.ladder_rise_per_mwh)

    def _open(self, day: FeederDay, may_move: Flags, may_regulate: Flags) -> None:
        """Bounds and prices of storages."""
        at, lp, shape, hours = self._at, self._lp, self._shape, self._shape.period_h
        wear, lost = dict(shape.wear_cost_per_mwh), shape.loss_price_per_mwh
        for k, unit in enumerate(shape.storages):
            most = np.full(at.n, unit.p_max_mw * may_move[k])
            giving = np.full(at.n, unit.s_max_mva * may_regulate[k])
            low, high = unit.soc_min * unit.e_max_mwh, unit.soc_max * unit.e_max_mwh
            first = float(day.initial_mwh[k])
            lp.bound(at.charge[k], np.zeros(at.n), most)
            lp.bound(at.discharge[k], np.zeros(at.n), most)
            lp.bound(at.q_storage[k], -giving, giving)
            lp.bound(at.energy[k], np.full(at.n, low), np.full(at.n, high))
            lp.bound(at.energy[k, -1:], np.array([first]), np.array([first]))
            lp.bound_rows(at.stored[k : k + 1], np.array([first]), np.array([first]))
            lp.price(at.charge[k], hours * lost * (1.0 - unit.efficiency_charge))
            lp.price(
                at.discharge[k], hours * (wear[unit.name] + lost * (1.0 / unit.efficiency_discharge - 1.0))
            )
