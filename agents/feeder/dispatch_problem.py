"""The DSO's dispatch of a radial feeder: branch flows with cones, storage, turbines, renewables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.feeder.head_terms import PRICES_ALONE, HeadShape, declare_head_terms
from gridarium.agents.feeder.voltage_terms import (
    HEAD_SIGNALS,
    declare_compensators,
    declare_tap_changer,
    declare_travel,
    head_bounds,
)
from gridarium.agents.problems.carbon_capture import declare_capture
from gridarium.agents.problems.limits import apparent_power, at_most, at_most_while
from gridarium.agents.problems.storage import daily_storage, storage_cycle
from gridarium.agents.problems.thermal_unit import least_output, most_output
from gridarium.environment.network import Feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import ThermalUnit
from gridarium.environment.voltage_control import Compensator, TapChanger

DAY_SIGNALS = (
    "load_p_mw",
    "load_q_mvar",
    "buy_price",
    "sell_price",
    "carbon_price",
    "available_mw",
    "initial_mwh",
)
SIGNALS = (*DAY_SIGNALS, "on", "may_buy", "may_sell")
"""Of a dispatch at given commitment: which turbines run, and which ways energy may pass the head."""
RELAXED_SIGNALS = (*DAY_SIGNALS, "least_on", "spare_price", "may_buy", "may_sell")
"""Of a dispatch in which turbines may run in part, from some share on, at a price for what is beyond."""

END_SIGNALS = ("final_mwh",)
"""Of a shape that does not end as it began: what is to be in each storage at the end."""
CAPTURE_SIGNALS = ("tank_arriving_tco2",)
"""Of a shape whose turbines have capture plants: what solvent tanks hold at first."""

OPENING_SIGNALS = ("may_move", "may_regulate")
"""Of a shape whose storages open and close: whether each moves energy, and gives reactive power."""


@dataclass(frozen=True)
class Renewable:
    """A wind or solar plant behind an inverter.

    Parameters
    ----------
    name : str
    s_max_mva : float
        Rating of the inverter, MVA.
    mvar_per_mw : float, optional
        Reactive power that it always gives for each MW; by default that is for the dispatch to choose.
    """

    name: str
    s_max_mva: float
    mvar_per_mw: float | None = None


@dataclass(frozen=True)
class DispatchShape:
    """Everything that fixes the structure of a dispatch; what else it needs comes as signals.

    Parameters
    ----------
    feeder : Feeder
    turbines, storages, renewables : tuple
        The units, by kind.
    sites : tuple of (str, int)
        Bus index of each unit.
    wear_cost_per_mwh : tuple of (str, float)
        Cost of each MWh that a storage discharges.
    n_period : int
    period_h : float
    voltage_band_pu : tuple of float
    loading_max : float
        Share of a branch rating that may be used.
    import_limit_mw, export_limit_mw : float
    loss_price_per_mwh : float
        The small price on losses of branches and storages, so that free energy is not burnt in them.
    head : HeadShape
        What the supplier's terms bring beyond prices.
    opens_storages : bool
        Whether storages open and close by signals, so that one shape serves every choice of them.
    tap_changer : TapChanger, optional
        At the substation, whose voltage is a signal then; by default it has the feeder's own.
    compensators : tuple of Compensator
        Of reactive power; none by default.
    sets_ends : bool
        Whether what is to be in storages at the end is a signal; else it is what was at first.
    """

    feeder: Feeder
    turbines: tuple[ThermalUnit, ...]
    storages: tuple[StorageRatings, ...]
    renewables: tuple[Renewable, ...]
    sites: tuple[tuple[str, int], ...]
    wear_cost_per_mwh: tuple[tuple[str, float], ...]
    n_period: int
    period_h: float
    voltage_band_pu: tuple[float, float]
    loading_max: float
    import_limit_mw: float
    export_limit_mw: float
    loss_price_per_mwh: float
    head: HeadShape = PRICES_ALONE
    opens_storages: bool = False
    tap_changer: TapChanger | None = None
    compensators: tuple[Compensator, ...] = ()
    sets_ends: bool = False

    @property
    def further_signals(self) -> tuple[str, ...]:
        """Signals beyond those of every dispatch."""
        openings = OPENING_SIGNALS if self.opens_storages else ()
        ends = END_SIGNALS if self.sets_ends else ()
        tanks = CAPTURE_SIGNALS if self.captures else ()
        return (*self.head.signals, *openings, *ends, *tanks, *(HEAD_SIGNALS if self.tap_changer else ()))

    @property
    def captures(self) -> tuple[str, ...]:
        """Turbines with a capture plant."""
        return tuple(unit.name for unit in self.turbines if unit.capture)

    def storage_prices(self, unit: StorageRatings) -> tuple[float, float]:
        """What a MWh costs that a storage takes, and one that it gives, by its losses and its wear."""
        lost, wear = self.loss_price_per_mwh, dict(self.wear_cost_per_mwh)[unit.name]
        return lost * (1.0 - unit.efficiency_charge), wear + lost * (1.0 / unit.efficiency_discharge - 1.0)


def build_dispatch_model(shape: DispatchShape) -> Any:
    """The dispatch at a given commitment as a Pyomo model; powers in MW and Mvar, squared voltages in p.u.

    Squared currents are per unit on a base of 1 MVA, so that branch flows may stay in MW.

    Notes
    -----
    Equations C9 to C11 with loads given, A13 to A17 and A20.
    """
    m = _sets(shape, "dispatch")
    m.charging = pyo.Var(m.storage, m.period, domain=pyo.Binary)
    m.on = pyo.Var(m.turbine, m.period)
    _declare_rest(m, shape)
    return m


def build_relaxed_model(shape: DispatchShape) -> Any:
    """The dispatch with units that may run in part: what any commitment costs at least.

    What runs beyond the commitment has a price, money/h of a whole unit. Charge and discharge are not kept
    apart here: both at once pays only where prices are negative. A tap changer may take any ratio between
    what the signals allow, as far as it may travel in all.
    """
    m = _sets(shape, "relaxed commitment")
    m.charging = pyo.Var(m.storage, m.period, bounds=(0, 1))
    m.least_on, m.spare_price = pyo.Var(m.turbine, m.period), pyo.Var()
    m.on = pyo.Var(m.turbine, m.period, bounds=(None, 1))
    m.must_run = pyo.Constraint(m.turbine, m.period, rule=lambda m, g, t: m.on[g, t] >= m.least_on[g, t])
    _declare_rest(m, shape)
    if shape.tap_changer:
        declare_travel(m)
    spare = sum(m.on[key] - m.least_on[key] for key in m.on)
    m.cost_money.expr += shape.period_h * m.spare_price * spare
    return m


def _sets(shape: DispatchShape, name: str) -> Any:
    """A model with the sets and signals that both problems have."""
    m = pyo.ConcreteModel(name=name)
    m.labels = {
        "voltage_squared": [f"bus {label}" for label in shape.feeder.bus_labels],
        "current_squared": list(shape.feeder.branch_labels),
    }
    m.period = pyo.RangeSet(0, shape.n_period - 1)
    m.bus = pyo.RangeSet(0, len(shape.feeder.bus_labels) - 1)
    m.branch = pyo.RangeSet(0, len(shape.feeder.parent) - 1)
    m.turbine = pyo.Set(initialize=[unit.name for unit in shape.turbines], ordered=True)
    m.storage = pyo.Set(initialize=[unit.name for unit in shape.storages], ordered=True)
    m.renewable = pyo.Set(initialize=[unit.name for unit in shape.renewables], ordered=True)
    _declare_signals(m)
    return m


def _declare_rest(m: Any, shape: DispatchShape) -> None:
    _declare_substation(m, shape)
    _declare_turbines(m, shape)
    _declare_capture(m, shape)
    _declare_renewables(m, shape)
    _declare_storages(m, shape)
    _declare_openings(m, shape)
    if shape.compensators:
        declare_compensators(m, shape.compensators)
    _declare_branches(m, shape)
    if shape.tap_changer:
        declare_tap_changer(m)
    _declare_balances(m, shape)
    _declare_cost(m, shape)


def _declare_signals(m: Any) -> None:
    m.load_p_mw = pyo.Var(m.bus, m.period)
    m.load_q_mvar = pyo.Var(m.bus, m.period)
    m.buy_price = pyo.Var(m.period)
    m.sell_price = pyo.Var(m.period)
    m.carbon_price = pyo.Var(m.period)
    m.available_mw = pyo.Var(m.renewable, m.period)
    m.initial_mwh = pyo.Var(m.storage)
    m.may_buy, m.may_sell = pyo.Var(m.period), pyo.Var(m.period)


def _declare_substation(m: Any, shape: DispatchShape) -> None:
    """0 <= P_buy <= limit while it may buy, 0 <= P_sell <= limit while it may sell.

    Bought and sold at once is a plan for the net: it costs the same where both prices are equal, and more
    where import is the dearer one. Where export pays more than import costs, only one way may be open.
    """
    m.p_buy_mw = pyo.Var(m.period, bounds=(0, None), doc="import limit (MW)")
    m.p_sell_mw = pyo.Var(m.period, bounds=(0, None), doc="export limit (MW)")
    m.may_import = pyo.Constraint(
        m.period, rule=lambda m, t: m.p_buy_mw[t] <= shape.import_limit_mw * m.may_buy[t]
    )
    m.may_export = pyo.Constraint(
        m.period, rule=lambda m, t: m.p_sell_mw[t] <= shape.export_limit_mw * m.may_sell[t]
    )
    m.q_grid_mvar = pyo.Var(m.period)


def _declare_turbines(m: Any, shape: DispatchShape) -> None:
    """on Pmin <= P_g <= on Pmax, P_g^2 + Q_g^2 <= S_g^2, |Q_g| <= on S_g (A17), cost >= a P_g^2 (C9)."""
    unit = {turbine.name: turbine for turbine in shape.turbines}
    m.p_turbine_mw = pyo.Var(m.turbine, m.period, doc="turbine power (MW)")
    m.q_turbine_mvar = pyo.Var(m.turbine, m.period)

    def on(g: str, t: int) -> Any:
        return m.on[g, t]

    m.most_output = most_output(m.p_turbine_mw, lambda g: unit[g].p_max_mw, on)
    m.least_output = least_output(m.p_turbine_mw, lambda g: unit[g].p_min_mw, on)
    m.most_reactive = at_most_while(m.q_turbine_mvar, lambda g: unit[g].s_max_mva, on)
    m.least_reactive = pyo.Constraint(
        m.turbine, m.period, rule=lambda m, g, t: m.q_turbine_mvar[g, t] >= -unit[g].s_max_mva * on(g, t)
    )
    m.turbine_rating = apparent_power(lambda g: unit[g].s_max_mva, m.p_turbine_mw, m.q_turbine_mvar)
    curved = [name for name in unit if unit[name].cost_quadratic_per_mw2h > 0]
    m.curved_turbine = pyo.Set(initialize=curved, ordered=True)
    m.quadratic_cost_per_h = pyo.Var(m.curved_turbine, m.period, bounds=(0, None))
    m.turbine_cost = pyo.Constraint(
        m.curved_turbine,
        m.period,
        rule=lambda m, g, t: (
            unit[g].cost_quadratic_per_mw2h * m.p_turbine_mw[g, t] ** 2 <= m.quadratic_cost_per_h[g, t]
        ),
    )


def _declare_capture(m: Any, shape: DispatchShape) -> None:
    """What capture takes of turbines, of whose power the rest is fed in; the price of a tank is another's."""
    if not shape.captures:
        return
    m.capture = pyo.Set(initialize=list(shape.captures), ordered=True)
    m.tank_arriving_tco2 = pyo.Var(m.capture, m.period)
    declare_capture(m, shape.turbines, m.p_turbine_mw, lambda g, t: m.on[g, t], shape.period_h)


