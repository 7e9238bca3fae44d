"""Files that a study names, carried along in its folder, so that it means the same wherever that is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import with_files

FOLDER = "inputs"


def with_inputs(tree: Tree) -> tuple[Tree, dict[str, bytes]]:
    """Return a resolved study with the files of its user beside it, and what is in these files.

    Parameters
    ----------
    tree : dict
        A study of cases, or one of many runs with its scenario under `base`.

    Returns
    -------
    tree : dict
        With the path ``inputs/NAME`` in place of each absolute one whose file can be read.
    files : dict of str to bytes
        By these paths.
    """
    names: dict[str, str] = {}
    files: dict[str, bytes] = {}

    def carried(path: str) -> str:
        if path not in names:
            try:
                content = Path(path).read_bytes() if os.path.isabs(path) else None
            except OSError:
                # Only a file that has gone since it was read: the study then says where it was.
                content = None
            if content is None:
                return path
            names[path] = _new_name(Path(path), files)
            files[names[path]] = content
        return names[path]

    def copied(part: Any) -> Any:
        return with_files(part, carried, carried) if isinstance(part, dict) else part

    own = copied(tree)
    return (own | {"base": copied(tree["base"])} if "base" in tree else own), files


def _new_name(path: Path, taken: dict[str, bytes]) -> str:
    name, number = f"{FOLDER}/{path.name}", 1
    while name in taken:
        number += 1
        name = f"{FOLDER}/{path.stem}-{number}{path.suffix}"
    return name
