"""Arguments and options that several commands share, what they default to, and how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

DONE, FAILED, BAD_INPUT = 0, 1, 2
MAIN_JOB = "one-world"
"""What is run where no scenario is named."""

ScenarioArgument = Annotated[str, typer.Argument(help="A shipped scenario or a YAML file.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a field; may be repeated.")
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="A new or empty folder for the results.")
]
Workers = Annotated[
    int | None,
    typer.Option(help="Processes that run cases side by side; one for each processor by default."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Kind = Literal[
    "scenarios",
    "studies",
    "parts",
    "agents",
    "behaviours",
    "mechanisms",
    "papers",
    "functions",
    "benchmarks",
]
