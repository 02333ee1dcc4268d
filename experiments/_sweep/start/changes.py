"""What is not as it was when a sweep began: what cannot change within one, and what is asked about first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.records import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.start.state import State

FIXED = ("metric", "mode", "counts", "epochs", "scheduler", "seed")
"""What makes the trials of a sweep comparable with each other, and its proposals a function of its seed."""
FREE = (*LIMITS, "callbacks")
"""What may change without a question: how far a sweep goes, and who else is told."""
_LONGEST = 300


class ChangedError(InputError):
    """The experiment, its code or what it runs on has changed; `lines` tell how, one a change."""

    def __init__(self, lines: list[str]) -> None:
        """The changes, as `Changes.lines` has them."""
        told = "\n".join(f"  {line}" for line in lines)
        super().__init__(
            f"not all is as it was when the sweep ran last:\n{told}\nUndo it, or accept it with --yes (in Python: "
            "accept_changes=True); trials that have begun keep their configurations."
        )
        self.lines = lines


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The differences between two states."""

    refused: list[str] = field(default_factory=list)
    """What cannot change, a sentence each."""
    lines: list[str] = field(default_factory=list)
    """What can, once it is accepted: a line each, with then and now."""


def changes_between(then: State, now: State, sweep: str) -> Changes:
    """What has changed; `sweep` is what people know it by. What is `FREE` may change without a question."""
    refused = [
        f"{key} has changed since the sweep began: {was} then, {is_now} now. It cannot change within a sweep: undo the "
        f"change to resume, or start a new sweep, which can learn from this one: --learn-from {sweep}"
        for key, was, is_now in _different(then.asks, now.asks)
        if key.partition(".")[0] in FIXED
    ]
    lines = [
        f"{key}: then {was}, now {is_now}"
        for key, was, is_now in _different(then.asks, now.asks)
        if key.partition(".")[0] not in (*FIXED, *FREE)
    ]
    if then.code is not None and now.code is not None:
        lines += _code(then.code, now.code)
    return Changes(refused=refused, lines=[*lines, *_versions(then.versions, now.versions)])


def refusals(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as it was, a sentence each, where nothing of it may have changed."""
    return [
        f"{key} has changed since the sweep began: {was} then, {is_now} now. Undo the change, or start a new sweep."
        for key, was, is_now in _different(then, now)
    ]


def _different(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Key, what it was and what it is, as JSON; dicts are compared key by key."""
    for key in sorted({*then, *now}):
        was, is_now = then.get(key), now.get(key)
        if isinstance(was, dict) and isinstance(is_now, dict):
            inner = [name for name in sorted({*was, *is_now}) if was.get(name) != is_now.get(name)]
            yield from ((f"{key}.{name}", _short(was.get(name)), _short(is_now.get(name))) for name in inner)
        elif was != is_now:
            yield key, _short(was), _short(is_now)


def _code(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    gone = [f"{name} gone" for name in sorted({*then} - {*now})]
    new = [f"{name} new" for name in sorted({*now} - {*then})]
    changed = [f"{name} changed" for name in sorted({*then} & {*now}) if then[name] != now[name]]
    if found := [*changed, *new, *gone]:
        yield f"code of the trainable: {', '.join(found)}"


def _versions(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            yield f"{name}: then {then.get(name, 'not there')}, now {now.get(name, 'not there')}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