def _declare_renewables(m: Any, shape: DispatchShape) -> None:
    """0 <= P_r <= available, P_r^2 + Q_r^2 <= S_r^2 (A16), Q_r = k P_r where the power factor is fixed."""
    unit = {renewable.name: renewable for renewable in shape.renewables}
    m.p_renewable_mw = pyo.Var(m.renewable, m.period, bounds=(0, None))
    m.q_renewable_mvar = _reactive_power(m, m.renewable, unit)
    m.renewable_available = at_most(m.p_renewable_mw, m.available_mw)
    fixed = {name: one.mvar_per_mw for name, one in unit.items() if one.mvar_per_mw is not None}
    m.fixed_renewable = pyo.Set(initialize=list(fixed), ordered=True)
    m.power_factor = pyo.Constraint(
        m.fixed_renewable,
        m.period,
        rule=lambda m, r, t: m.q_renewable_mvar[r, t] == fixed[r] * m.p_renewable_mw[r, t],
    )
    m.inverter_rating = apparent_power(lambda r: unit[r].s_max_mva, m.p_renewable_mw, m.q_renewable_mvar)


def _declare_storages(m: Any, shape: DispatchShape) -> None:
    """0 <= P_ch <= Pmax U, 0 <= P_dis <= Pmax (1 - U), balance, band, E_T = E_0, inverter rating (A20)."""
    unit = {storage.name: storage for storage in shape.storages}
    m.p_charge_mw, m.p_discharge_mw = (
        pyo.Var(m.storage, m.period, bounds=lambda m, s, t: (0, unit[s].p_max_mw)) for _ in range(2)
    )
    m.energy_mwh = pyo.Var(
        m.storage, m.period, bounds=lambda m, s, t: unit[s].band_mwh, doc="stored energy (MWh)"
    )
    m.q_storage_mvar = _reactive_power(m, m.storage, unit)
    m.charge_exclusive = at_most_while(
        m.p_charge_mw, lambda s: unit[s].p_max_mw, lambda s, t: m.charging[s, t]
    )
    m.discharge_exclusive = at_most_while(
        m.p_discharge_mw, lambda s: unit[s].p_max_mw, lambda s, t: 1 - m.charging[s, t]
    )
    m.storage_rating = apparent_power(
        lambda s: unit[s].s_max_mva, m.p_charge_mw, m.p_discharge_mw, m.q_storage_mvar
    )
    m.storage_energy, m.storage_cycle = daily_storage(
        m.energy_mwh,
        (m.p_charge_mw, m.p_discharge_mw),
        lambda s: unit[s].efficiencies,
        lambda s: m.initial_mwh[s],
        shape.period_h,
    )
    if shape.sets_ends:
        m.final_mwh = pyo.Var(m.storage)
        m.del_component(m.storage_cycle)
        m.storage_cycle = storage_cycle(m.energy_mwh, lambda s: m.final_mwh[s])


