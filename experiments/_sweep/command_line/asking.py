"""Questions to whoever sits at the terminal; where nobody does, the refusal says which option answers them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

from experiments._sweep.errors import InputError
from experiments._sweep.start.changes import ChangedError
from experiments._sweep.start.trust import UntrustedError
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def trusted(work: Callable[[bool], T], *, trust: bool) -> T:
    """Does what may need `--trust`, and asks for it where the sweep may be somebody else's.

    Args:
        work: Does it; told whether the sweep is trusted.
        trust: Whether `--trust` was given.

    Raises:
        UntrustedError: It is needed and was not given.
    """
    try:
        return work(trust)
    except UntrustedError as refused:
        if not _answered():
            raise
        print(clean(str(refused), lines=True), file=sys.stderr)
        if not _agreed("Trust it?"):
            raise InputError("the sweep is not trusted, so nothing of it was run.") from None
        return work(True)


def accepted(work: Callable[[bool], T], *, yes: bool) -> T:
    """Does what may need `--yes`, and asks for it where something has changed; what has changed is always shown.

    Args:
        work: Does it; told whether changes are accepted.
        yes: Whether `--yes` was given.

    Raises:
        ChangedError: It is needed and was not given.
    """
    try:
        return work(False)
    except ChangedError as refused:
        if not yes and not _answered():
            raise
        shown = "\n  ".join(["changed since the sweep ran last:", *map(clean, refused.lines)])
        print(shown, file=sys.stdout if yes else sys.stderr, flush=True)
        if not yes and not _agreed("Go on with these changes?"):
            raise InputError("the changes were not accepted, and nothing was written. Undo them to resume.") from None
        return work(True)


def _answered() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):  # Ctrl+C or Ctrl+D: what is said next stands on a line of its own
            print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")
