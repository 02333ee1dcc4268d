"""Any command that trains, with `--address http(s)://HEAD:8265`: submitted to that cluster, and followed from here."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.command_line.again import said_again
from experiments._sweep.command_line.asking import trusted
from experiments._sweep.command_line.listing import asked, unless
from experiments._sweep.errors import EngineError, InputError
from experiments._sweep.names import name_fault
from experiments._sweep.store.places import checked, is_url, storage_folder
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from experiments._sweep.cluster.submitting import Order, Submitted
    from experiments._sweep.sweep import Sweep

INTERRUPTED = 130
ADVICE = re.compile(r"^((?:go on with|extend it with|is it real\?):? +sweep \w+)")
"""What a driver advises to do next, where that is a command that trains."""


def submit(arguments: argparse.Namespace) -> int:
    """Has a cluster carry out the command; the exit code of its driver, 130 where it was let go."""
    from experiments._sweep.cluster.submitting import Submitted

    said = sys.stderr if getattr(arguments, "json", False) else sys.stdout

    def note(text: str) -> None:
        print(clean(text), file=said, flush=True)

    order = _order(arguments)
    sight = _Sight(order.address)
    submitted = Submitted(order, out=sight.line, note=note)
    try:
        return submitted.carried_out()
    except EngineError as error:
        raise EngineError(f"{error}{sight.go_on}") from error
    except KeyboardInterrupt:
        for line in let_go(submitted, order, sight.place):
            print(line, file=sys.stderr)
        return INTERRUPTED


class _Sight:
    """Shows what the driver prints; its advice is for the cluster, and gets the address for here."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.place = ""
        """Of the sweep, as its driver has told it."""

    def line(self, text: str) -> None:
        text = clean(text)
        if not self.place and (named := re.fullmatch(r"sweep (\S.*)", text)):
            self.place = named[1]
        print(ADVICE.sub(rf"\1 --address {self._address}", text), flush=True)

    @property
    def go_on(self) -> str:
        """What to do where the driver is lost; nothing where no sweep has begun."""
        return f" Go on with: sweep resume --address {self._address} {self.place}" if self.place else ""


def let_go(submitted: Submitted, order: Order, place: str) -> list[str]:
    """What Ctrl+C has done, and what may be done now; `place`: of the sweep, where it is known."""
    if submitted.job is None:
        return ["\nnothing was submitted"]
    ray = f"RAY_AUTH_MODE=token ray job {{}} --address {order.address} {submitted.job}"
    if submitted.following is None:
        return [
            f"\nlet go while it was sent: nobody knows here whether {order.address} has it",
            f"if so, it says that it runs: {ray.format('status')}",
            f"stop it then, to be resumed: {ray.format('stop')}",
        ]
    if submitted.following.is_lost:
        resume = f"sweep resume --address HTTP {place}" if place else "the same command, with its --address"
        return [
            f"\nlet go: {order.address} does not answer, and nobody knows here whether the sweep goes on",
            f"if the cluster is there again, see: {ray.format('status')}",
            f"if its head node is gone, start another cluster and go on with: {resume}",
        ]
    return [
        f"\nlet go: the sweep goes on at {order.address}",
        f"follow it again: {ray.format('logs --follow')}",
        f"stop it, to be resumed: {ray.format('stop')}",
    ]


def _order(arguments: argparse.Namespace) -> Order:
    """What is to be done there.

    Raises:
        InputError: With everything that is wrong with the command.
    """
    from experiments._sweep.cluster.submitting import Order

    refused: list[InputError] = []
    runs = arguments.function == "run"
    found = unless(refused, lambda: asked(arguments)[0]) if runs else None
    _ask_options(arguments, refused)
    faults = [*(fault for each in refused for fault in each.faults), *_faults(arguments)]
    if refused or faults:
        error = refused[0] if refused else InputError()  # one with a traceback of the experiment keeps it
        error.faults = list(dict.fromkeys(faults))
        raise error
    change = {"address": "auto", "install_missing": False}
    if found is None:
        file, folder = _code_of(arguments)
    else:
        file = Path(found.source["path"]) if "path" in found.source else None
        folder = file and file.parent
        if file is not None:
            change["experiment"] = f"./{file.name}"  # its folder is the driver's current one
    return Order(
        address=arguments.address.rstrip("/"),
        argv=said_again(arguments, **change),
        name=(arguments.name or found.name) if found else _name(arguments),
        file=file,
        folder=folder,
        store=any("://" in text for text in (arguments.storage, getattr(arguments, "sweep", None) or "")),
        insecure=arguments.insecure,
        install_missing=arguments.install_missing,
    )


