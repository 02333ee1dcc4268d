"""`sweep run` and `sweep resume`: a sweep with its views, and how it ended."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from experiments._sweep.command_line.listing import asked, unless
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.records import LIMIT_REASONS, LIMITS
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.lease import refuse_if_held
from experiments._sweep.store.places import storage_folder
from experiments._sweep.views.words import clean, place
from experiments._sweep.watching import watching

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.driving import Outcome
    from experiments._sweep.ledger.history import History
    from experiments._sweep.options import RunOptions
    from experiments._sweep.sweep import Sweep


def run(arguments: argparse.Namespace) -> int:
    """Runs an experiment as a new sweep; with `--resume-if-exists` as the one that there is."""
    from experiments._sweep.start.starting import start_sweep

    found, options = asked(arguments)
    watch = watching(found, here=options.here)
    if not arguments.resume_if_exists:
        return _told(start_sweep(found, options, watch))
    from experiments._sweep.command_line.asking import accepted, trusted
    from experiments._sweep.start.rerunning import start_or_resume

    def go_on(trust: bool, accept: bool) -> Outcome:
        return start_or_resume(found, dataclasses.replace(options, trust=trust), watch, accept_changes=accept)

    def trusting(trust: bool) -> Outcome:
        return accepted(lambda accept: go_on(trust, accept), yes=arguments.yes)

    return _told(trusted(trusting, trust=arguments.trust))


def resume(arguments: argparse.Namespace) -> int:
    """Goes on with a sweep."""
    folder = sweep_folder(arguments.sweep, storage_folder(arguments.storage))
    if not arguments.take_over:
        refuse_if_held(folder)  # before anything slow is imported
    from experiments._sweep.command_line.asking import accepted, trusted
    from experiments._sweep.overrides import overridden
    from experiments._sweep.registry import from_source
    from experiments._sweep.start.resuming import finished, resume_sweep
    from experiments._sweep.start.trust import refuse_untrusted
    from experiments._sweep.sweep import Sweep

    sweep = Sweep(folder)
    if sweep.history.sweep.derived is not None:
        raise InputError(f"{place(folder)} is made of another sweep. {_going_on(sweep)}")
    options, limits = _options_again(sweep.history, arguments)
    done = finished(sweep, limits.get("num_trials"))
    if done is not None:
        return _told(done)

    trusted(lambda trust: refuse_untrusted(sweep, trust=trust), trust=arguments.trust)
    found = overridden(from_source(sweep.history.sweep.source), sweep.history.overrides | limits)

    def go_on(accept: bool) -> Outcome:
        watch = watching(found, here=options.here)
        return resume_sweep(sweep, found, options, watch, accept_changes=accept, take_over=arguments.take_over)

    return _told(accepted(go_on, yes=arguments.yes))


def _options_again(history: History, arguments: argparse.Namespace) -> tuple[RunOptions, dict[str, Any]]:
    """Where and how much, and the limits: what is not given is as the newest driver had it.

    Raises:
        InputError: With all that is wrong with what is given.
    """
    from experiments._sweep.command_line.overriding import options_from
    from experiments._sweep.start.resuming import as_before

    refused: list[InputError] = []
    options = options_from(arguments, lambda read: unless(refused, read))
    limits = unless(refused, lambda: limits_of(history, arguments))
    faults = [*(fault for each in refused for fault in each.faults), *options.faults()]
    if limits is None or faults:
        raise InputError(*faults)
    given = {name for name in ("keep", "stall_timeout") if getattr(arguments, name) is not None}
    return dataclasses.replace(as_before(options, history, but=given), limits=limits), limits


def _going_on(sweep: Sweep) -> str:
    """The command that goes on with a sweep in the folder of another."""
    derived, above = sweep.history.sweep.derived or {}, place(sweep.folder.parent)
    if derived["kind"] == "replay":
        return f"Go on with it by: sweep replay {above} {derived['trial']}"
    if derived["kind"] == "noise":
        return f"Go on with it by: sweep replay {place(sweep.folder.parent.parent)} {derived['trial']}"
    if derived["kind"] == "refit":
        return f"Go on with it by: sweep confirm {place(sweep.folder.parent.parent)} --refit"
    return f"Go on with it by: sweep confirm {above}"


def limits_of(history: History, arguments: argparse.Namespace) -> dict[str, Any]:
    """The limits that a resumed sweep has in place of those it began with: what was given now, or to resume before."""
    given = {name: value for name in LIMITS if (value := getattr(arguments, name, None)) is not None}
    if arguments.trials is not None:
        given["num_trials"] = _trials(arguments.trials, history.asks["num_trials"])
    return {**history.limits, **given}


def _trials(text: str, asked: int) -> int:
    """`200` trials in all, or `+50` more than are asked for now."""
    number = text.removeprefix("+")
    if not (number.isascii() and number.isdecimal()):
        raise InputError(
            f"--trials takes how many trials there are to be in all, such as 200, or how many more, such as +50; "
            f"got {text!r}."
        )
    return int(number) + (asked if text.startswith("+") else 0)


def extending(reason: str, sweep: str) -> str:
    """The command that takes a reached limit further."""
    options = {
        "target": "--target VALUE   (none takes the limit away)",
        "no improvement": "--patience-trials N   (none takes the limit away)",
        "finished": "--trials +N   (N trials more)",
    }
    return f"sweep resume {sweep} {options[reason]}"


def _told(outcome: Outcome) -> int:
    sweep = outcome.sweep
    if not outcome.driven:
        nothing_left = outcome.why or "nothing is left to do"
        ended = "has finished" if outcome.reason == "finished" else "has ended"
        print(f"{sweep.name} {ended}: {clean(nothing_left, lines=True)}.")
    elif outcome.reason != "finished":
        print(f"{sweep.name} ended early ({outcome.reason}): {clean(outcome.why, lines=True)}")
    elif outcome.code:
        print(f"{sweep.name}: {clean(outcome.why, lines=True)}")
    _summary(sweep)
    if outcome.reason in ("interrupted", "time limit", "fault"):
        print(f"go on with: sweep resume {place(sweep.folder)}")
    if outcome.reason in LIMIT_REASONS or not outcome.driven:
        print(f"extend it with: {extending(outcome.reason, place(sweep.folder))}")
    return outcome.code


def _summary(sweep: object) -> None:
    from experiments._sweep.views.summary import summary_lines

    for line in summary_lines(sweep):
        print(line)
