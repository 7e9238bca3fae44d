"""The overview of a description: purpose and patterns; entities, state variables and scales; processes."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.base import GridAgent
from gridarium.environment.clock import HOUR_S
from gridarium.environment.grids import Grid
from gridarium.experiments.description.docstrings import doc_of
from gridarium.experiments.description.entities import Kind
from gridarium.experiments.description.markdown import code, codes, heading, items, table
from gridarium.experiments.description.subject import Subject
from gridarium.experiments.results.case_differences import differences, listed

_PHASES = ("operate", "meter", "settle")
"""What agents do in a settlement period, in this order."""


def purpose(subject: Subject) -> str:
    """What the scenario is about, its cases, and the papers that it is held against."""
    scenario, study = subject.scenario, subject.study
    first = scenario.model_dump(mode="json")
    cases = [
        f"{code(name)}{_titled(case.title, study.title)}: "
        + (listed(differences(first, case.model_dump(mode="json"))) or "as described here")
        for name, case in study.cases.items()
    ]
    papers = [
        f"{code(name)}: {paper.title}; {len(paper.claims)} of its statements are judged by each run"
        for name, paper in subject.papers.items()
    ]
    text = heading("1. Purpose and patterns") + f"\n{study.title}. {scenario.description}\n"
    if papers:
        text += f"\nPatterns that it is held against:\n\n{items(papers)}"
    else:
        text += "\nIt is held against no paper; the certificates of a run say how far its outcome is from\n"
        text += "physics, balance and equilibrium.\n"
    if len(cases) > 1:
        text += "\nCases, which share their random draws, and the fields in which each differs:\n\n"
        text += items(cases)
    return text


def _titled(own: str, common: str) -> str:
    return f" ({own})" if own and own != common else ""


def entities(subject: Subject) -> str:
    """Grids, every kind of agent with its state, and the scales of space and time."""
    text = heading("2. Entities, state variables and scales") + "\n" + heading("Grids", 3) + "\n"
    text += table(
        ("grid", "stands at", "replicas", "buses", "operated by"),
        (_grid_row(subject, grid) for grid in subject.built.world.grids),
    )
    text += "\n" + heading("Agents", 3) + "\n"
    text += table(("kind", "agents", "is"), map(_kind_row, subject.kinds))
    text += "".join(f"\n{_entity(kind)}" for kind in subject.kinds)
    return text + f"\n{heading('Scales', 3)}\n{items(_scales(subject))}"


def _grid_row(subject: Subject, grid: Grid) -> tuple[object, ...]:
    above = grid.above
    place = (
        "an exogenous head"
        if above is None
        else f"bus {above.grid.feeder.bus_labels[above.bus]} of {above.grid.name}"
    )
    operator = subject.built.sections[grid.name].operator_name
    return (
        grid.name or "the only one",
        place,
        grid.replicas,
        f"{grid.feeder.n_bus} ({grid.feeder.name})",
        code(operator) if operator else "nobody",
    )


def _kind_row(kind: Kind) -> tuple[object, ...]:
    only = "" if kind.count else f" (only in {codes(kind.elsewhere, 3)})"
    most = max((sum(map(len, names.values())) for names in kind.elsewhere.values()), default=0)
    return f"{kind.kind}{only}", kind.count or most, doc_of(kind.agent_class).summary


def _entity(kind: Kind) -> str:
    """One kind of agent: what it is, where it stands, what it is made with, and what it keeps."""
    doc = doc_of(kind.agent_class)
    text = heading(f"{kind.kind}: {kind.agent_class.__name__}", 4) + f"\n{doc.summary}"
    text += f" {doc.notes}\n\n" if doc.notes else "\n\n"
    lines = [_standing(grid, names) for grid, names in kind.names.items()]
    lines += [
        f"only in case {code(case)}: {_standing(grid, names)}"
        for case, by_grid in kind.elsewhere.items()
        for grid, names in by_grid.items()
    ]
    lines.append(f"class: {code(f'{kind.agent_class.__module__}:{kind.agent_class.__name__}')}")
    lines += [f"made with {code(name)}: {said}" for name, said in doc.parameters.items()]
    lines += [f"keeps {line}" for each in _classes(kind) for line in doc_of(each).kept]
    return text + items(lines)


def _standing(grid: str, names: list[str]) -> str:
    return f"on {code(grid)}: {codes(names)}" if grid else codes(names)


def _classes(kind: Kind) -> Iterator[type]:
    """The class of a kind and those that it comes from, but what all agents share."""
    for each in kind.agent_class.__mro__:
        if issubclass(each, GridAgent) and each is not GridAgent:
            yield each


def _scales(subject: Subject) -> Iterator[str]:
    world = subject.built.world
    yield f"settlement periods: {world.n_period} of {world.period_h:g} h from {world.times[0].isoformat()}"
    ahead_h = world.delivery_s / HOUR_S
    yield f"clock: seconds, from {ahead_h:g} h before the first period on"
    yield "space: buses and branches of the grids; AC power flow, and carbon flow over all grids at once"
    yield f"units: MW, MWh, tCO2, p.u.; money in {subject.scenario.currency_code}"


def processes(subject: Subject) -> str:
    """What happens when: the order of a period, and the story of each kind of agent."""
    world = subject.built.world
    text = heading("3. Process overview and scheduling") + "\n"
    text += (
        "Agents act by themselves, as processes on one clock, and whenever a message arrives. In each "
        "settlement period the clock first runs up to its beginning; then all agents operate, in the order "
        f"in which they are listed; {world.settles_after_s:g} s into the period meters are read; power flow "
        "is solved from the leaves of the tree of grids to its roots, and carbon is traced over all of them; "
        "then all agents settle.\n\n"
    )
    for kind in subject.kinds:
        if lines := list(_acts(kind)):
            text += heading(f"{kind.kind}: {kind.agent_class.__name__}", 4) + f"\n{items(lines)}\n"
    return text


def _acts(kind: Kind) -> Iterator[str]:
    own = kind.agent_class
    if own.process is not GridAgent.process:
        yield f"by itself: {doc_of(own.process).summary}"
    for phase in _PHASES:
        if getattr(own, phase) is not getattr(GridAgent, phase):
            yield f"{phase}s: {doc_of(getattr(own, phase)).summary}"
    for message, handler in sorted(kind.heard.items(), key=lambda item: item[0].__name__):
        yield f"on {code(message.__name__)}: {doc_of(handler).summary}"
