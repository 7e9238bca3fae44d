"""Which metrics the claims of papers ask for, found by asking them before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from gridarium.environment.errors import Fault
from gridarium.experiments.claims.kinds import Evidence, NotMeasuredError
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.evidence.metric_names import declared_names, is_declared
from gridarium.experiments.scenario import Study


@dataclass(frozen=True)
class _Rehearsal(Evidence):
    """Evidence that says yes to everything, is 1 in every metric, and notes which were asked for."""

    asked: dict[str, None] = field(default_factory=dict)

    def has(self, *cases: str) -> bool:
        """Every case was run."""
        return True

    def metric(self, name: str, case: str) -> float:
        """Every metric is 1."""
        self.asked[name] = None
        return 1.0

    def of(self, table: str, case: str) -> pd.DataFrame:
        """No table has rows."""
        raise NotMeasuredError(f"no table of {table} before a run")

    def setting(self, case: str, *path: str) -> float:
        """Every setting is 1."""
        return 1.0

    def sweep(self, field: str) -> dict[str, float]:
        """Every field is swept."""
        return {"first": 1.0, "second": 2.0, "third": 3.0}


def claim_faults(study: Study, papers: Iterable[tuple[str, Paper]]) -> Iterator[Fault]:
    """Yield the metrics that claims ask for and that no scenario can have, each with a close one.

    A claim is asked with evidence in which every metric is 1; what it asks for after an error stays unknown.

    Parameters
    ----------
    study : Study
    papers : iterable of tuple of str and Paper
        By their names in scenarios.
    """
    for name, paper in papers:
        rehearsal = _Rehearsal(study, {}, {}, [])
        for claim in paper.claims:
            try:
                claim(rehearsal)
            # Whatever a claim makes of a world in which all is 1 is no verdict.
            except Exception:  # noqa: BLE001
                continue
        for metric in rehearsal.asked:
            if not is_declared(metric):
                close = difflib.get_close_matches(metric.rpartition(".")[2], declared_names(), n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                yield Fault(f"papers.{name}", metric, f"is no metric that a claim can ask for{hint}")
