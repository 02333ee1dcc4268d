"""`sweep replay`: a trial trained again, and compared with its record."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from experiments._sweep.command_line.asking import trusted
from experiments._sweep.command_line.confirming import options_of, trusting
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.places import storage_folder
from experiments._sweep.views.words import clean, place
from experiments._sweep.watching import watching

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.derived.replay.replaying import Replay
    from experiments._sweep.registry import FoundExperiment

ALIKE = ("equal", "within noise")
"""Verdicts that are as hoped."""


def replay(arguments: argparse.Namespace) -> int:
    """Trains a trial again, or goes on with that, and says whether it is the same."""
    from experiments._sweep.derived.replay.replaying import replay as replayed_by
    from experiments._sweep.sweep import Sweep
    from experiments._sweep.views.replay import replay_lines

    sweep = Sweep(sweep_folder(arguments.sweep, storage_folder(arguments.storage)))
    options = options_of(arguments, sweep)

    def observers(found: FoundExperiment) -> Any:
        return (lambda _: ()) if arguments.json else watching(found, here=options.here)

    def replayed_when(trust: bool) -> Replay:
        return replayed_by(sweep, arguments.trial, trusting(options, trust), observers)

    replayed = trusted(replayed_when, trust=arguments.trust)
    if replayed.answer is None:
        outcome = replayed.outcome
        assert outcome is not None  # noqa: S101 - what has ended has an answer
        why = f"{place(outcome.sweep.folder)} ended early ({outcome.reason}): {clean(outcome.why, lines=True)}"
        to = sys.stderr if arguments.json else sys.stdout
        print(f"{why}\ngo on with: sweep replay {place(sweep.folder)} {arguments.trial}", file=to)
        return outcome.code or 1
    if arguments.json:
        print(json.dumps(replayed.answer, indent=2))
    else:
        for line in replay_lines(replayed.answer):
            print(line)
    return 0 if replayed.answer["verdict"] in ALIKE else 1
