"""All checks of a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.carbon import carbon
from gridarium.experiments.verification.certificates import certificates
from gridarium.experiments.verification.checks import Check, OfCase, checked
from gridarium.experiments.verification.devices import devices
from gridarium.experiments.verification.files import files
from gridarium.experiments.verification.followers import followers
from gridarium.experiments.verification.green_energy import green_energy
from gridarium.experiments.verification.ledgers import ledgers
from gridarium.experiments.verification.money import money
from gridarium.experiments.verification.power import power
from gridarium.experiments.verification.reading import read_what_is_left
from gridarium.experiments.verification.seams import seams
from gridarium.experiments.verification.trades import trades

CHECKS: tuple[Callable[[Result], Iterable[Check]], ...] = (ledgers, green_energy)
"""Each from what the folder holds."""

OF_CASES: dict[str, OfCase] = {
    "power": power,
    "carbon": carbon,
    "seams": seams,
    "money": money,
    "trades": trades,
    "devices": devices,
    "followers": followers,
    "certificates": certificates,
}
"""Each from the tables of one case and what the scenario says of it, by what it looks at."""


def verify(run_folder: str | Path) -> list[Check]:
    """Check a finished run from its folder: its files first, then what stands in them.

    Parameters
    ----------
    run_folder : str or Path

    Returns
    -------
    list of Check

    Raises
    ------
    RunFolderError
        If the folder holds no run.
    """
    folder = Path(run_folder)
    run, lost = read_what_is_left(folder)
    of_files = files(folder)
    named = {one.subject for one in of_files}
    return [*of_files, *(one for one in lost if one.subject not in named), *verify_content(run)]


def verify_content(run: Result) -> list[Check]:
    """Check what a run says, files apart."""
    found = [one for check in CHECKS for one in check(run)]
    for case in run.summary:
        for subject, look in OF_CASES.items():
            found += checked(run, case, subject, look)
    return found
