"""The manifest of a folder: what became of what it holds, and the digest that stands beside it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"
"""Holds the digest of the manifest as `sha256sum --check` reads it."""


def mark_finished(folder: Path) -> None:
    """State in the manifest of a run folder what became of the run: finished, failed, or still unfinished.

    It has failed with one of its cases or tables; without a figure it is unfinished.
    """
    facts = json.loads((folder / MANIFEST).read_bytes())
    is_failed = facts.get("failed") or facts.get("not_written")
    update_manifest(
        folder, status="failed" if is_failed else "unfinished" if facts.get("not_drawn") else "finished"
    )


def update_manifest(folder: Path, **facts: Any) -> None:
    """State facts in the manifest of a folder; None takes one away. A digest beside it is renewed."""
    found = {**json.loads((folder / MANIFEST).read_bytes()), **facts}
    content = json_bytes({name: value for name, value in found.items() if value is not None})
    replace_file(folder / MANIFEST, content)
    if (folder / DIGEST).exists():
        put_digest(folder)


def put_digest(folder: Path) -> None:
    """Write the digest of the manifest beside it."""
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    replace_file(folder / DIGEST, f"{digest}  {MANIFEST}\n".encode())


def told_digest(folder: Path) -> str:
    """Return the digest that stands beside the manifest; "" without one.

    Raises
    ------
    ValueError
        If the file is no line of `sha256sum`.
    """
    if not (folder / DIGEST).is_file():
        return ""
    line = (folder / DIGEST).read_bytes().decode("ascii")
    digest = line[:64]
    if line != f"{digest}  {MANIFEST}\n" or set(digest) - set("0123456789abcdef"):
        raise ValueError(f"must be a digest of 64 characters, two blanks and {MANIFEST}")
    return digest


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that readers see its old or its new content, never a part of it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def json_bytes(value: object) -> bytes:
    """Return JSON with nan and infinities as null, which JSON has no numbers for."""
    return (json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(value: object) -> object:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
