"""Writes the tables of docs/experiments.md from the sweeps' ledgers: `python scripts/experiments_page.py [NAME ...]`.

Only a finished sweep counts that asked what the experiment's commands ask now. Of an experiment without one the present
line stays, and that is said. `--check` changes nothing and exits 1 with the lines that differ from what the sweeps say.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from _kept_section import keep_section, parted  # noqa: E402 - beside this file
from _measured_experiments import COMMANDS, PUBLISHED  # noqa: E402 - the same

from experiments import InputError, Sweep, open_sweep  # noqa: E402 - the checkout's own, installed or not
from experiments._sweep.command_line.listing import asked  # noqa: E402 - the same
from experiments._sweep.command_line.parser import parse  # noqa: E402 - the same
from experiments._sweep.derived.confirmation.confirming import SEEDS, TOP  # noqa: E402 - the same
from experiments._sweep.derived.finding import confirmation  # noqa: E402 - the same
from experiments._sweep.ledger.records import LIMIT_REASONS  # noqa: E402 - the same
from experiments._sweep.views.figures import interval  # noqa: E402 - the same
from experiments._sweep.views.words import counts, duration, number  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAGE = REPOSITORY / "docs" / "experiments.md"
BEGIN, END = "<!-- results: written by scripts/experiments_page.py -->", "<!-- end of the results -->"
FOUND = ("experiment", "the search's best", "confirmed, 95 % interval", "its winner", "the defaults", "commands")
TOOK = ("experiment", "search", "trials", "epochs trained", "search took", "confirmation", "machine")
NONE = "-"


class NotThereError(Exception):
    """There is no sweep of an experiment that its line could be made of; says why."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the two tables say of an experiment, a cell each, without its name."""

    found: Sequence[str]
    took: Sequence[str]


def line_of(name: str, storage: Path, machine: str | None) -> Line:
    """Give the line of an experiment from the ledgers of its sweep and the confirmation in it.

    Raises:
        NotThereError: There is none, or it is not what the experiment's commands make.
    """
    run, *confirm = COMMANDS[name]
    if not (storage / name).is_dir():
        raise NotThereError(f"no sweep {storage / name}")
    try:
        sweep = open_sweep(name, storage=storage)
        now = asked(parse(shlex.split(run)[1:]))[0].experiment.asks()
    except InputError as error:
        raise NotThereError("; ".join(error.faults)) from error
    history = sweep.history
    if history.end is None or history.end.reason not in ("finished", *LIMIT_REASONS):
        raise NotThereError(f"{storage / name} has not finished")
    if other := [key for key, value in json.loads(json.dumps(now)).items() if history.asks.get(key) != value]:
        raise NotThereError(f"{storage / name} is not what `{run}` asks now: {', '.join(other)}")
    confirmed = confirmation(sweep)
    if confirm:
        _refuse_other_confirmation(confirmed, confirm[0], storage / name)
    else:
        confirmed = None
    best = f"`{sweep.best.metric}` {number(sweep.best.value)}"
    answer = None if confirmed is None else confirmed.history.answer
    return Line(
        found=("<br>".join(filter(None, (best, PUBLISHED.get(name)))), *_verdict(answer), commands(name)),
        took=(*_effort(sweep), _repeated(confirmed), machine or _machine(sweep)),
    )


def _refuse_other_confirmation(confirmed: Sweep | None, command: str, folder: Path) -> None:
    if confirmed is None:
        raise NotThereError(f"{folder} is not confirmed yet: {command}")
    given, derived = parse(shlex.split(command)[1:]), confirmed.history.sweep.derived or {}
    if (derived["top"], len(derived["seeds"])) != (given.top or TOP, given.seeds or SEEDS):
        raise NotThereError(f"{confirmed.folder} is not what `{command}` asks now")


