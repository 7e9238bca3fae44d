"""Published radial networks by name, and small ones with what is rare in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

_LINE = "NA2XS2Y 1x240 RM/25 12/20 kV"
_LOADS_MVA = (1 + 0.4j,) * 5
_SIMBENCH = (
    "1-LV-rural1--0-sw",
    "1-LV-rural2--0-sw",
    "1-LV-rural3--0-sw",
    "1-LV-semiurb4--0-sw",
    "1-LV-semiurb5--0-sw",
    "1-LV-urban6--0-sw",
    "1-MV-rural--0-sw",
    "1-MV-semiurb--0-sw",
    "1-MV-urban--0-sw",
    "1-MV-comm--0-sw",
)
_PUBLISHED = (
    "case33bw",
    "create_cigre_network_lv",
    "create_cigre_network_mv",
    "four_loads_with_branches_out",
    "simple_four_bus_system",
    "panda_four_load_branch",
    "create_kerber_landnetz_freileitung_1",
    "create_kerber_landnetz_freileitung_2",
    "create_kerber_landnetz_kabel_1",
    "create_kerber_landnetz_kabel_2",
    "create_kerber_dorfnetz",
    "create_kerber_vorstadtnetz_kabel_1",
    "create_kerber_vorstadtnetz_kabel_2",
    "kb_extrem_landnetz_freileitung",
    "kb_extrem_landnetz_kabel",
    "kb_extrem_dorfnetz",
    "ieee_european_lv_asymmetric",
)


def line_of_six(
    loads_mva: Sequence[complex] = _LOADS_MVA, labels: Sequence[int] = range(6), length_km: float = 5.0
) -> Any:
    """A line of six buses of 20 kV, of which each but the first has a load."""
    import pandapower

    net = pandapower.create_empty_network()
    for label in labels:
        pandapower.create_bus(net, 20.0, index=label)
    pandapower.create_ext_grid(net, labels[0])
    for near, far in pairwise(labels):
        pandapower.create_line(net, near, far, length_km, _LINE)
    for label, load in zip(labels[1:], loads_mva, strict=True):
        pandapower.create_load(net, label, load.real, load.imag)
    return net


def reactive_only_bus() -> Any:
    """A line on which one bus has no active load."""
    return line_of_six((1 + 0.4j, 1 + 0.4j, 1.5j, 1 + 0.4j, 1 + 0.4j))


def negative_load_bus() -> Any:
    """A line on which one load feeds in."""
    return line_of_six((1 + 0.4j, 1 + 0.4j, 1 + 0.4j, 1 + 0.4j, -0.8 + 0.5j))


def ward() -> Any:
    """A line with a ward at one bus."""
    import pandapower

    net = line_of_six()
    pandapower.create_ward(net, 3, 0.5, 0.3, 0.1, 0.05)
    return net


def _with_generators() -> Any:
    import pandapower.networks

    return pandapower.networks.create_cigre_network_mv(with_der="pv_wind")


_SMALL: dict[str, Callable[[], Any]] = {
    "a bus of reactive load alone": reactive_only_bus,
    "a load that feeds in": negative_load_bus,
    "a ward": ward,
    "cigre mv with generators": _with_generators,
}
NETWORKS: tuple[str, ...] = (*_SMALL, *_PUBLISHED, *_SIMBENCH)
"""Names of all networks."""


def write_flat_profile(folder: Path) -> Path:
    """Write a day on which loads, prices and carbon are the same in all hours."""
    rows = (f"2026-01-15T{hour:02d}:00:00+08:00,1.0,300.0,0.6" for hour in range(24))
    header = "time,load_mw,tou_price_per_mwh,grid_tco2_per_mwh"
    path = folder / "profile.csv"
    path.write_text("\n".join((header, *rows)), encoding="utf-8")
    return path


def saved_network(name: str, folder: Path) -> tuple[str, Any]:
    """What a scenario calls a network, and the network with its own power flow.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    folder : Path
        Where its file goes, for those that are known by none.
    """
    import pandapower

    net = network_of(name)
    source = _source(name, net, folder)
    pandapower.runpp(
        net, calculate_voltage_angles=True, tolerance_mva=1e-10, max_iteration=50, numba=False, init="dc"
    )
    return source, net


def source_of(name: str, folder: Path) -> str:
    """What a scenario calls a network; its file goes to the folder, for those that are known by none."""
    return name if _is_known(name) else _source(name, network_of(name), folder)


def _source(name: str, net: Any, folder: Path) -> str:
    import pandapower

    if _is_known(name):
        return name
    path = folder / "network.json"
    pandapower.to_json(net, str(path))
    return str(path)


def _is_known(name: str) -> bool:
    """Whether scenarios know a network by its name."""
    return name in _SIMBENCH or name == "case33bw"


def network_of(name: str) -> Any:
    """One of `NETWORKS`, as pandapower has it."""
    if name in _SMALL:
        return _SMALL[name]()
    if name in _SIMBENCH:
        import simbench

        return simbench.get_simbench_net(name)
    import pandapower.networks

    return getattr(pandapower.networks, name)()
