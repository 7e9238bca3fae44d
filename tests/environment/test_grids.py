"""Grids in a tree: power and carbon at the seams, against networks in which every copy is written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.environment.clock import Clock
from gridarium.environment.errors import NetworkError
from gridarium.environment.grids import Grid, PeriodState, Site
from gridarium.environment.network import Feeder
from gridarium.environment.world import World

FACTOR = 0.7  # tCO2/MWh of what comes in at the root


def tree(name: str, parent: Sequence[int], vm_pu: float = 1.0, seed: int = 0) -> Feeder:
    """A feeder of 10 kV on a base of 1 MVA; bus b + 1 hangs on ``parent[b]``."""
    n, random = len(parent), np.random.default_rng(seed)
    return Feeder(
        name=name,
        base_mva=1.0,
        bus_labels=tuple(range(1, n + 2)),
        base_kv=np.full(n + 1, 10.0),
        parent=np.array(parent, dtype=np.int64),
        branch_labels=tuple(f"line {branch}" for branch in range(n)),
        r_pu=random.uniform(0.002, 0.01, n),
        x_pu=random.uniform(0.002, 0.01, n),
        ratio=np.ones(n),
        shift_degree=np.zeros(n),
        g_bus_pu=np.zeros(n + 1),
        b_bus_pu=np.zeros(n + 1),
        i_max_pu=np.full(n, np.inf),
        p_load_mw=np.array([0.0, *np.ones(n)]),
        q_load_mvar=np.array([0.0, *np.full(n, 0.3)]),
        slack_vm_pu=vm_pu,
        x=np.arange(n + 1.0),
        y=np.zeros(n + 1),
    )


@dataclass
class Doings:
    """What stands at the buses of a grid: loads in MW and Mvar, sources in MW with their factors."""

    loads: dict[int, tuple[float, float]] = field(default_factory=dict)
    sources: dict[int, tuple[float, float]] = field(default_factory=dict)


class Everybody(GridAgent):
    """Does the same in each period."""

    def __init__(self, grid: Grid, doings: Doings) -> None:
        super().__init__(grid.head, "everybody")
        self.doings = doings
        self.drawn: list[float] = []

    def operate(self, period: int) -> None:
        p_mw, q_mvar = np.zeros((2, self.grid.feeder.n_bus))
        for bus, (p, q) in self.doings.loads.items():
            p_mw[bus], q_mvar[bus] = p, q
        self.grid.injections.draw(self.name, p_mw, q_mvar)
        for bus, (p, factor) in self.doings.sources.items():
            Site(self.grid, bus).supply(self.name, p, 0.0, factor)
        self.drawn.append(float(self.stream("behaviour").random()))


def lived(doings: dict[Grid, Doings], n_period: int = 1) -> World:
    """A world in which these grids have been lived on."""
    world = World(
        tuple(doings), Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0), n_period, 3600.0, 1
    )
    for grid, what in doings.items():
        Everybody(grid, what)
    for _ in range(n_period):
        world.step()
    return world


def root(feeder: Feeder, name: str = "bulk") -> Grid:
    return Grid(feeder, np.full(24, FACTOR), name=name)


def now(grid: Grid) -> PeriodState:
    return grid.states[-1]


DRAWING = Doings(loads={1: (0.3, 0.1), 2: (0.5, 0.2), 3: (0.4, 0.0)}, sources={2: (0.2, 0.1)})
FEEDING = Doings(loads={1: (0.3, 0.1), 2: (0.5, 0.2)}, sources={2: (1.6, 0.1), 3: (0.9, 0.05)})
ABOVE = Doings(loads={1: (0.6, 0.2), 2: (1.0, 0.3), 3: (0.5, 0.1)}, sources={1: (0.4, 0.9)})


def two_levels(below: Doings, replicas: int = 3, bus: int = 2) -> tuple[Grid, Grid]:
    """A feeder with equal feeders behind one of its buses."""
    upper = root(tree("upper", [0, 1, 1], seed=1))
    lower = Grid(tree("lower", [0, 1, 1], seed=2), name="r1", above=Site(upper, bus), replicas=replicas)
    lived({upper: ABOVE, lower: below})
    return upper, lower


@pytest.mark.parametrize("below", [DRAWING, FEEDING], ids=["drawing", "feeding"])
@pytest.mark.parametrize("replicas", [1, 3, 6])
def test_what_passes_a_head_stands_above_as_often_as_there_are_copies(below: Doings, replicas: int) -> None:
    upper, lower = two_levels(below, replicas)
    state, above = now(lower), now(upper)
    assert (state.exchange_mw > 0.0) == (below is DRAWING)
    assert above.below_mw.tolist() == [0.0, 0.0, replicas * state.exchange_mw, 0.0]
    supplied = sum(p for p, _ in ABOVE.sources.values())
    drawn = above.load_mw.sum() + replicas * state.exchange_mw + above.flow.loss_mw[0]
    assert above.exchange_mw + supplied == pytest.approx(drawn, abs=1e-9)
    # Reactive power passes the seam too: no shunt takes any, so the lines take what is not drawn.
    lines = float(upper.feeder.x_pu @ above.flow.i_pu[0] ** 2)
    q_drawn = sum(q for _, q in ABOVE.loads.values()) + replicas * state.flow.q_slack_mvar[0]
    assert above.flow.q_slack_mvar[0] == pytest.approx(q_drawn + lines, abs=1e-8)


def test_a_drawing_grid_has_the_intensity_of_the_bus_above() -> None:
    upper, lower = two_levels(DRAWING)
    seam = now(upper).intensity_tco2_per_mwh[2]
    assert now(lower).intensity_tco2_per_mwh[0] == pytest.approx(seam, rel=0.0, abs=1e-12)
    assert lower.head_t_per_h == pytest.approx([seam * now(lower).exchange_mw], rel=0.0, abs=1e-12)
    # It is neither that of the substation nor that of the source beside it.
    assert seam != pytest.approx(FACTOR, abs=1e-3)


def test_a_feeding_grid_passes_its_own_intensity_upward() -> None:
    upper, lower = two_levels(FEEDING)
    own, fed = now(lower).intensity_tco2_per_mwh[0], -now(lower).exchange_mw
    # Buses 2 and 3 send 1.1 and 0.9 MW to bus 1, which keeps 0.3 MW of what arrives.
    arrived = -float(now(lower).flow.p_from_mw[0, 1:].sum())
    sent = (1.1 * 0.1 + 0.9 * 0.05) * (1.0 - 0.3 / arrived)
    assert own == pytest.approx(sent / fed, abs=1e-9)
    assert lower.head_t_per_h == pytest.approx([-own * fed], rel=0.0, abs=1e-12)
    # The bus above takes it all and sends the rest to its parent: it has that same intensity.
    assert now(upper).intensity_tco2_per_mwh[2] == pytest.approx(own, rel=0.0, abs=1e-12)
    # What three feeders send covers everything: the root feeds back, and its head brings nothing.
    assert now(upper).exchange_mw < 0.0
    assert now(upper).head_t_per_h == 0.0


def test_the_bus_above_mixes_what_comes_from_both_sides() -> None:
    upper = root(tree("upper", [0, 1, 1], seed=1))
    lower = Grid(tree("lower", [0, 1, 1], seed=2), name="r1", above=Site(upper, 3))
    lived({upper: Doings(loads={3: (3.0, 0.5)}), lower: FEEDING})
    flow, fed = now(upper).flow, -now(lower).exchange_mw
    carbon = FACTOR * flow.p_from_mw[0, 0] + fed * now(lower).intensity_tco2_per_mwh[0]
    assert now(upper).intensity_tco2_per_mwh[3] == pytest.approx(carbon / 3.0, abs=1e-9)


def conserved(doings: dict[Grid, Doings]) -> None:
    """Each grid by itself, and all together: what sources put in, loads and what is fed back carry away."""
    emitted = carried = 0.0
    for grid in doings:
        state = now(grid)
        assert abs(state.residual_t_per_h) < 1e-9
        intensity = np.nan_to_num(state.intensity_tco2_per_mwh)
        emitted += grid.copies * float(state.source_t_per_h.sum())
        carried += grid.copies * float(intensity @ state.load_mw)
        if grid.above is None:
            carried += max(0.0, -state.exchange_mw) * intensity[0]
    assert carried == pytest.approx(emitted, abs=1e-8)


def three_levels(middle: Doings, leaf: Doings) -> dict[Grid, Doings]:
    """A system with four regions, and in each a feeder behind one bus, twice, and another, alone."""
    bulk = root(Feeder.copper_plate())
    region = Grid(
        replace(tree("region", [0, 1, 1], seed=3), slack_vm_pu=1.01), name="r", above=bulk.head, replicas=4
    )
    twins = Grid(tree("twin", [0, 1, 1], seed=4), name="twin", above=Site(region, 2), replicas=2)
    single = Grid(tree("single", [0, 0, 1], seed=5), name="single", above=Site(region, 3))
    return {
        single: DRAWING,
        bulk: Doings(loads={0: (3.0, 0.0)}, sources={0: (2.0, 0.0)}),
        twins: leaf,
        region: middle,
    }


LEVELS = {
    "drawing": (ABOVE, DRAWING),
    "leaves feed": (ABOVE, FEEDING),
    "all feed": (Doings(sources={3: (5.0, 0.4)}), FEEDING),
    "middle feeds": (Doings(loads={1: (0.2, 0.0)}, sources={1: (6.0, 0.3)}), DRAWING),
}


@pytest.mark.parametrize("case", LEVELS)
def test_carbon_is_conserved_over_three_levels(case: str) -> None:
    doings = three_levels(*LEVELS[case])
    lived(doings)
    conserved(doings)
    single, bulk, twins, region = doings
    assert [grid.copies for grid in doings] == [4, 1, 8, 4]
    below = 2 * now(twins).exchange_mw
    assert now(region).below_mw == pytest.approx([0.0, 0.0, below, now(single).exchange_mw])
    assert now(bulk).below_mw == pytest.approx([4 * now(region).exchange_mw])


@pytest.mark.parametrize("below", [DRAWING, FEEDING], ids=["drawing", "feeding"])
def test_carbon_is_conserved_over_two_levels(below: Doings) -> None:
    upper, lower = two_levels(below)
    conserved({upper: ABOVE, lower: below})


class Written:
    """A network in which every copy of every grid stands by itself: sharing solved densely, bus by bus."""

    def __init__(self, doings: dict[Grid, Doings]) -> None:
        self.rows: dict[tuple[Grid, int], int] = {}
        self.branches: list[tuple[int, int, float, float]] = []
        self.inflow: list[float] = []
        self.carbon: list[float] = []
        self.doings = doings
        for grid in doings:
            if grid.above is None:
                self._add(grid)

    def _add(self, grid: Grid) -> None:
        first, flow = len(self.inflow), now(grid).flow
        for bus in range(grid.feeder.n_bus):
            self.rows[grid, bus] = first + bus
            p, factor = self.doings[grid].sources.get(bus, (0.0, 0.0))
            self.inflow.append(p)
            self.carbon.append(p * factor)
        if grid.above is None:
            bought = max(0.0, now(grid).exchange_mw)
            self.inflow[first] += bought
            self.carbon[first] += bought * FACTOR
        for branch, parent in enumerate(grid.feeder.parent):
            ends = float(flow.p_from_mw[0, branch]), float(flow.p_to_mw[0, branch])
            self.branches.append((first + int(parent), first + branch + 1, *ends))
        for below in self.doings:
            if below.above is not None and below.above.grid is grid:
                for _ in range(below.replicas):
                    head = len(self.inflow)
                    power = now(below).exchange_mw
                    self.branches.append((first + below.above.bus, head, power, power))
                    self._add(below)

    def intensity(self) -> dict[tuple[Grid, int], float]:
        """By grid and bus, of the copy that was written last."""
        matrix, carbon = np.diag(self.inflow), np.array(self.carbon)
        for parent, child, p_parent, p_child in self.branches:
            if p_parent > 0.0:
                matrix[child, child] += p_child
                matrix[child, parent] -= p_parent
            else:
                matrix[parent, parent] -= p_parent
                matrix[parent, child] += p_child
        solved = np.linalg.solve(matrix, carbon)
        return {place: float(solved[row]) for place, row in self.rows.items()}


@pytest.mark.parametrize("case", LEVELS)
def test_intensities_are_those_of_a_network_with_every_copy_written_out(case: str) -> None:
    doings = three_levels(*LEVELS[case])
    lived(doings)
    for (grid, bus), expected in Written(doings).intensity().items():
        assert now(grid).intensity_tco2_per_mwh[bus] == pytest.approx(expected, rel=0.0, abs=1e-12)


def joined(upper: Feeder, lower: Feeder, bus: int, copies: int) -> Feeder:
    """One feeder: the buses of `upper`, then those of each copy of `lower`, whose head is at `bus`."""
    n, more = upper.n_bus, lower.n_bus - 1
    starts = [n - 1 + copy * more for copy in range(copies)]
    parents = [np.where(lower.parent == 0, bus, lower.parent + start) for start in starts]
    size = n + copies * more
    return replace(
        tree("joined", [0] * (size - 1), upper.slack_vm_pu),
        parent=np.concatenate([upper.parent, *parents]).astype(np.int64),
        r_pu=np.concatenate([upper.r_pu, *[lower.r_pu] * copies]),
        x_pu=np.concatenate([upper.x_pu, *[lower.x_pu] * copies]),
    )


@pytest.mark.parametrize("below", [DRAWING, FEEDING], ids=["drawing", "feeding"])
def test_power_is_that_of_one_feeder_with_every_copy_written_out(below: Doings) -> None:
    copies, bus = 3, 2
    upper, lower = tree("upper", [0, 1, 1], seed=1), tree("lower", [0, 1, 1], seed=2)
    whole = root(joined(upper, lower, bus, copies), "whole")
    everything = Doings(dict(ABOVE.loads), dict(ABOVE.sources))
    for copy in range(copies):
        start = upper.n_bus - 1 + copy * (lower.n_bus - 1)
        everything.loads |= {start + place: load for place, load in below.loads.items()}
        everything.sources |= {start + place: source for place, source in below.sources.items()}
    lived({whole: everything})
    one = now(whole)
    # The head of a grid keeps its own voltage: here the one that the bus above has in the joined feeder.
    top = root(upper)
    hung = Grid(
        replace(lower, slack_vm_pu=float(one.flow.vm_pu[0, bus])),
        name="r1",
        above=Site(top, bus),
        replicas=copies,
    )
    lived({top: ABOVE, hung: below})
    own, under = now(top), now(hung)
    n = upper.n_bus
    assert own.exchange_mw == pytest.approx(one.exchange_mw, abs=1e-7)
    assert own.flow.q_slack_mvar == pytest.approx(one.flow.q_slack_mvar, abs=1e-7)
    assert own.flow.vm_pu[0] == pytest.approx(one.flow.vm_pu[0, :n], abs=1e-8)
    assert own.flow.loss_mw[0] + copies * under.flow.loss_mw[0] == pytest.approx(
        one.flow.loss_mw[0], abs=1e-7
    )
    assert own.intensity_tco2_per_mwh == pytest.approx(one.intensity_tco2_per_mwh[:n], abs=1e-7)
    for copy in range(copies):
        start = n + copy * (lower.n_bus - 1)
        there = slice(start, start + lower.n_bus - 1)
        assert under.flow.vm_pu[0, 1:] == pytest.approx(one.flow.vm_pu[0, there], abs=1e-8)
        assert under.intensity_tco2_per_mwh[1:] == pytest.approx(one.intensity_tco2_per_mwh[there], abs=1e-7)


def test_copper_plates_by_hand() -> None:
    bulk = root(Feeder.copper_plate("bulk"))
    city = Grid(Feeder.copper_plate("city"), name="city", above=bulk.head, replicas=5)
    park = Grid(Feeder.copper_plate("park"), name="park", above=city.head, replicas=2)
    doings = {
        bulk: Doings(loads={0: (20.0, 0.0)}, sources={0: (10.0, 0.1)}),
        city: Doings(loads={0: (6.0, 0.0)}, sources={0: (1.0, 0.9)}),
        park: Doings(loads={0: (1.0, 0.0)}, sources={0: (3.0, 0.2)}),
    }
    lived(doings)
    # Two parks feed 2 MW each into a city, which draws the last of its 6 MW from above.
    assert [now(grid).exchange_mw for grid in doings] == pytest.approx([15.0, 1.0, -2.0])
    mixed = (15.0 * FACTOR + 10.0 * 0.1) / 25.0
    expected = [mixed, (1.0 * mixed + 1.0 * 0.9 + 4.0 * 0.2) / 6.0, 0.2]
    assert [float(now(grid).intensity_tco2_per_mwh[0]) for grid in doings] == pytest.approx(expected)
    assert [float(grid.head_t_per_h[0]) for grid in doings] == pytest.approx([15 * FACTOR, mixed, -0.4])
    conserved(doings)


def test_an_idle_grid_has_no_intensity_and_disturbs_nobody() -> None:
    upper, lower = two_levels(Doings())
    assert now(lower).exchange_mw == pytest.approx(0.0, abs=1e-12)
    alone = root(upper.feeder)
    lived({alone: ABOVE})
    assert now(upper).intensity_tco2_per_mwh == pytest.approx(now(alone).intensity_tco2_per_mwh, abs=1e-12)
    conserved({upper: ABOVE, lower: Doings()})


def test_another_grid_changes_no_random_stream_and_no_state_of_its_sisters() -> None:
    def lone(*, more: bool) -> tuple[World, Grid]:
        bulk = root(Feeder.copper_plate())
        first = Grid(tree("first", [0, 1, 1], seed=2), name="r1", above=bulk.head, replicas=2)
        doings = {bulk: Doings(loads={0: (1.0, 0.0)}), first: DRAWING}
        if more:
            doings = {Grid(tree("other", [0, 0, 0], seed=9), name="r0", above=bulk.head): DRAWING, **doings}
        return lived(doings, n_period=3), first

    (small, before), (large, after) = lone(more=False), lone(more=True)
    drawn = {world: {one.name: one.drawn for one in world.agents} for world in (small, large)}
    assert set(drawn[large]) - set(drawn[small]) == {"r0/everybody"}
    assert drawn[small]["r1/everybody"] == drawn[large]["r1/everybody"]
    assert drawn[small]["bulk/everybody"] == drawn[large]["bulk/everybody"]
    assert drawn[large]["r0/everybody"] != drawn[large]["r1/everybody"]
    assert before.exchange_mw.tolist() == after.exchange_mw.tolist()
    assert before.head_t_per_h == pytest.approx(after.head_t_per_h, rel=1e-12)


def test_names_are_relative_to_a_grid() -> None:
    bulk = root(Feeder.copper_plate())
    first = Grid(tree("first", [0]), name="r1", above=bulk.head)
    assert (first.named("dso"), first.local("r1/dso"), first.local("bulk/dso")) == (
        "r1/dso",
        "dso",
        "bulk/dso",
    )
    nameless = root(tree("only", [0]), name="")
    assert (nameless.named("dso"), nameless.local("dso")) == ("dso", "dso")


def test_meters_and_sites() -> None:
    _, lower = two_levels(DRAWING)
    assert lower.world.meters["r1/everybody"] == pytest.approx([1.2])
    assert lower.site(3).intensity_tco2_per_mwh(0) == now(lower).intensity_tco2_per_mwh[2]
    spread = lower.spread()
    assert spread.p_share == pytest.approx([0.0, *[1 / 3] * 3]) and spread.q_share == pytest.approx(
        [0.0, *[0.1] * 3]
    )
    some = lower.spread(np.array([0, 2, 3]))
    assert some.p_share == pytest.approx([0, 0, 0.5, 0.5]) and some.q_share == pytest.approx(
        [0, 0, 0.15, 0.15]
    )
    with pytest.raises(NetworkError, match=r"buses: got .*; must hold a bus with a nominal load above 0 MW"):
        lower.spread(np.array([0]))


def test_faults_of_a_grid() -> None:
    plate, factor = Feeder.copper_plate(), np.full(1, FACTOR)
    bulk = root(plate)
    for replicas in (0, -1):
        with pytest.raises(
            NetworkError, match=rf"grid r1: .*\n.*replicas: got {replicas}; must be 1 or more"
        ):
            Grid(plate, name="r1", above=bulk.head, replicas=replicas)
    with pytest.raises(NetworkError, match=r"replicas: got 2; .*1 where nothing stands above"):
        Grid(plate, factor, replicas=2)
    with pytest.raises(NetworkError, match="head_factor_tco2_per_mwh"):
        Grid(plate, factor, name="r1", above=bulk.head)
    with pytest.raises(NetworkError, match="head_factor_tco2_per_mwh") as caught:
        Grid(plate, name="r1", replicas=0)
    assert len(caught.value.faults) == 2
    with pytest.raises(NetworkError, match="9"):
        Grid(tree("first", [0]), factor).site(9)


def test_faults_of_a_tree() -> None:
    bulk, other = root(Feeder.copper_plate()), root(Feeder.copper_plate(), "other")
    hung = Grid(tree("first", [0]), name="r1", above=other.head)
    twin = Grid(tree("second", [0]), name="r1", above=bulk.head)
    clock = Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0)
    with pytest.raises(NetworkError, match=r"name: got 'r1'; must differ"):
        World((bulk, other, hung, twin), clock, 1, 0.0)
    with pytest.raises(NetworkError, match=r"r1: got 'other'; the grid above must be in the world too"):
        World((bulk, hung), clock, 1, 0.0)
    world = World((bulk, other, hung), clock, 1, 0.0)
    with pytest.raises(NetworkError, match=r"grids: got 'bulk, other, r1'; must be a single one"):
        _ = world.grid


def test_a_grid_keeps_the_head_voltage_that_it_is_given() -> None:
    bulk = root(Feeder.copper_plate())
    grid = Grid(tree("feeder", [0, 1], vm_pu=1.01), name="f", above=bulk.head)
    assert grid.head_vm_pu == 1.01
    grid.head_vm_pu = 1.04
    lived({grid: Doings(loads={2: (0.5, 0.1)}), bulk: Doings()})
    assert now(grid).flow.vm_pu[0, 0] == pytest.approx(1.04, abs=1e-12)
    assert now(bulk).flow.vm_pu[0, 0] == pytest.approx(1.0, abs=1e-12)
