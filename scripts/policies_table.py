"""Writes README's tables of searchers and schedulers from the code: `python scripts/policies_table.py [--check]`."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _kept_section import keep_section
from ray import tune

from experiments import schedulers, searchers
from search_spaces import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- policies: written by scripts/policies_table.py -->", "<!-- end of the policies -->"
EPOCHS, TRIALS = 27, 64

SPACES = {
    "ranges": {"x": tune.uniform(0, 1)},
    "choices": {"x": tune.choice(["a", None, [1, 2]])},
    "branches": {"x": tune.choice([{"a": tune.randint(0, 3)}, {"a": tune.randint(5, 9)}])},
    "`grid_search`": {"x": tune.grid_search([1, 2])},
}
"""What a space may hold; whether a searcher takes it is asked of the searcher."""


def sections(value: object) -> dict[str, str]:
    """The parts of a policy's docstring: `does` (its first sentence), `use` and `paper`, each on one line."""
    text = inspect.cleandoc(type(value).__doc__ or "")
    parts = {"does": text.split("\n\n")[0]}
    for name, heading in (("use", "Use it"), ("paper", "Paper:")):
        found = re.search(rf"^{heading}(.+?)(?:\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL)
        parts[name] = found[1].strip() if found else "-"
    return {name: " ".join(part.split()) for name, part in parts.items()}


def row(cells: Iterator[str] | list[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def searcher_rows() -> Iterator[str]:
    """One row a searcher: what it takes of a space, as it says itself."""
    yield row(["searcher", "what it does", *SPACES, "use it", "paper"])
    yield row(["---"] * (4 + len(SPACES)))
    for name in searchers.names():
        value: Any = searchers.by_name(name)
        takes = ["-" if value.faults(SearchSpace(space)) else "yes" for space in SPACES.values()]
        told = sections(value)
        yield row([f"`{type(value).__name__}()`, `--search {name}`", told["does"], *takes, told["use"], told["paper"]])


def scheduler_rows() -> Iterator[str]:
    """One row a scheduler: what it does in a sweep of 64 trials and 27 epochs, as it says itself."""
    yield row(["scheduler", "what it does", f"with {TRIALS} trials of {EPOCHS} epochs", "use it", "paper"])
    yield row(["---"] * 5)
    for name in schedulers.names():
        value: Any = schedulers.by_name(name)
        told, words = sections(value), " ".join(value.in_words(EPOCHS, TRIALS))
        yield row(
            [f"`{type(value).__name__}()`, `--scheduler {name}`", told["does"], words, told["use"], told["paper"]]
        )


def tables() -> str:
    """Both tables."""
    return "\n".join(["", *searcher_rows(), "", *scheduler_rows(), ""])


if __name__ == "__main__":
    sys.exit(keep_section(README, f"{BEGIN}\n{tables()}\n{END}"))