def _declare_openings(m: Any, shape: DispatchShape) -> None:
    """P_ch, P_dis <= Pmax open, |Q| <= S open, where storages open and close: a closed one rests (A11)."""
    if not shape.opens_storages:
        return
    unit = {storage.name: storage for storage in shape.storages}
    m.may_move, m.may_regulate = pyo.Var(m.storage), pyo.Var(m.storage)
    m.open_charge, m.open_discharge = (
        at_most_while(power, lambda s: unit[s].p_max_mw, lambda s, t: m.may_move[s])
        for power in (m.p_charge_mw, m.p_discharge_mw)
    )

    def regulates(sign: float) -> Any:
        return pyo.Constraint(
            m.storage,
            m.period,
            rule=lambda m, s, t: sign * m.q_storage_mvar[s, t] <= unit[s].s_max_mva * m.may_regulate[s],
        )

    m.open_giving, m.open_drawing = regulates(1.0), regulates(-1.0)


def _reactive_power(m: Any, names: Any, units: Mapping[str, Renewable | StorageRatings]) -> Any:
    """-S <= Q <= S, Mvar."""
    return pyo.Var(names, m.period, bounds=lambda m, i, t: (-units[i].s_max_mva, units[i].s_max_mva))


def _declare_branches(m: Any, shape: DispatchShape) -> None:
    """v_j = v_i / k^2 - 2 (r P + x Q) + (r^2 + x^2) l, P^2 + Q^2 <= l v_i / k^2 (A13 to A15)."""
    feeder, (low, high) = shape.feeder, shape.voltage_band_pu
    r, x = feeder.r_pu / feeder.base_mva, feeder.x_pu / feeder.base_mva
    head = head_bounds(shape.voltage_band_pu, feeder.slack_vm_pu, shape.tap_changer is not None)
    m.voltage_squared = pyo.Var(
        m.bus,
        m.period,
        bounds=lambda m, n, t: head if n == 0 else (low**2, high**2),
        doc="voltage band (p.u. squared)",
    )
    limit = (shape.loading_max * feeder.i_max_pu * feeder.base_mva) ** 2
    m.current_squared = pyo.Var(
        m.branch,
        m.period,
        bounds=lambda m, b, t: (0, limit[b] if np.isfinite(limit[b]) else None),
        doc="current limit (p.u. squared on 1 MVA)",
    )
    m.p_branch_mw = pyo.Var(m.branch, m.period)
    m.q_branch_mvar = pyo.Var(m.branch, m.period)

    def sending(m: Any, b: int, t: int) -> Any:
        return m.voltage_squared[int(feeder.parent[b]), t] / float(feeder.ratio[b]) ** 2

    m.voltage_drop = pyo.Constraint(
        m.branch,
        m.period,
        rule=lambda m, b, t: (
            m.voltage_squared[b + 1, t]
            == sending(m, b, t)
            - 2 * (float(r[b]) * m.p_branch_mw[b, t] + float(x[b]) * m.q_branch_mvar[b, t])
            + float(r[b] ** 2 + x[b] ** 2) * m.current_squared[b, t]
        ),
    )
    m.branch_cone = pyo.Constraint(
        m.branch,
        m.period,
        rule=lambda m, b, t: (
            m.p_branch_mw[b, t] ** 2 + m.q_branch_mvar[b, t] ** 2
            <= m.current_squared[b, t] * sending(m, b, t)
        ),
    )


