"""What tests of several folders begin with."""

from __future__ import annotations

import numpy as np

from gridarium.environment.network import Feeder

FREE_TO_RUN = tuple(f"gas_turbines.gas_turbine_{bus}.cost_fixed_per_h=0" for bus in (12, 25))
"""Units that cost nothing while idle: no commitment to search for, nor to revise and begin rounds anew."""


def two_buses(r_pu: float = 0.01, x_pu: float = 0.01) -> Feeder:
    """A substation and one load bus, on a base of 1 MVA."""
    one, nothing = np.ones(1), np.zeros(2)
    return Feeder(
        name="two buses",
        base_mva=1.0,
        bus_labels=(1, 2),
        base_kv=np.full(2, 10.0),
        parent=np.zeros(1, dtype=np.int64),
        branch_labels=("line",),
        r_pu=r_pu * one,
        x_pu=x_pu * one,
        ratio=one.copy(),
        shift_degree=np.zeros(1),
        g_bus_pu=nothing,
        b_bus_pu=nothing.copy(),
        i_max_pu=np.full(1, np.inf),
        p_load_mw=np.array([0.0, 1.0]),
        q_load_mvar=np.zeros(2),
        slack_vm_pu=1.0,
        x=np.arange(2.0),
        y=np.zeros(2),
    )
