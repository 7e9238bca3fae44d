"""Single bytes of a run folder altered at random, over all files: is each named with its file?"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from gridarium.experiments.benchmarks.outcome_file import OutcomeFile
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.verification.alterations import altered_bytes
from gridarium.experiments.verification.files import files

_SCENARIO, _CASE, _SEED = "adcef-small", "adcef", 20


def bench_alterations(count: int = 1000, first: int = 1, resume: Path | None = None) -> dict[str, float]:
    """Alter one byte after the other in the folder of a run, each in a file that is drawn like any other.

    Parameters
    ----------
    count, first : int
        How many bytes, and the first of them.
    resume : Path, optional
        Where outcomes are kept, from which a run that was broken off goes on.

    Returns
    -------
    dict
        Share of bytes that were named with their file and no other; shares of all that were named and whose
        file could not be read any more, or could.
    """
    study = load_scenario(_SCENARIO)
    kept = None if resume is None else OutcomeFile(resume)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        run(study, cases=[_CASE], out=folder)
        for draw in range(first, first + count):
            line = kept.line("alterations", draw, study.resolved()) if kept else None
            outcome = str(line["outcome"]) if line else _outcome(folder, draw)
            if kept and line is None:
                kept.add("alterations", draw, study.resolved(), {"outcome": outcome})
            found[outcome] += 1
    return {
        "bytes": float(count),
        "named_share": 1.0 - found["missed"] / count,
        "unreadable_share": found["unreadable"] / count,
        "readable_share": found["readable"] / count,
    }


def _outcome(folder: Path, draw: int) -> str:
    """What is said of one altered byte: missed, or that its file cannot be read any more, or can."""
    ((name, altered),) = altered_bytes(folder, 1, _SEED, draw)
    with altered():
        told = [one for one in files(folder) if not one.passed]
    if {one.subject for one in told} != {name}:
        return "missed"
    return "unreadable" if any("cannot be read" in one.said for one in told) else "readable"
