"""Carbon capture behind thermal units; what its solvent holds is a storage without losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyomo.environ as pyo

from gridarium.agents.problems.storage import lossless, storage_balance, storage_cycle
from gridarium.agents.problems.thermal_unit import Running
from gridarium.environment.thermal_unit import ThermalUnit


def declare_capture(m: Any, units: Sequence[ThermalUnit], running: Running, period_h: float) -> None:
    """0 <= A <= eta e PG, S_t = S_{t-1} + (A - EB) Dt, PGH = PG - sigma EB - on PD >= 0 (E1 to E4).

    The tank begins with ``m.tank_arriving_tco2`` and ends as the day began, but for what `tank_below_tco2`
    and `tank_above_tco2` tell.
    """
    unit, plant = {u.name: u for u in units}, {u.name: u.capture for u in units if u.capture}
    m.absorbed_tco2_per_h = pyo.Var(m.capture, m.period, bounds=(0, None))
    m.regenerated_tco2_per_h = pyo.Var(m.capture, m.period, bounds=(0, None))
    m.tank_tco2 = pyo.Var(
        m.capture, m.period, bounds=lambda m, i, t: (0, plant[i].tank_tco2), doc="solvent tank (tCO2)"
    )
    m.absorber = pyo.Constraint(
        m.capture,
        m.period,
        rule=lambda m, i, t: (
            m.absorbed_tco2_per_h[i, t]
            <= plant[i].efficiency * unit[i].emission_tco2_per_mwh * m.gross_mw[i, t]
        ),
    )

    def net(m: Any, i: str, t: int) -> Any:
        if i not in plant:
            return m.gross_mw[i, t]
        operation = plant[i].energy_mwh_per_tco2 * m.regenerated_tco2_per_h[i, t]
        return m.gross_mw[i, t] - operation - plant[i].fixed_mw * running.on(i, t)

    m.net_mw = pyo.Expression(m.unit, m.period, rule=net)
    m.no_negative_output = pyo.Constraint(m.capture, m.period, rule=lambda m, i, t: m.net_mw[i, t] >= 0)
    m.solvent = storage_balance(
        m.tank_tco2,
        (m.absorbed_tco2_per_h, m.regenerated_tco2_per_h),
        lossless,
        lambda i, t: m.tank_arriving_tco2[i, t],
        period_h,
        doc="solvent balance (tCO2)",
    )
    m.tank_below_tco2 = pyo.Var(m.capture, bounds=(0, None))
    m.tank_above_tco2 = pyo.Var(m.capture, bounds=(0, None))
    m.tank_cycle = storage_cycle(
        m.tank_tco2, lambda i: plant[i].tank_initial_tco2 - m.tank_below_tco2[i] + m.tank_above_tco2[i]
    )
