"""The part of a document between two marks that a script writes from the code."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def keep_section(document: Path, section: str) -> int:
    """Write a section anew, or with `--check` on the command line only tell the lines that differ; the exit code.

    Args:
        document: Has the section, or an older one, between its marks.
        section: The whole section; its first and last line are the marks.
    """
    begin, end = section.splitlines()[0], section.splitlines()[-1]
    head, present, tail = parted(document, begin, end)
    before, after = head + present + tail, head + section + tail
    if "--check" not in sys.argv[1:]:
        document.write_text(after, encoding="utf-8")
        return 0
    change = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    print("\n".join([*change, f"run: python {sys.argv[0]}"]) if change else f"{document.name} is right")
    return 1 if change else 0


def parted(document: Path, begin: str, end: str) -> tuple[str, str, str]:
    """Give a document in three parts: what stands before the section, the section with its marks, and what after it."""
    head, begun, rest = document.read_text(encoding="utf-8").partition(begin)
    section, ended, tail = rest.partition(end)
    if not begun or not ended:
        sys.exit(f"{document.name} has lost its marks {begin!r} and {end!r}")
    return head, begun + section + ended, tail
