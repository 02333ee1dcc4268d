"""Text that somebody else wrote, as Markdown that shows it and does nothing: no HTML, no link, no picture."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

_MEANINGFUL = re.compile(r"[\\`*_\[\]#|~$@<>&!]|(?<=www)\.|:(?=//)")
"""What means something within a line; the last two make links of bare addresses."""

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def prose(text: str) -> str:
    """Text for the middle of a line, with everything in it escaped that could mean something."""
    shown = clean(" ".join(text.split()))
    return _MEANINGFUL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), shown)


def code(value: Any, *, in_table: bool = False) -> str:
    """A name or a value in the type of code, in which nothing has a meaning but the backticks around it."""
    shown = clean(value if isinstance(value, str) else json.dumps(value)) or "(empty)"
    if in_table:
        shown = shown.replace("|", "\\|")  # the only way, and taken away before the rest is looked at
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns without a heading, whose cells are Markdown already."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {left} | {right} |" for left, right in rows)])
