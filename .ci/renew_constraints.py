"""Renew constraints.txt: the newest releases that pyproject.toml allows, on every Python it names.

Run it from anywhere, with `python3.11`, `python3.12` and so on to be found. Test what it writes by `.ci/run`
before committing it.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# Releases with which gridarium is tested; renewed by `python .ci/renew_constraints.py`.
"""


def main() -> None:
    """Ask pip on every Python, and merge."""
    releases: dict[str, dict[str, str]] = defaultdict(dict)
    for python in pythons():
        for name, release in wanted(python).items():
            releases[name][python] = release
    lines = [line for name in sorted(releases) for line in constraints(name, releases[name])]
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n")


def pythons() -> list[str]:
    """The Pythons that pyproject.toml names, oldest first."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    found = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(classifiers), re.MULTILINE)
    return sorted(found, key=lambda version: int(version.split(".")[1]))


def wanted(python: str) -> dict[str, str]:
    """Releases by package that an installation of gridarium with all its extras would choose."""
    options = ["--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    command = [f"python{python}", "-m", "pip", "install", *options, f"{ROOT}[dev]"]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = [item["metadata"] for item in report["install"]]
    found = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in packages}
    del found["gridarium"]
    return found


def constraints(name: str, by_python: dict[str, str]) -> Iterator[str]:
    """Lines of one package: one for each of its releases, with the Pythons that take it."""
    runs = [(release, next(same)) for release, same in groupby(by_python, by_python.__getitem__)]
    for i, (release, first) in enumerate(runs):
        limits = [f'python_version >= "{first}"'] if i else []
        limits += [f'python_version < "{runs[i + 1][1]}"'] if i + 1 < len(runs) else []
        yield "; ".join([f"{name}=={release}", *filter(None, [" and ".join(limits)])])


if __name__ == "__main__":
    main()
