"""Names of metrics in a study of a scenario, held against what its cases can measure before any runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gridarium.environment.errors import Fault
from gridarium.experiments.evidence.metric_names import hint, is_metric, names_in, possible_metrics
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.sweeps.bounded_price import EFFICIENCY_LOSS
from gridarium.experiments.sweeps.study_schema import StudyFile


def metric_faults(file: StudyFile, trees: Mapping[str, Sequence[Tree]]) -> Iterator[Fault]:
    """Yield the names that no case measures, each with a close one that is measured.

    Parameters
    ----------
    file : StudyFile
    trees : mapping of str to sequence of dict
        Each case as it is at some points of the design: factors may switch parts on.
    """
    everywhere = [tree for each in trees.values() for tree in each]
    asked = {f"metrics.{number}": (name, everywhere) for number, name in enumerate(file.metrics or ())}
    for number, one in enumerate(file.expected):
        if one.metric != EFFICIENCY_LOSS:
            asked[f"expected.{number}.metric"] = (one.metric, everywhere)
    if file.stop is not None and file.stop.case in trees:
        asked["stop.metric"] = (file.stop.metric, list(trees[file.stop.case]))
    for place, (name, where) in asked.items():
        possible = list(dict.fromkeys(each for tree in where for each in possible_metrics(tree)))
        if not is_metric(name, possible, {each for tree in where for each in names_in(tree)}):
            cases = "this case" if place == "stop.metric" else "the cases of this study"
            yield Fault(place, name, f"is no metric of {cases}{hint(name, possible)}")
