"""What storages that a DSO commands together would save it: values of coalitions from dispatches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher, Openings
from gridarium.agents.feeder.own_storages import OwnStorages, Redispatch
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError

_DIGITS = 6
"""Of MW, MWh and prices, in which days of one type agree."""
Outside = Literal["stand-alone", "idle"]
"""What storages do that are in no coalition: what their owners do alone, or nothing."""


@dataclass(frozen=True)
class ValuedDay:
    """What values of coalitions start from.

    Parameters
    ----------
    day : DispatchDay
        As it was planned last, without what storages of owners draw, and without a pull of the supplier.
    alone_mw : ndarray, shape (n_storage, n_step)
        What each storage draws by itself; zero where those outside a coalition rest.
    moves, regulates : ndarray of bool, shape (n_storage,)
        For which tasks a member is fit.
    ageing_cost_per_mwh : ndarray, shape (n_storage,)
        What counts against a coalition for each MWh that a member discharges.
    """

    day: DispatchDay
    alone_mw: Array
    moves: Flags
    regulates: Flags
    ageing_cost_per_mwh: Array

    @property
    def key(self) -> bytes:
        """The same for days of one type: everything that values follow from, but for noise of solvers."""
        told = [self.day.signals[name] for name in sorted(self.day.signals)]
        mine = [self.alone_mw, self.moves, self.regulates, self.ageing_cost_per_mwh]
        arrays = [np.asarray(one, dtype=np.float64) for one in (*told, *mine)]
        # Adding zero makes -0 and 0 the same bytes.
        return b"|".join((np.round(one, _DIGITS) + 0.0).tobytes() for one in arrays)


class CoalitionValuer:
    """Values coalitions of storages by warm dispatches at the commitment of the day, each once a day type.

    - `dispatches`: how many there were

    Parameters
    ----------
    dispatcher : Dispatcher
        Of a shape whose storages open and close.
    redispatch : Redispatch
        Changes what those outside draw where a limit of the grid asks it.
    own : OwnStorages
        All storages, in the order of the shape.

    Notes
    -----
    A7: ``v(S) = C*(nobody pooled) - C*(S pooled, the others outside) - ageing``, C* being the cost that the
    dispatch minimises at the loads of the day. What members age counts against what they would age outside.
    """

    def __init__(self, dispatcher: Dispatcher, redispatch: Redispatch, own: OwnStorages) -> None:
        self._dispatcher, self._redispatch, self._own = dispatcher, redispatch, own
        self._costs: dict[bytes, dict[bytes, float]] = {}
        self.dispatches = 0

    def values_money(self, valued: ValuedDay, coalitions: Flags) -> Array:
        """Values of coalitions, shape (n_coalition,), given as rows of flags, shape (n_coalition, n_storage).

        Raises
        ------
        InfeasibleError
            If a coalition, with the others outside, cannot be supplied; names it.
        """
        known = self._costs.setdefault(valued.key, {})
        nobody = np.zeros((1, coalitions.shape[1]), dtype=np.bool_)
        for coalition in np.concatenate([nobody, coalitions]):
            if coalition.tobytes() not in known:
                known[coalition.tobytes()] = self._cost_money(valued, coalition)
        costs = np.array([known[coalition.tobytes()] for coalition in coalitions])
        return np.asarray(known[nobody[0].tobytes()] - costs)

    def drawn_outside_mw(self, valued: ValuedDay, coalition: Flags) -> Array:
        """What storages outside a coalition draw, MW, shape (n_outside, n_step): as wanted, if carried.

        Raises
        ------
        InfeasibleError
            If nothing of theirs can be carried.
        """
        return self._carried(valued, coalition)[1]

    def _cost_money(self, valued: ValuedDay, coalition: Flags) -> float:
        """C* with a coalition pooled, what storages age, and the wear that owners outside bear."""
        dispatch, drawn_mw = self._carried(valued, coalition)
        outside = ~coalition
        discharged = dispatch.discharge_mw.sum(axis=1)
        discharged[outside] += np.maximum(-drawn_mw, 0.0).sum(axis=1)
        borne = float(valued.ageing_cost_per_mwh @ discharged)
        borne += float(np.array(self._outside(coalition).wear_cost_per_mwh) @ discharged[outside])
        return dispatch.cost_money + borne * self._dispatcher.shape.period_h

    def _outside(self, coalition: Flags) -> OwnStorages:
        """Storages that are not in a coalition."""
        named = zip(self._own.units, coalition, strict=True)
        return self._own.only([unit.name for unit, inside in named if not inside])

    def _carried(self, valued: ValuedDay, coalition: Flags) -> tuple[Dispatch, Array]:
        """The dispatch with a coalition pooled, and what those outside draw, moved off the grid's limits."""
        self.dispatches += 1
        inside, own = coalition.astype(float), self._outside(coalition)
        drawn_mw = valued.alone_mw[~coalition]
        opened = replace(valued.day, openings=Openings(inside * valued.moves, inside * valued.regulates))
        dispatch = self._dispatcher.attempt(self._loaded(opened, own, drawn_mw))
        if dispatch is None and own.units:
            initial = valued.day.initial_mwh[~coalition]
            changed = self._redispatch.changed(opened, drawn_mw, initial, own)
            if changed is not None:
                drawn_mw = changed
                dispatch = self._dispatcher.attempt(self._loaded(opened, own, drawn_mw))
        if dispatch is None:
            members = ", ".join(u.name for u, one in zip(self._own.units, coalition, strict=True) if one)
            raise InfeasibleError(
                f"agent {self._dispatcher.owner}: no dispatch supplies the loads with {members or 'nobody'} "
                "pooled and the others outside"
            )
        return dispatch, drawn_mw

    def _loaded(self, day: DispatchDay, own: OwnStorages, drawn_mw: Array) -> DispatchDay:
        n_bus = self._dispatcher.shape.feeder.n_bus
        return replace(day, load_p_mw=day.load_p_mw + own.at_buses(drawn_mw, n_bus))
