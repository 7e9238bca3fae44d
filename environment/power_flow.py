"""AC power flow of a feeder, all periods in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import PowerFlowError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridarium.environment.network import Feeder

    ComplexArray = NDArray[np.complex128]

_VA_PER_MVA = 1e6
# Short-circuit power of the source, VA: so stiff that its own voltage drop is below the rounding error.
_STIFF_VA = 1e20
# Newton's last step is quadratic, what is left is near 1e-12; tighter, rounding stalls feeders of 1000 buses.
_TOLERANCE_PU = 1e-9
_ITERATIONS = 30


@dataclass(frozen=True, eq=False)
class PowerFlow:
    """State of a feeder in every period.

    Parameters
    ----------
    vm_pu, va_degree : ndarray, shape (n_period, n_bus)
        Voltages, p.u. and degree; the angle is 0 at the substation.
    p_from_mw, q_from_mvar : ndarray, shape (n_period, n_branch)
        Power that enters the series element of a branch at the parent's end.
    p_to_mw, q_to_mvar : ndarray, shape (n_period, n_branch)
        Power that leaves it at the child's end; both positive away from the substation.
    i_pu : ndarray, shape (n_period, n_branch)
        Current of the series element on the child's base, p.u.
    p_slack_mw, q_slack_mvar : ndarray, shape (n_period,)
        Power that the substation injects, besides what is given to be injected at its bus.
    loss_mw : ndarray, shape (n_period,)
        Losses of series elements and of shunt conductances that are no loads.
    shunt_load_mw : ndarray, shape (n_period,)
        What the other shunt conductances draw: wards and shunts.
    """

    vm_pu: Array
    va_degree: Array
    p_from_mw: Array
    q_from_mvar: Array
    p_to_mw: Array
    q_to_mvar: Array
    i_pu: Array
    p_slack_mw: Array
    q_slack_mvar: Array
    loss_mw: Array
    shunt_load_mw: Array


class AcPowerFlow:
    """Newton-Raphson power flow by power-grid-model; built once for a feeder, then solved for many periods.

    Parameters
    ----------
    feeder : Feeder
        The feeder; its nominal loads play no part, injections are given to `solve`.

    Notes
    -----
    The same model as equation A13 (DistFlow) with equality in its cone, before any relaxation [1]_.

    References
    ----------
    .. [1] M. Baran, F. Wu, 1989, doi:10.1109/61.25627
    .. [2] Y. Xiang et al., power-grid-model, 2023, doi:10.5281/zenodo.8054429
    """

    def __init__(self, feeder: Feeder) -> None:
        from power_grid_model import PowerGridModel

        self.feeder = feeder
        self._turns = feeder.ratio * np.exp(1j * np.deg2rad(feeder.shift_degree))
        self._series_pu = 1.0 / (feeder.r_pu + 1j * feeder.x_pu)
        # The order of ids: buses, branches, injections, shunts, source.
        self._first_injection = feeder.n_bus + feeder.n_branch
        self._source_id = self._first_injection + 2 * feeder.n_bus
        self._model = PowerGridModel(
            {
                "node": self._nodes(),
                "generic_branch": self._branches(),
                "sym_gen": self._injections(),
                "shunt": self._shunts(),
                "source": self._source(),
            }
        )

    def solve(
        self, p_injection_mw: Array, q_injection_mvar: Array, head_vm_pu: Array | None = None
    ) -> PowerFlow:
        """Solve all periods.

        Parameters
        ----------
        p_injection_mw, q_injection_mvar : ndarray, shape (n_period, n_bus)
            Generation minus load at each bus, MW and Mvar.
        head_vm_pu : ndarray, shape (n_period,), optional
            Voltage of the substation, p.u.; that of the feeder by default.

        Returns
        -------
        PowerFlow
            Voltages, flows and losses.

        Raises
        ------
        PowerFlowError
            If the shapes are wrong, a value is not finite, or a period has no solution; names the periods.
        """
        injection_mva = self._checked(p_injection_mw, q_injection_mvar)
        v_pu = self._voltages(injection_mva, self._checked_head(head_vm_pu, len(injection_mva)))
        return self._flows(v_pu, injection_mva)

    def _nodes(self) -> Any:
        from power_grid_model import initialize_array

        nodes = initialize_array("input", "node", self.feeder.n_bus)
        nodes["id"] = np.arange(self.feeder.n_bus)
        nodes["u_rated"] = self.feeder.base_kv * 1e3
        return nodes

    def _branches(self) -> Any:
        from power_grid_model import initialize_array

        feeder = self.feeder
        child = np.arange(1, feeder.n_bus)
        base_ohm = feeder.base_kv[child] ** 2 / feeder.base_mva
        branches = initialize_array("input", "generic_branch", feeder.n_branch)
        branches["id"] = feeder.n_bus + np.arange(feeder.n_branch)
        branches["from_node"], branches["to_node"] = feeder.parent, child
        branches["from_status"] = branches["to_status"] = 1
        branches["r1"], branches["x1"] = feeder.r_pu * base_ohm, feeder.x_pu * base_ohm
        branches["g1"] = branches["b1"] = 0.0
        branches["k"], branches["theta"] = feeder.ratio, np.deg2rad(feeder.shift_degree)
        return branches

    def _injections(self) -> Any:
        from power_grid_model import LoadGenType, initialize_array

        injections = initialize_array("input", "sym_gen", self.feeder.n_bus)
        injections["id"] = self._first_injection + np.arange(self.feeder.n_bus)
        injections["node"] = np.arange(self.feeder.n_bus)
        injections["status"], injections["type"] = 1, LoadGenType.const_power
        injections["p_specified"] = injections["q_specified"] = 0.0
        return injections

    def _shunts(self) -> Any:
        from power_grid_model import initialize_array

        feeder = self.feeder
        buses = np.flatnonzero((feeder.g_bus_pu != 0.0) | (feeder.b_bus_pu != 0.0))
        base_siemens = feeder.base_mva / feeder.base_kv[buses] ** 2
        shunts = initialize_array("input", "shunt", len(buses))
        shunts["id"] = self._first_injection + feeder.n_bus + buses
        shunts["node"], shunts["status"] = buses, 1
        shunts["g1"], shunts["b1"] = (
            feeder.g_bus_pu[buses] * base_siemens,
            feeder.b_bus_pu[buses] * base_siemens,
        )
        return shunts

    def _source(self) -> Any:
        from power_grid_model import initialize_array

        source = initialize_array("input", "source", 1)
        source["id"] = self._source_id
        source["node"], source["status"] = 0, 1
        source["u_ref"], source["sk"] = self.feeder.slack_vm_pu, _STIFF_VA
        return source

    def _checked(self, p_injection_mw: Array, q_injection_mvar: Array) -> ComplexArray:
        powers = {"p_injection_mw": p_injection_mw, "q_injection_mvar": q_injection_mvar}
        wanted = (len(p_injection_mw), self.feeder.n_bus)
        for name, power in powers.items():
            if power.shape != wanted:
                message = f"{name} must have shape (n_period, n_bus) = {wanted}, got {power.shape}"
                raise PowerFlowError(f"power flow of {self.feeder.name}: {message}")
            if not np.isfinite(power).all():
                period, bus = np.argwhere(~np.isfinite(power))[0]
                place = (
                    f"power flow of {self.feeder.name}, period {period}, bus {self.feeder.bus_labels[bus]}"
                )
                raise PowerFlowError(f"{place}: {name} must be finite, got {power[period, bus]}")
        return p_injection_mw + 1j * q_injection_mvar

    def _checked_head(self, head_vm_pu: Array | None, n_period: int) -> Array | None:
        if head_vm_pu is None:
            return None
        place = f"power flow of {self.feeder.name}"
        if head_vm_pu.shape != (n_period,):
            message = f"head_vm_pu must have shape (n_period,) = ({n_period},), got {head_vm_pu.shape}"
            raise PowerFlowError(f"{place}: {message}")
        wrong = ~(np.isfinite(head_vm_pu) & (head_vm_pu > 0.0))
        if wrong.any():
            period = int(np.argmax(wrong))
            message = f"head_vm_pu must be finite and above 0 p.u., got {head_vm_pu[period]}"
            raise PowerFlowError(f"{place}, period {period}: {message}")
        return head_vm_pu

    def _voltages(self, injection_mva: ComplexArray, head_vm_pu: Array | None) -> ComplexArray:
        from power_grid_model import initialize_array
        from power_grid_model.errors import PowerGridError

        update = initialize_array("update", "sym_gen", injection_mva.shape)
        update["id"] = self._first_injection + np.arange(self.feeder.n_bus)
        update["p_specified"] = injection_mva.real * _VA_PER_MVA
        update["q_specified"] = injection_mva.imag * _VA_PER_MVA
        updates = {"sym_gen": update}
        if head_vm_pu is not None:
            source = initialize_array("update", "source", (len(injection_mva), 1))
            source["id"], source["u_ref"] = self._source_id, head_vm_pu[:, None]
            updates["source"] = source
        try:
            node = self._model.calculate_power_flow(
                update_data=updates,
                error_tolerance=_TOLERANCE_PU,
                max_iterations=_ITERATIONS,
                output_component_types={"node": ["u_pu", "u_angle"]},
            )["node"]
        except PowerGridError as error:
            periods = getattr(error, "failed_scenarios", ())
            raise PowerFlowError(self._failure(periods, injection_mva)) from error
        v_pu: ComplexArray = node["u_pu"] * np.exp(1j * node["u_angle"])
        return v_pu

    def _failure(self, periods: Any, injection_mva: ComplexArray) -> str:
        net_load_mw = -injection_mva.real.sum(axis=1)
        named = ", ".join(f"{period} (net load {net_load_mw[period]:.4g} MW)" for period in periods)
        return (
            f"power flow of {self.feeder.name}: no solution to {_TOLERANCE_PU:g} p.u. within {_ITERATIONS} "
            f"iterations in periods {named or 'unknown'}; this is more than the feeder can carry"
        )

    def _flows(self, v_pu: ComplexArray, injection_mva: ComplexArray) -> PowerFlow:
        feeder = self.feeder
        behind_pu, child_pu = v_pu[:, feeder.parent] / self._turns, v_pu[:, 1:]
        i_pu = (behind_pu - child_pu) * self._series_pu
        s_from_mva = behind_pu * i_pu.conj() * feeder.base_mva
        s_to_mva = child_pu * i_pu.conj() * feeder.base_mva
        vm_pu = np.abs(v_pu)
        shunt_mva = vm_pu**2 * (feeder.g_bus_pu - 1j * feeder.b_bus_pu) * feeder.base_mva
        shunt_load_mw = (vm_pu**2 * feeder.g_load_pu).sum(axis=1) * feeder.base_mva
        leaving_mva = s_from_mva[:, feeder.parent == 0].sum(axis=1)
        slack_mva = leaving_mva + shunt_mva[:, 0] - injection_mva[:, 0]
        return PowerFlow(
            vm_pu=vm_pu,
            va_degree=np.rad2deg(np.angle(v_pu)),
            p_from_mw=s_from_mva.real,
            q_from_mvar=s_from_mva.imag,
            p_to_mw=s_to_mva.real,
            q_to_mvar=s_to_mva.imag,
            i_pu=np.abs(i_pu),
            p_slack_mw=slack_mva.real,
            q_slack_mvar=slack_mva.imag,
            loss_mw=(s_from_mva - s_to_mva).real.sum(axis=1) + shunt_mva.real.sum(axis=1) - shunt_load_mw,
            shunt_load_mw=shunt_load_mw,
        )
