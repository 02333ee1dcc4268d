"""What stands on a page: sections of sentences, figures, tables and commands, as texts that nobody has escaped yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.analysis.answer import Answer, Command
    from experiments._sweep.report.figures.drawing import Figure


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under a heading."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int] = frozenset()
    """Columns that stand at the right."""
    marked: frozenset[int] = frozenset()
    """Rows that are to be seen first."""
    caption: str = ""
    tall: bool = False
    """Whether it is scrolled in a box of its own, under a heading that stays."""
    folded: str = ""
    """What is shown in its place until it is opened; empty where it stands open."""


@dataclass(frozen=True, kw_only=True)
class Folded:
    """Something long, shown when it is opened."""

    title: str
    body: str = ""
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page."""

    name: str
    title: str
    text: Sequence[str] = ()
    answers: Sequence[Answer] = ()
    figures: Sequence[Figure] = ()
    short: str = ""
    """The title where there is no room for it."""
    key: Sequence[tuple[str, str]] = ()
    """What the colours of its figures mean: the class of a colour, and the words."""
    layout: str = ""
    """`two` or `three` figures beside each other where there is room; one below the other otherwise."""
    tables: Sequence[Table] = ()
    commands: Sequence[Command] = ()
    texts: Sequence[Folded] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A number and what it is."""

    value: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """All of it."""

    title: str
    kind: str
    """What kind of page it is, above its name."""
    name: str
    question: str = ""
    lead: Sequence[str] = ()
    """The answer, in a sentence or two."""
    state: str = ""
    """Whether the answer is confirmed."""
    standing: str = "open"
    """`good` where it is, `open` where it is not."""
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = ()
    footer: Sequence[str] = ()
