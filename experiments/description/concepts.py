"""The design concepts of a description, each read off the agents of a scenario and what they are made of."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from gridarium.agents.behaviour import Behaviour
from gridarium.experiments.description.docstrings import doc_of
from gridarium.experiments.description.entities import Kind
from gridarium.experiments.description.markdown import code, codes, heading, items
from gridarium.experiments.description.settings import rules_of
from gridarium.experiments.description.subject import Subject
from gridarium.experiments.names.message_types import message_types

_LEADING = "gridarium.agents.leading"
_FORECASTS = "gridarium.market.messages.forecasts"
_LEARNING = ("learn", "reinforce")
_TOGETHER = ("coalition", "pool", "aggregat")

_OBSERVED = (
    "tables hold what each agent tells of itself, by component, with the columns case, grid, agent and kind; "
    "all messages, payments and power flows are among them",
    "certificates say how far the outcome is from physics, balance and equilibrium; each of them can fail",
)


def concepts(subject: Subject) -> str:
    """The eleven concepts of the protocol, each with what stands for it in the scenario."""
    text = heading("4. Design concepts")
    for name, lines, none in (
        ("Basic principles", _principles(subject), "No paper and no mechanism is named."),
        (
            "Emergence",
            _emergence(subject.kinds),
            "Nothing is negotiated: all follows from plans and physics.",
        ),
        ("Adaptation", _adaptation(subject.kinds), "No agent is boundedly rational."),
        ("Objectives", _objectives(subject.kinds), "No agent solves an optimisation problem."),
        (
            "Learning",
            _learning(subject.kinds),
            "Nothing says of itself that it learns.",
        ),
        ("Prediction", _prediction(subject.kinds), "Nobody is asked for a forecast."),
        ("Sensing", _sensing(subject.kinds), "No agent hears anything."),
        ("Interaction", _interaction(subject.kinds), "No agent hears another one."),
        ("Stochasticity", _randomness(subject), "Nothing is drawn."),
        ("Collectives", _collectives(subject), "There are none."),
        ("Observation", _OBSERVED, ""),
    ):
        text += f"\n{heading(name, 3)}\n{items(lines) or none + chr(10)}"
    return text


def _principles(subject: Subject) -> Iterator[str]:
    for name, paper in subject.papers.items():
        yield f"{code(name)}: {paper.title}"
    for rule in rules_of(subject):
        yield f"{code(rule.field)} is {code(rule.name)}: {rule.meaning}"


def _emergence(kinds: Sequence[Kind]) -> Iterator[str]:
    """Who leads others by signals, and who deals with its like alone."""
    for kind in kinds:
        if any(_LEADING in reach.modules for reach in kind.reaches):
            yield f"signals of {kind.kind} and the answers to them, in rounds until they come to rest"
        by_others = {name for other in kinds if other is not kind for name in other.sent}
        heard = [message.__name__ for message in kind.heard]
        own = [name for name in heard if name in kind.sent and name not in by_others]
        if own and max(map(len, kind.names.values())) > 1:
            yield f"what agents of the kind {kind.kind} agree among themselves, by {codes(own)}"


def _adaptation(kinds: Iterable[Kind]) -> Iterator[str]:
    exact = []
    for kind in kinds:
        for behaviour, count in kind.behaviours.items():
            how = f"{code(behaviour.__name__)}. {doc_of(behaviour).summary}"
            yield f"{count} of {kind.count} {kind.kind}: {how}"
        if not kind.behaviours:
            exact.append(kind.kind)
    if exact:
        yield f"exact in all that they decide: {', '.join(dict.fromkeys(exact))}"


def _objectives(kinds: Iterable[Kind]) -> Iterator[str]:
    for kind in kinds:
        for posed in kind.problems:
            what = doc_of(importlib.import_module(posed.module)).summary
            yield f"{kind.kind}, {code(posed.module.rpartition('.')[2])}: {what}"


def _learning(kinds: Iterable[Kind]) -> Iterator[str]:
    """What agents are made of that says of itself that it learns."""
    for kind in kinds:
        names = dict.fromkeys(name for reach in kind.reaches for name in reach.own)
        said = {name.rpartition(".")[2]: doc_of(importlib.import_module(name)).summary for name in names}
        said |= {one.__name__: doc_of(one).summary for one in kind.behaviours}
        for name, text in said.items():
            if any(word in text.lower() for word in _LEARNING):
                yield f"{kind.kind}, {code(name)}: {text}"


def _together(kinds: Iterable[Kind]) -> Iterator[str]:
    """What agents are made of that says of itself that it is about several of them."""
    for kind in kinds:
        for each in kind.classes:
            said = doc_of(each).summary
            if any(word in said.lower() for word in _TOGETHER):
                yield f"{kind.kind}, {code(each.__name__)}: {said}"


def _prediction(kinds: Iterable[Kind]) -> Iterator[str]:
    for kind in kinds:
        for message, handler in kind.heard.items():
            if message.__module__ == _FORECASTS:
                yield f"{kind.kind} on {code(message.__name__)}: {doc_of(handler).summary}"
        for behaviour in kind.behaviours:
            if behaviour.foresee is not Behaviour.foresee:
                yield f"{kind.kind}, {code(behaviour.__name__)}: {doc_of(behaviour.foresee).summary}"


def _sensing(kinds: Iterable[Kind]) -> Iterator[str]:
    yield "an agent knows its own data, its own meters, and what it is told by messages; nothing else"
    for kind in kinds:
        if kind.heard:
            yield f"{kind.kind} hears {codes(sorted(one.__name__ for one in kind.heard), most=20)}"


def _interaction(kinds: Iterable[Kind]) -> Iterator[str]:
    """Messages by what they are about, with who sends and who hears them."""
    by_module: dict[str, list[str]] = defaultdict(list)
    for name, message in message_types().items():
        hearing = [kind.kind for kind in kinds if message in kind.heard]
        if hearing:
            senders = ", ".join(dict.fromkeys(kind.kind for kind in kinds if name in kind.sent)) or "others"
            line = f"{code(name)} ({senders} to {', '.join(dict.fromkeys(hearing))})"
            by_module[message.__module__].append(line)
    for module, lines in by_module.items():
        yield f"{doc_of(importlib.import_module(module)).summary} {'; '.join(lines)}"


def _randomness(subject: Subject) -> Iterator[str]:
    yield f"one root seed, {subject.scenario.seed}; each stream is spawned by the name of who draws"
    for kind in subject.kinds:
        if kind.streams:
            yield f"{kind.kind} may draw for {codes(kind.streams)}"
    links = subject.scenario.communication.model_dump(mode="json")
    drawn = {name: value for name, value in links.items() if isinstance(value, float) and value}
    if drawn:
        yield "links: " + ", ".join(f"{code(name)} {value:g}" for name, value in drawn.items())


def _collectives(subject: Subject) -> Iterator[str]:
    for grid in subject.built.world.grids:
        if grid.replicas > 1:
            yield f"grid {code(grid.name)} stands for {grid.replicas} equal ones"
    yield from _together(subject.kinds)
