"""The details of a description: initialisation, input data, submodels."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from gridarium.experiments.checking.grid_tree import GridEntry, entries_of
from gridarium.experiments.description.docstrings import doc_of
from gridarium.experiments.description.markdown import code, codes, heading, items, table
from gridarium.experiments.description.reach import Posed
from gridarium.experiments.description.settings import parts_of, rules_of
from gridarium.experiments.description.subject import Subject
from gridarium.experiments.names.formatting import number, unit_in
from gridarium.experiments.names.message_types import message_types
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.reading.scenario_files import profile_path

_HEAD = "#"


def initialisation(subject: Subject) -> str:
    """What the scenario sets: every field of every part, with its unit; values of members side by side."""
    text = heading("5. Initialisation") + "\nEvery case starts from these values and the seed alone. "
    text += "Values of several members stand side by side in their order; what is left empty is not shown.\n"
    for name, entry in entries_of(subject.scenario).items():
        currency = (entry.place.currency or subject.scenario.currency).upper()
        if name:
            text += f"\n{heading(f'Grid {name} (money in {currency})', 3)}"
        for part, members, settings in parts_of(entry):
            text += f"\n{heading(part.field, 4)}\n{part.meaning}"
            text += f" Members: {codes(members)}.\n\n" if members else "\n\n"
            rows = ((code(one.field), one.said, unit_in(one.unit, currency)) for one in settings)
            text += table(("field", "value", "unit"), rows)
    return text


def input_data(subject: Subject) -> str:
    """Profiles and files that the scenario reads."""
    text = heading("6. Input data")
    for name, entry in entries_of(subject.scenario).items():
        text += f"\n{heading(f'Grid {name}', 3)}" if name else ""
        text += f"\n{_profiles(entry)}"
    return text


def _profiles(entry: GridEntry) -> str:
    scenario = entry.scenario
    path = profile_path(scenario.profiles)
    profiles = profiles_of(scenario)
    said = " ".join(_comments(path))
    text = (
        f"{code(scenario.profiles)}: {len(profiles.index)} rows of {profiles.period_h:g} h. {said}".rstrip()
    )
    if scenario.power_scale != 1.0:
        text += f" All powers times {number(scenario.power_scale)}."
    rows = []
    for column in scenario.profile_columns:
        values = profiles.column(column)
        rows.append(
            (code(column), *(number(float(one)) for one in (values.min(), values.mean(), values.max())))
        )
    others = [file.name for file in scenario.files if file != path]
    files = f"\nOther files: {codes(dict.fromkeys(others))}.\n" if others else ""
    return f"{text}\n\n{table(('column', 'least', 'mean', 'most'), rows)}{files}"


def _comments(path: Path) -> Iterator[str]:
    """Lines at the head of a file of profiles that say what it is."""
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if not line.startswith(_HEAD):
                return
            yield line.lstrip(_HEAD).strip()


def submodels(subject: Subject) -> str:
    """Local problems with their constraint families, rules, behaviours, and what messages say."""
    text = heading("7. Submodels") + "\n" + heading("Local problems", 3)
    problems: dict[str, tuple[Posed, list[str]]] = {}
    for kind in subject.kinds:
        for posed in kind.problems:
            problems.setdefault(posed.module, (posed, []))[1].append(kind.kind)
    for module, (posed, owners) in problems.items():
        text += f"\n{heading(module.rpartition('.')[2], 4)}\n{_problem(posed, owners)}"
    if not problems:
        text += "\nThere are none.\n"
    rules = (f"{code(rule.name)} ({code(rule.field)}): {rule.meaning}" for rule in rules_of(subject))
    behaviours = dict.fromkeys(one for kind in subject.kinds for one in kind.behaviours)
    bounded = (
        f"{code(one.__name__)}: {doc_of(one).summary} {doc_of(one).notes}".rstrip() for one in behaviours
    )
    heard = {message for kind in subject.kinds for message in kind.heard}
    messages = (
        f"{code(name)}: {doc_of(one).summary}" for name, one in message_types().items() if one in heard
    )
    for title, lines in (("Rules", rules), ("Bounded rationality", bounded), ("Messages", messages)):
        if shown := items(lines):
            text += f"\n{heading(title, 3)}\n{shown}"
    return text


def _problem(posed: Posed, owners: list[str]) -> str:
    """What a problem is, who solves it, where it is built, and its constraint families."""
    module = importlib.import_module(posed.module)
    lines = [f"solved by {', '.join(dict.fromkeys(owners))}; module {code(posed.module)}"]
    for name in posed.builders:
        doc = doc_of(getattr(module, name))
        lines.append(f"{doc.summary} {doc.notes}".rstrip())
    lines += [
        f"{name.strip('_').replace('_', ' ')}: {said}"
        for name in posed.families
        if (said := doc_of(getattr(module, name)).summary)
    ]
    return f"{doc_of(module).summary}\n\n{items(lines)}"