def _ask_options(arguments: argparse.Namespace, refused: list[InputError]) -> None:
    from experiments._sweep.command_line.overriding import options_from

    options = options_from(arguments, lambda read: unless(refused, read))
    faults = list(options.faults())
    if faults:
        refused.append(InputError(*faults))


def _faults(arguments: argparse.Namespace) -> Iterator[str]:
    """What is wrong with a command because it is for another machine."""
    if arguments.here:
        yield "--here runs trials in this process, and --address on a cluster. Leave one of them out."
    sweep = getattr(arguments, "sweep", None)
    named = sweep is not None and _is_place(sweep)
    for url in (arguments.storage, sweep or ""):
        try:
            if is_url(url):
                checked(url)
        except InputError as error:
            yield from error.faults
    if not named and not _is_place(arguments.storage):
        yield (
            f"--storage: {arguments.storage!r} is a folder here, and the cluster's nodes need one that they all reach. "
            "Give the path of their shared folder, absolute as it is there, or an object store: s3://BUCKET/PREFIX."
        )
    if sweep is not None and not named and "/" in sweep:
        yield f"{sweep!r} is a path here. Give the sweep's name, or its place as the cluster's nodes see it."
    if arguments.data_dir is not None and not Path(arguments.data_dir).is_absolute():
        yield f"--data-dir: {arguments.data_dir!r} is a path here. Give the folder on the cluster's nodes, absolute."
    if getattr(arguments, "name", None) is not None and name_fault(arguments.name):
        yield f"--name: {name_fault(arguments.name)}"
    for earlier in getattr(arguments, "learn_from", ()):
        if "/" in earlier and not _is_place(earlier):
            yield f"--learn-from: {earlier!r} is a path here. Give the sweep's name, or its place as the nodes see it."


def _is_place(text: str) -> bool:
    """Whether a text means the same on other machines."""
    return "://" in text or Path(text).is_absolute()


def _code_of(arguments: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """The experiment's file of an earlier sweep and its folder; the current folder, where only the cluster knows it.

    Raises:
        UntrustedError: The sweep may be somebody else's, and its file would be sent and run.
    """
    from experiments._sweep.registry import file_of
    from experiments._sweep.start.trust import refuse_untrusted

    sweep = _read_here(arguments)
    if sweep is None:
        return None, Path.cwd() if any(Path.cwd().glob("*.py")) else None
    source = sweep.history.sweep.source
    if source["kind"] != "file":
        return None, None
    file = file_of(source)
    if not file.is_file():
        raise InputError(
            f"{file} is not there any more, and the sweep's experiment stands in it. Give the command in the folder "
            f"where {file.name} is now."
        )
    given = file.parent == Path.cwd()
    trusted(lambda trust: refuse_untrusted(sweep, trust=trust, code_is_given=given), trust=arguments.trust)
    return file, file.parent


def _read_here(arguments: argparse.Namespace) -> Sweep | None:
    """An earlier sweep, where its storage can be read from this machine, too."""
    from experiments._sweep.names import sweep_folder
    from experiments._sweep.sweep import Sweep

    with contextlib.suppress(InputError, OSError):  # the cluster's driver says what is wrong, if anything is
        return Sweep(sweep_folder(arguments.sweep, storage_folder(arguments.storage)))
    return None


def _name(arguments: argparse.Namespace) -> str:
    """Of a sweep, for the job's name."""
    last: str = (arguments.sweep or arguments.function).rstrip("/").rpartition("/")[2]
    return str(arguments.function) if name_fault(last) else last