def _declare_balances(m: Any, shape: DispatchShape) -> None:
    """sum_k P_jk = P_ij - r l + p_j, the same for Q with x, at every bus (A13)."""
    feeder = shape.feeder
    children: dict[int, list[int]] = {}
    for branch, parent in enumerate(feeder.parent):
        children.setdefault(int(parent), []).append(branch)
    at: dict[int, list[str]] = {}
    for name, bus in shape.sites:
        at.setdefault(bus, []).append(name)

    def units(kind: Any, bus: int) -> list[str]:
        return [name for name in at.get(bus, []) if name in kind]

    compensators = {unit.name for unit in shape.compensators}
    fed_in = m.net_mw if shape.captures else m.p_turbine_mw

    def balance(m: Any, bus: int, t: int, active: bool) -> Any:
        flow = m.p_branch_mw if active else m.q_branch_mvar
        load = m.load_p_mw if active else m.load_q_mvar
        series = (feeder.r_pu if active else feeder.x_pu) / feeder.base_mva
        shunt = -feeder.g_bus_pu[bus] if active else feeder.b_bus_pu[bus]
        supply = float(shunt) * feeder.base_mva * m.voltage_squared[bus, t] - load[bus, t]
        if bus == 0:
            supply += (m.p_buy_mw[t] - m.p_sell_mw[t]) if active else m.q_grid_mvar[t]
        else:
            supply += flow[bus - 1, t] - float(series[bus - 1]) * m.current_squared[bus - 1, t]
        for name in units(m.turbine, bus):
            supply += (fed_in if active else m.q_turbine_mvar)[name, t]
        for name in units(m.renewable, bus):
            supply += (m.p_renewable_mw if active else m.q_renewable_mvar)[name, t]
        for name in units(m.storage, bus):
            supply += (
                m.p_discharge_mw[name, t] - m.p_charge_mw[name, t] if active else m.q_storage_mvar[name, t]
            )
        if not active:
            supply += sum(m.q_compensator_mvar[name, t] for name in units(compensators, bus))
        return sum(flow[branch, t] for branch in children.get(bus, [])) == supply

    m.active_balance = pyo.Constraint(
        m.bus, m.period, rule=lambda m, n, t: balance(m, n, t, True), doc="power balance (MW)"
    )
    m.reactive_balance = pyo.Constraint(
        m.bus, m.period, rule=lambda m, n, t: balance(m, n, t, False), doc="reactive power balance (Mvar)"
    )


