"""The commands and their options; a snapshot test holds the list."""

from __future__ import annotations

import argparse
import contextlib
import re
from typing import TYPE_CHECKING, NoReturn

from experiments import schedulers, searchers
from experiments._sweep.errors import InputError
from experiments._sweep.names import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "list": "the experiments there are",
    "show": "what an experiment would run, checked; nothing is started or written",
    "run": "run an experiment as a new sweep",
    "resume": "go on with a sweep that was interrupted, or extend one that has ended",
    "trials": "the trials of a sweep, the story of one, or (--watch) how it goes on, live",
    "best": "the best trial of a sweep and its checkpoint",
    "confirm": "is the winner real? the leading trials and the defaults on fresh seeds, then once on the test split",
    "export": "write the winner down for others, with a load.py for torch alone; or the trials as CSV or for Optuna",
    "replay": "train a trial again from its record: equal to the bit, within seed noise, or where it differs and why",
    "report": "write what a sweep found, or how several compare, as one page of HTML that needs no network",
    "board": "open TensorBoard on one sweep or several",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        options = [option for action in self._actions for option in action.option_strings]
        meant = nearest(unknown[1].partition("=")[0], options) if unknown else ""
        raise InputError(f"{message}.{meant} See: {self.prog} --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments, with the `module` and `function` that carry the command out.

    Raises:
        InputError: If they cannot be understood.
    """
    top, commands = build()
    if argv and not argv[0].startswith("-") and argv[0] not in COMMANDS:
        raise InputError(
            f"there is no command '{argv[0]}': there are {', '.join(COMMANDS)}.{nearest(argv[0], COMMANDS)}"
        )
    if not argv:
        top.print_help()
        raise SystemExit(0)
    if argv[0] in commands:
        return commands[argv[0]].parse_args(argv[1:])
    return top.parse_args(argv)


def build() -> tuple[_Parser, dict[str, _Parser]]:
    """The parser of `sweep --help` and one for each command."""
    top = _Parser(
        prog="sweep",
        allow_abbrev=False,
        description="Hyperparameter sweeps of PyTorch models on Ray Tune.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<8}{text}" for name, text in COMMANDS.items())
        + "\n\nSWEEP is a name or a path; left out, it is the newest. `sweep COMMAND --help` tells the options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("command", metavar="COMMAND", help="one of the commands below")
    made = {
        name: _Parser(prog=f"sweep {name}", description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        for name, text in COMMANDS.items()
    }
    _list(made["list"])
    _show(made["show"])
    _run(made["run"])
    _resume(made["resume"])
    _trials(made["trials"])
    _best(made["best"])
    _confirm(made["confirm"])
    _export(made["export"])
    _replay(made["replay"])
    _report(made["report"])
    _board(made["board"])
    return top, made


def _number(text: str) -> float | str:
    """A number where it is one; anything else goes on to the checks, so that it is refused with all other faults."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _trial(text: str) -> int:
    """A trial's number, or its refusal."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a trial, such as 17") from error


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="JSON for programs")


def _storage(parser: argparse.ArgumentParser) -> None:
    storage = "folder of the sweeps, or an object store: s3://BUCKET/PREFIX (results)"
    parser.add_argument("--storage", metavar="DIR", default="results", help=storage)


def _question(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} EXPERIMENT [options]"  # last, as argparse has it, --learn-from would swallow it
    parser.add_argument("experiment", metavar="EXPERIMENT", help="a name that `sweep list` shows, or a .py file")
    how_much = parser.add_argument_group("how much, in place of what the file says")
    how_much.add_argument("--trials", metavar="N", type=_number, help="number of trials")
    how_much.add_argument("--epochs", metavar="N", type=_number, help="budget of a trial in epochs")
    how_much.add_argument("--search", metavar="NAME", help=f"searcher: {', '.join(searchers.names())}")
    how_much.add_argument("--scheduler", metavar="NAME", help=f"scheduler: {', '.join(schedulers.names())}")
    how_much.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="pin a hyperparameter")
    how_much.add_argument("--seed", metavar="N", type=_number, help="seed of the sweep")
    how_much.add_argument("--cpus-per-trial", metavar="X", type=_number, help="CPU cores of a trial")
    how_much.add_argument("--gpus-per-trial", metavar="X", type=_number, help="GPUs of a trial; a fraction shares one")
    other = "another resource of a trial, as the cluster's nodes name it: --resource big_memory=1"
    how_much.add_argument("--resource", metavar="NAME=X", action="append", default=[], help=other)
    _limits(how_much)


def _limits(parser: argparse._ActionsContainer) -> None:
    target = "end when a trial reaches this value of the metric; none for no target"
    patience = "end when so many trials ended without a better value; none for no such limit"
    parser.add_argument("--target", metavar="VALUE", type=_number, help=target)
    parser.add_argument("--patience-trials", metavar="N", type=_number, help=patience)


def _where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where")
    where.add_argument("--concurrent", metavar="N", type=_number, help="at most so many trials at a time")
    where.add_argument("--time-limit", metavar="TIME", help="stop after so long: 90, 90s, 15m, 2h; resumable")
    address = "local; http(s)://HEAD:8265 submits to a cluster; auto or HOST:PORT joins it from a node (local)"
    where.add_argument("--address", metavar="ADDRESS", default="local", help=address)
    nodes = "how long nodes that may still come are waited for: 90s, 15m, 2h (15m)"
    where.add_argument("--wait-for-nodes", metavar="TIME", help=nodes)
    insecure = "use a cluster without token authentication: whoever reaches it can run code on it"
    where.add_argument("--insecure", action="store_true", help=insecure)
    install = "have a cluster install the packages that its nodes lack (Ray's runtime_env)"
    where.add_argument("--install-missing", action="store_true", help=install)
    where.add_argument("--data-dir", metavar="DIR", help="folder with the data sets (or RAYSWEEPS_DATA)")
    stall = (
        "a trial that reports nothing for so long has timed out: 90s, 15m, 2h; none; auto from the epochs seen (auto)"
    )
    where.add_argument("--stall-timeout", metavar="TIME", help=stall)
    where.add_argument("--here", action="store_true", help="one trial after another in this process, without Ray")


def _keep(parser: argparse.ArgumentParser) -> None:
    keep = "of so many leading trials (10), or of all, the best checkpoint stays; those of other ended trials go"
    parser.add_argument("--keep", metavar="N", type=_number, help=keep)


def _learn_from(parser: argparse.ArgumentParser) -> None:
    learn = "tell the searcher the ended trials of these earlier sweeps that fit the space and the metric"
    parser.add_argument("--learn-from", metavar="SWEEP", nargs="+", default=[], help=learn)


def _list(parser: argparse.ArgumentParser) -> None:
    _json(parser)
    parser.set_defaults(module="listing", function="list_experiments")


def _show(parser: argparse.ArgumentParser) -> None:
    _question(parser)
    _where(parser)
    _storage(parser)
    parser.add_argument("--name", metavar="NAME", help="name of the sweep and its folder")
    _learn_from(parser)
    _keep(parser)
    _json(parser)
    parser.set_defaults(module="listing", function="show")


def _run(parser: argparse.ArgumentParser) -> None:
    _question(parser)
    _where(parser)
    _storage(parser)
    parser.add_argument("--name", metavar="NAME", help="name of the sweep and its folder")
    _learn_from(parser)
    _keep(parser)
    again = parser.add_argument_group("a command that may be given again")
    exists = "where the sweep exists go on with it, finished or not; the others are about that one"
    again.add_argument("--resume-if-exists", action="store_true", help=exists)
    _accepting(again)
    _trust(again)
    parser.set_defaults(module="running", function="run")


def _sweep(parser: argparse.ArgumentParser, many: bool = False) -> None:
    count = "*" if many else "?"
    parser.add_argument("sweep", metavar="SWEEP", nargs=count, help="name or path of a sweep; the newest by default")
    _storage(parser)


def _resume(parser: argparse.ArgumentParser) -> None:
    _sweep(parser)
    limits = parser.add_argument_group("limits, in place of what the sweep had")
    limits.add_argument("--trials", metavar="N", help="number of trials: 200 in all, or +50 more; extends a sweep")
    _limits(limits)
    _where(parser)
    _keep(parser)
    _accepting(parser)
    _trust(parser)
    parser.add_argument("--take-over", action="store_true", help="take the sweep from a driver that may still live")
    parser.set_defaults(module="running", function="resume")


def _accepting(parser: argparse._ActionsContainer) -> None:
    yes = "accept what has changed since the sweep ran last (space, trainable, versions) without a question"
    parser.add_argument("--yes", action="store_true", help=yes)


def _trust(parser: argparse._ActionsContainer) -> None:
    trust = "use a sweep that is not yours, or was made on another machine: it names the code that is run"
    parser.add_argument("--trust", action="store_true", help=trust)


def _trials(parser: argparse.ArgumentParser) -> None:
    _sweep(parser)
    parser.add_argument("trial", metavar="TRIAL", nargs="?", type=_trial, help="number of a trial: its story")
    watch = "follow it live until it has ended, also from another machine; plain lines where there is no terminal"
    parser.add_argument("--watch", action="store_true", help=watch)
    _json(parser)
    parser.set_defaults(module="looking", function="trials")


def _best(parser: argparse.ArgumentParser) -> None:
    _sweep(parser)
    _json(parser)
    parser.set_defaults(module="looking", function="best")


def _confirm(parser: argparse.ArgumentParser) -> None:
    _sweep(parser)
    how_much = parser.add_argument_group("how much")
    how_much.add_argument("--top", metavar="N", type=_number, help="leading configurations that are confirmed (3)")
    how_much.add_argument("--seeds", metavar="N", type=_number, help="fresh seeds, the same for all of them (5)")
    again = "once more, on other seeds: a further use of the test split"
    how_much.add_argument("--again", action="store_true", help=again)
    refit = "then train the winner on training and validation data together, for the epochs that were best"
    how_much.add_argument("--refit", action="store_true", help=refit)
    _where(parser)
    _trust(parser)
    _json(parser)
    parser.set_defaults(module="confirming", function="confirm")


def _export(parser: argparse.ArgumentParser) -> None:
    _sweep(parser)
    parser.add_argument("--to", metavar="DIR", help="folder to write the network into; empty, or not there")
    trial = "this trial instead of the winner: the refitted, the confirmed, or the best one"
    parser.add_argument("--trial", metavar="N", type=_trial, help=trial)
    parser.add_argument("--data-dir", metavar="DIR", help="folder with the data sets (or RAYSWEEPS_DATA)")
    table = parser.add_argument_group("the trials, for other programs")
    table.add_argument("--csv", metavar="FILE", help="write a table of the trials as CSV; - for the output")
    table.add_argument("--by-epoch", action="store_true", help="of --csv: a row for each epoch, not for each trial")
    study = "write a study for Optuna and its dashboard: sqlite:///study.db, or another address that Optuna takes"
    table.add_argument("--optuna", metavar="URL", help=study)
    _json(parser)
    _trust(parser)
    parser.set_defaults(module="exporting", function="export")


def _replay(parser: argparse.ArgumentParser) -> None:
    _sweep(parser)
    parser.add_argument("trial", metavar="TRIAL", type=_trial, help="number of the trial")
    _where(parser)
    _trust(parser)
    _json(parser)
    parser.set_defaults(module="replaying", function="replay")


def _report(parser: argparse.ArgumentParser) -> None:
    _sweep(parser, many=True)
    to = "file to write (report.html in the sweep's folder; of several sweeps, in the current one)"
    parser.add_argument("--to", metavar="FILE", help=to)
    parser.set_defaults(module="reporting", function="report")


def _board(parser: argparse.ArgumentParser) -> None:
    _sweep(parser, many=True)
    port = "listen there, on loopback; 0 for any that is free (the first free one from 6006)"
    parser.add_argument("--port", metavar="N", type=_number, help=port)
    parser.set_defaults(module="boarding", function="board")
