"""Everything a run left, read from its folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridarium.environment.errors import Fault, InputError, ScenarioError
from gridarium.experiments.names.formatting import currency_code
from gridarium.experiments.reading.plain_yaml import Tree, parse_yaml
from gridarium.experiments.results.records import Certificate, Claim
from gridarium.experiments.results.table_files import read_tables

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 3
"""Of a folder's names of tables, fields, metrics and columns; 1, with currencies in them, is not written."""


class RunFolderError(InputError):
    """A folder that cannot take a run, or that holds none."""


@dataclass(frozen=True)
class Result:
    """Everything a run left.

    Parameters
    ----------
    summary : dict
        Metrics by case; their names carry units.
    certificates, claims : list
        What the run proved about itself, and about the papers' statements.
    scenario : dict
        The resolved study; `cases` holds what each case has beyond the rest.
    manifest : dict
        Versions, platform, seed, times, status.
    tables : mapping of str to DataFrame
        Tidy tables, each with a column `case`.
    path : Path or None
        The run folder; None for a run that was kept in memory.
    """

    summary: dict[str, dict[str, float]]
    certificates: list[Certificate]
    claims: list[Claim]
    scenario: Tree = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    path: Path | None = None

    @property
    def passed(self) -> bool:
        """Whether every case ran to its end, every hard certificate passed, and nothing is missing."""
        flawed = self.failed or self.manifest.get("not_drawn") or self.manifest.get("not_written")
        return not flawed and all(one.passed for one in self.certificates if one.hard)

    @property
    def failed(self) -> dict[str, str]:
        """What ended cases that did not run to their end, by case."""
        return dict(self.manifest.get("failed", {}))

    @property
    def currency_code(self) -> str:
        """Code of the currency of all its money, as people read it."""
        return currency_code(self.scenario)

    def table(self, name: str) -> pd.DataFrame:
        """Return one table.

        Raises
        ------
        RunFolderError
            If the run has no such table.
        """
        if name not in self.tables:
            allowed = f"must be one of {', '.join(self.tables)}"
            raise RunFolderError(str(self.path or "run"), [Fault("table", name, allowed)])
        return self.tables[name]


def read_run(path: str | Path) -> Result:
    """Read a run folder.

    Raises
    ------
    RunFolderError
        If the folder holds no run, one whose files are damaged, or one of another version's names.
    """
    folder = Path(path)
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        if other := other_format(manifest):
            raise RunFolderError(str(folder), [Fault("run folder", str(folder), other)])
        summary = json.loads((folder / "summary.json").read_bytes())
        scenario = parse_yaml((folder / "scenario.yaml").read_text(encoding="utf-8"), str(folder))
        certificates = json.loads((folder / "certificates.json").read_bytes())
        claims = json.loads((folder / "claims.json").read_bytes())
        tables = read_tables(folder / "tables")
        if missing := set(manifest["tables"]) - set(tables):
            raise ValueError(f"without its tables {', '.join(sorted(missing))}")
        return Result(
            summary={
                case: {name: _number(value) for name, value in row.items()} for case, row in summary.items()
            },
            certificates=[Certificate(**_with_numbers(row, "value", "tolerance")) for row in certificates],
            claims=[Claim(**row) for row in claims],
            scenario=scenario if isinstance(scenario, dict) else {},
            manifest=manifest,
            tables=tables,
            path=folder,
        )
    except (OSError, ValueError, TypeError, AttributeError, KeyError, ScenarioError) as error:
        allowed = f"must be a folder that gridarium run left ({error})"
        raise RunFolderError(str(folder), [Fault("run folder", str(folder), allowed)]) from error


def other_format(manifest: Mapping[str, Any]) -> str | None:
    """Say which gridarium left a folder whose names are not those of this one; None if they are."""
    found = manifest.get("format", 1)
    if found == FORMAT or "gridarium" not in manifest:
        return None
    left = f"was left by gridarium {manifest['gridarium']}"
    if found == 1:
        return f"{left}, whose names carry currencies (price_cny_per_mwh): read it with that version"
    return f"{left} in format {found}, this version reads format {FORMAT}: read it with that version"


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _with_numbers(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return row | {name: _number(row[name]) for name in names}