def _declare_cost(m: Any, shape: DispatchShape) -> None:
    """Purchase + turbines + carbon + wear, and a small price on losses (C9 with loads given); head terms."""
    unit = {turbine.name: turbine for turbine in shape.turbines}
    purchase = sum(m.buy_price[t] * m.p_buy_mw[t] - m.sell_price[t] * m.p_sell_mw[t] for t in m.period)
    fuel = sum(
        (unit[g].cost_linear_per_mwh + m.carbon_price[t] * unit[g].emission_tco2_per_mwh)
        * m.p_turbine_mw[g, t]
        + unit[g].cost_fixed_per_h * m.on[g, t]
        for g in m.turbine
        for t in m.period
    ) + sum(m.quadratic_cost_per_h[key] for key in m.quadratic_cost_per_h)
    wear_price = dict(shape.wear_cost_per_mwh)
    wear = sum(wear_price[s] * m.p_discharge_mw[s, t] for s in m.storage for t in m.period)
    head = declare_head_terms(m, shape.head, shape.import_limit_mw)
    losses = shape.loss_price_per_mwh * lost_mw(m, shape)
    m.cost_money = pyo.Objective(expr=shape.period_h * (purchase + fuel + wear + losses + head))


def lost_mw(m: Any, shape: DispatchShape) -> Any:
    """What branches and storages lose in a model of a shape, MW in all periods together."""
    r = shape.feeder.r_pu / shape.feeder.base_mva
    line_losses = sum(float(r[b]) * m.current_squared[b, t] for b in m.branch for t in m.period)
    storage_losses = sum(
        (1.0 - storage.efficiency_charge) * m.p_charge_mw[storage.name, t]
        + (1.0 / storage.efficiency_discharge - 1.0) * m.p_discharge_mw[storage.name, t]
        for storage in shape.storages
        for t in m.period
    )
    return line_losses + storage_losses
