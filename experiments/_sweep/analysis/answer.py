"""One answer about a sweep: a sentence, what else is to be said, the facts behind it, and commands."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments._sweep.views.figures import figure

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Command:
    """Something to type."""

    text: str
    gives: str
    """What it does, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to one question. Its texts are those of the ledger: as hostile as what is in it."""

    question: str
    sentence: str
    more: tuple[str, ...] = ()
    """Further sentences."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the sentences say, in JSON's types."""
    commands: tuple[Command, ...] = ()


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: int, what: str) -> str:
    """`1 trial`, `3 trials`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """`42 %`; below one hundredth `under 1 %`."""
    return f"{share:.0%}".replace("%", " %") if share >= 0.01 or share == 0 else "under 1 %"


def told(value: Any) -> str:
    """A value of a hyperparameter, short."""
    if isinstance(value, float):
        return figure(value)
    return value if isinstance(value, str) else json.dumps(value)


def finite(value: Any) -> Any:
    """A value in JSON's types: NaN and the infinities, which JSON does not have, as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def as_sentence(text: str) -> str:
    """With a capital letter and an end."""
    end = "" if text.endswith((".", "?", "!")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def begun_small(text: str) -> str:
    """With a small first letter."""
    return text[:1].lower() + text[1:]


def pin(key: str, value: Any) -> str:
    """`--set KEY=VALUE`, read back as that very value; as one types it into a shell."""
    text = json.dumps(value)
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            text = value  # nothing else can be read in it
    return f"--set {shlex.quote(f'{key}={text}')}"