def _verdict(answer: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Say what the search's winner is confirmed with, its place among the confirmed, and what it gained."""
    if answer is None:
        return NONE, NONE, NONE
    known = {each["label"]: each for each in answer["configurations"]}
    searched = known[answer["searched_winner"]]
    validation = (
        f" on {'fresh validation splits' if answer.get('splits', True) else 'the validation rows of the search'}"
    )
    where = "" if answer["on"] == "test" else validation
    ties = sum(each["tied"] for label, each in known.items() if label not in ("defaults", answer["winner"]))
    tied = f", tied with {ties} {'other' if ties == 1 else 'others'}" if ties else ""
    place = {
        "first": f"the best{tied}",
        "tied": f"tied with {_first(answer)} now first",
        "behind": f"behind {_first(answer)} now first",
        None: "all runs failed",
    }[answer["verdict"]]
    gain = answer["gain_over_defaults"]
    if gain is None or gain["mean"] is None:
        beside = NONE
    elif gain["tied"]:
        beside = f"not told apart: gain {interval(gain)}"
    else:
        beside = f"{'better' if gain['mean'] > 0 else 'worse'} by {interval(gain, positive=True)}"
    return f"`{answer['metric']}` {interval(searched)}{where}", f"{answer['searched_winner']}, {place}", beside


def _first(answer: Mapping[str, Any]) -> str:
    is_defaults = answer["winner"] == "defaults"
    return "the defaults, which are" if is_defaults else f"{answer['winner']}, which is"


def _effort(sweep: Sweep) -> tuple[str, str, str, str]:
    """Say what was searched by what, the trials, their epochs, and the time of all drivers together."""
    history = sweep.history
    asks, trials = history.asks, history.trials.values()
    how = f"{asks['search']['name']}, {asks['scheduler']['name']}"
    among = counts(history)
    said = str(len(trials)) if among == f"{len(trials)} completed" else f"{len(trials)}: {among}"
    trained = sum(len(trial.epochs) for trial in trials)
    most = sum(trial.config.get("epochs", asks["epochs"]) for trial in trials)
    return how, said, f"{trained:,} of {most:,}", duration(history.seconds)


def _repeated(confirmed: Sweep | None) -> str:
    """Say how many runs a confirmation had, and how long they took."""
    if confirmed is None or confirmed.history.answer is None:
        return NONE
    answer = confirmed.history.answer
    return f"{len(answer['configurations'])} x {answer['seeds']} runs, {duration(confirmed.history.seconds)}"


def _machine(sweep: Sweep) -> str:
    """Describe this machine, if the sweep was made on it.

    Raises:
        NotThereError: It was made elsewhere.
    """
    hosts = {driver.host for driver in sweep.history.drivers}
    if hosts != {socket.gethostname()}:
        raise NotThereError(f"{sweep.folder} was made elsewhere ({', '.join(sorted(hosts))}): say where by --machine")
    cores, memory_gb = os.cpu_count() or 1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    gpu = "no GPU"
    if sweep.history.asks["gpus_per_trial"]:
        import torch

        gpu = torch.cuda.get_device_name()
    return f"{cores} cores, {memory_gb:.0f} GB, {gpu}"


def commands(name: str) -> str:
    """Give the cell with the commands of an experiment."""
    return "<br>".join(f"`{command}`" for command in COMMANDS[name])


def present(section: str) -> dict[str, Line]:
    """Give the lines that the document has, but for the empty ones and those that other commands have made."""
    rows: dict[str, list[list[str]]] = {}
    for match in re.finditer(r"^\| \[`(\w+)`\]\S* \| (.*) \|$", section, re.MULTILINE):
        rows.setdefault(match[1], []).append(match[2].split(" | "))
    return {
        name: Line(found=tables[0], took=tables[1])
        for name, tables in rows.items()
        if [len(cells) + 1 for cells in tables] == [len(FOUND), len(TOOK)]
        and name in COMMANDS
        and tables[0][-1] == commands(name)
        and tables[0][0] != NONE
    }


def written(lines: Mapping[str, Line]) -> str:
    """Give the section with its marks; an experiment without a line has an empty one."""

    def table(head: Sequence[str], cells: Mapping[str, Sequence[str]]) -> Iterator[str]:
        yield from ("", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}")
        for name, row in cells.items():
            yield f"| [`{name}`](../experiments/{name}.py) | {' | '.join(row)} |"

    empty = {
        name: Line(found=[NONE] * (len(FOUND) - 2) + [commands(name)], took=[NONE] * (len(TOOK) - 1))
        for name in COMMANDS
    }
    whole = {name: lines.get(name, empty[name]) for name in COMMANDS}
    parts = [
        *table(FOUND, {name: line.found for name, line in whole.items()}),
        *("", "What that took:"),
        *table(TOOK, {name: line.took for name, line in whole.items()}),
    ]
    return "\n".join([BEGIN, *parts, "", END])


def main() -> int:
    """Write the tables anew; 0 when they are as the sweeps say, 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description="Writes the tables of docs/experiments.md.", allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only the lines of these experiments")
    parser.add_argument("--storage", metavar="DIR", default="results", type=Path, help="folder of the sweeps (results)")
    machine = "where the sweeps were made, in words (this machine's cores, memory and GPU)"
    parser.add_argument("--machine", metavar="WORDS", help=machine)
    parser.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in COMMANDS]:
        parser.error(f"there is no line for {', '.join(unknown)}: there are {', '.join(COMMANDS)}")
    lines = present(parted(PAGE, BEGIN, END)[1])
    for name in given.names or COMMANDS:
        try:
            lines[name] = line_of(name, given.storage, given.machine)
        except NotThereError as why:
            print(f"{name}: {'its line stays' if name in lines else 'no line yet'}: {why}")
    return keep_section(PAGE, written(lines))


if __name__ == "__main__":
    sys.exit(main())
