"""`sweep trials` and `sweep best`: what a sweep found. Reads the ledger only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.sweep import no_checkpoint, open_sweep

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.sweep import Sweep, Trial

WIDE = 1000
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""
TRIAL_KEYS = ("trial", "ending", "config", "value", "epoch", "epochs", "seconds")


def trials(arguments: argparse.Namespace) -> int:
    """All trials, the story of one, or the sweep as it goes on."""
    if arguments.watch:
        from experiments._sweep.command_line.watching import watch

        return watch(arguments)
    sweep = _opened(arguments)
    chosen = sweep.trials if arguments.trial is None else (_one(sweep, arguments.trial),)
    if arguments.json:
        told: Any = [{key: getattr(trial, key) for key in TRIAL_KEYS} for trial in chosen]
        if arguments.trial is not None:
            from experiments._sweep.views.story import story_facts

            facts = story_facts(sweep, arguments.trial)
            told = {**told[0], "why": chosen[0].why, "records": list(chosen[0].records), **facts}
        print(json.dumps(_finite(told), indent=2))
        return 0
    if arguments.trial is not None:
        from experiments._sweep.views.story import story_lines

        for line in story_lines(sweep, arguments.trial):
            print(line)
        return 0
    from rich.console import Console

    from experiments._sweep.views.tables import trials_table

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(trials_table(sweep))
    return 0


def best(arguments: argparse.Namespace) -> int:
    """The best trial at its best epoch."""
    from experiments._sweep.derived.finding import confirmation

    sweep = _opened(arguments)
    found = sweep.best
    if arguments.json:
        told = {**vars(found), "checkpoint": None if found.checkpoint is None else str(found.checkpoint)}
        print(json.dumps(_finite(told), indent=2))
        return 0
    from experiments._sweep.ledger.trial_history import flat
    from experiments._sweep.views.words import beside, clean, number, setting

    history = sweep.history.trials[found.trial]
    print(f"trial {found.trial} with {clean(found.metric)} {number(found.value)} at epoch {found.epoch}")
    config = flat(found.config)
    width = max(len(key) for key in config)
    for key, value in config.items():
        print(f"  {clean(key):<{width}}  {setting(value)}")
    if others := beside(history):
        print(f"also measured at epoch {found.epoch}: {others}")
    missing = no_checkpoint(sweep.history, history)
    print(f"checkpoint {found.checkpoint}" if found.checkpoint else f"no checkpoint: {missing}")
    if sweep.history.sweep.derived is None:
        print(_confirmed(sweep, confirmation(sweep)))
    return 0


def _confirmed(sweep: Sweep, confirmed: Sweep | None) -> str:
    """What a confirmation has found, or the command that makes one."""
    from experiments._sweep.views.confirmation import looks_line, overtaken
    from experiments._sweep.views.words import clean, place

    looks = sweep.history.looks
    used = [looks_line(len(looks))] if looks else []
    if confirmed is None or confirmed.history.answer is None:
        return "\n".join([f"not confirmed yet: sweep confirm {place(sweep.folder)}", *used])
    answer = confirmed.history.answer
    said = [f"confirmed by {place(confirmed.folder)}: {clean(answer['answer'])}", *used]
    return "\n".join([*said, *map(clean, overtaken(answer, sweep.history))])


def _opened(arguments: argparse.Namespace) -> Sweep:
    return open_sweep(arguments.sweep, storage=arguments.storage)


def _one(sweep: Sweep, number: int) -> Trial:
    if not 0 <= number < len(sweep.trials):
        last = len(sweep.trials) - 1
        there = f"trials 0 to {last}" if last >= 0 else "no trial yet"
        raise InputError(f"{sweep.name} has no trial {number}; it has {there}.")
    return sweep.trials[number]


def _finite(value: Any) -> Any:
    """NaN and the infinities, which JSON does not have, as texts."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
