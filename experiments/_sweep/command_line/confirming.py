"""`sweep confirm`: is the winner real?"""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

from experiments._sweep.command_line.asking import trusted
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.lease import refuse_if_held
from experiments._sweep.store.places import storage_folder
from experiments._sweep.views.words import clean, place
from experiments._sweep.watching import watching

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.derived.confirmation.refitting import Refitted
    from experiments._sweep.driving import Outcome
    from experiments._sweep.ledger.history import History
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment
    from experiments._sweep.sweep import Sweep


def confirm(arguments: argparse.Namespace) -> int:
    """Confirms a sweep, goes on confirming it, or shows what was confirmed."""
    from experiments._sweep.derived.finding import confirmations, searched_sweep
    from experiments._sweep.sweep import Sweep

    sweep = Sweep(sweep_folder(arguments.sweep, storage_folder(arguments.storage)))
    for each in (searched_sweep(sweep), *confirmations(sweep)):
        refuse_if_held(each.folder)  # before anything slow is imported
    from experiments._sweep.derived.confirmation.confirming import Request
    from experiments._sweep.derived.confirmation.confirming import confirm as confirmed_by
    from experiments._sweep.derived.confirmation.refitting import refit, refit_of

    options, trust = options_of(arguments, sweep), arguments.trust

    def observers(found: FoundExperiment) -> Any:
        return (lambda _: ()) if arguments.json else watching(found, here=options.here)

    request = Request(top=arguments.top, seeds=arguments.seeds, again=arguments.again, refit=arguments.refit)
    confirmed = trusted(lambda trust: confirmed_by(sweep, request, trusting(options, trust), observers), trust=trust)
    outcome, searched = confirmed.outcome, confirmed.sweep.folder.parent
    if confirmed.answer is None:
        assert outcome is not None  # noqa: S101 - what was made before has an answer
        said = sys.stderr if arguments.json else sys.stdout
        why = clean(outcome.why, lines=True)
        print(f"{place(confirmed.sweep.folder)} ended early ({outcome.reason}): {why}", file=said)
        print(f"go on with: sweep confirm {place(searched)}{' --refit' if arguments.refit else ''}", file=said)
        return outcome.code if outcome.reason == "time limit" else outcome.code or 1
    history, has_winner = Sweep(searched).history, confirmed.answer["winner"] is not None
    looks = len(history.looks)
    if not arguments.json:
        _show(confirmed.answer, history)
    wanted = arguments.refit and has_winner
    refitted = refit_of(confirmed.sweep)
    if wanted:
        made = confirmed.sweep
        refitted = trusted(lambda trust: refit(made, trusting(options, trust), observers), trust=trust)
    told = _refit_facts(refitted)
    if arguments.json:
        print(json.dumps({**confirmed.answer, "looks": looks, "refit": told}, indent=2))
    elif refitted is not None and refitted.checkpoint is not None:
        print(f"refit: {refitted.label} on training and validation data until epoch {refitted.epochs}, never measured")
        print(f"       checkpoint {place(refitted.checkpoint)}")
    if refitted is not None and refitted.outcome is not None and refitted.checkpoint is None:
        return _no_refit(refitted, refitted.outcome)
    return 0 if has_winner else 1


def _no_refit(refitted: Refitted, outcome: Outcome) -> int:
    """Says why a refit has not been made, and what to do."""
    folder, trial = refitted.sweep.folder, refitted.sweep.history.trials.get(0)
    if trial is not None and trial.ended:
        why = "its last checkpoint is gone or damaged" if trial.state == "completed" else clean(trial.why)
        print(f"the refit failed ({trial.state}): {why}", file=sys.stderr)
        print(f"to try it again, remove {place(folder)}", file=sys.stderr)
    else:
        print(f"the refit ended early ({outcome.reason}): {clean(outcome.why, lines=True)}", file=sys.stderr)
        print(f"go on with: sweep confirm {place(folder.parent.parent)} --refit", file=sys.stderr)
    return outcome.code or 1


def _refit_facts(refitted: Refitted | None) -> dict[str, Any] | None:
    if refitted is None:
        return None
    checkpoint = None if refitted.checkpoint is None else str(refitted.checkpoint)
    return {"label": refitted.label, "epochs": refitted.epochs, "checkpoint": checkpoint}


def options_of(arguments: argparse.Namespace, sweep: Sweep) -> RunOptions:
    """Where a sweep that is made of `sweep` runs; its data lie where those of `sweep` did."""
    from experiments._sweep.command_line.overriding import seconds, stall_timeout
    from experiments._sweep.derived.from_python import options_for

    return options_for(
        sweep,
        data_dir=arguments.data_dir,
        concurrent=arguments.concurrent,
        time_limit_s=seconds(arguments.time_limit),
        address=arguments.address,
        here=arguments.here,
        stall_timeout_s=stall_timeout(arguments.stall_timeout),
    )


def trusting(options: RunOptions, trust: bool) -> RunOptions:
    """The options, with whether the sweep is trusted."""
    return dataclasses.replace(options, trust=trust)


def _show(answer: dict[str, Any], history: History) -> None:
    from rich.console import Console

    from experiments._sweep.command_line.looking import WIDE
    from experiments._sweep.views.confirmation import confirmation_table, looks_line, overtaken

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(confirmation_table(answer, console.width))
    for note in (*answer["notes"], *overtaken(answer, history)):
        print(f"note: {clean(note)}")
    if history.looks:
        print(looks_line(len(history.looks)))
    print(clean(answer["answer"]))
