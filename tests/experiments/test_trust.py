"""S8 and S17: a sweep that may be somebody else's decides nothing about what runs here, unless it is trusted."""

import io
import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from experiments import InputError, open_sweep
from experiments._sweep.command_line import asking
from experiments._sweep.ledger.lease import LEASE
from experiments._sweep.start import trust
from tests.experiments.resumable import Place

USING = [
    ("resume", "mine", "--here", "--trials", "+1"),
    ("confirm", "mine", "--here", "--seeds", "2"),
    ("replay", "mine", "0", "--here"),
    ("export", "mine", "--to", "model"),
]
MARK = "\n__import__('pathlib').Path('it_ran').touch()\n"


@pytest.fixture
def elsewhere(resumable: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give a sweep that has run on another machine, and whose experiment leaves a trace when it is imported."""
    (resumable.folder / "mine.py").write_text((resumable.folder / "mine.py").read_text() + MARK)
    resumable.run("--trials", "2")
    (resumable.folder / "it_ran").unlink()
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    return resumable


@pytest.mark.parametrize("command", USING, ids=[command[0] for command in USING])
def test_s8_a_sweep_that_never_ran_here_runs_no_code_unless_it_is_trusted(
    elsewhere: Place, command: tuple[str, ...]
) -> None:
    """Exit code 2, why, what would run, and the option; nothing is imported, nothing written."""
    before = elsewhere.ledger.read_bytes()
    code, _, err = elsewhere.sweep(*command)
    assert code == 2 and "it never ran on this machine, here (it ran on " in err
    assert "would be run with all your rights: " in err and "mine.py" in err and "--trust" in err
    assert not (elsewhere.folder / "it_ran").exists() and elsewhere.ledger.read_bytes() == before
    _, out, err = elsewhere.sweep(*command, "--trust")
    assert (elsewhere.folder / "it_ran").exists() and "--trust" not in err, out + err


def test_s8_a_sweep_that_was_trusted_once_is_ones_own(elsewhere: Place) -> None:
    """Its ledger then has a driver of this machine."""
    assert elsewhere.sweep(*USING[0], "--trust")[0] == 0
    assert elsewhere.sweep(*USING[0])[0] == 0


def test_s8_a_driver_killed_before_its_line_was_whole_leaves_ones_own_sweep(resumable: Place) -> None:
    """The lease says where it ran; a copy of such a folder on another machine still asks."""
    resumable.run("--trials", "2")
    first = resumable.ledger.read_bytes().splitlines(keepends=True)[0]
    resumable.ledger.write_bytes(first + b'{"n":1,"kind":"driv')
    lease = resumable.ledger.with_name(LEASE)
    lease.write_text(json.dumps({"host": "another"}))
    os.utime(lease, (0, 0))
    code, _, err = resumable.sweep("resume", "mine", "--here")
    assert code == 2 and "(it ran on another)" in err
    lease.write_text(json.dumps({"host": socket.gethostname()}))
    os.utime(lease, (0, 0))
    assert resumable.sweep("resume", "mine", "--here")[0] == 0


def test_s8_what_only_shows_asks_nothing(elsewhere: Place) -> None:
    """The list, the best, a finished sweep: they run no code of the folder's."""
    for command in (["trials", "mine"], ["best", "mine"], ["trials", "mine", "0"], ["resume", "mine"]):
        assert elsewhere.sweep(*command)[0] == 0
    assert not (elsewhere.folder / "it_ran").exists()


def test_s8_code_that_comes_with_the_command_is_ones_own(elsewhere: Place) -> None:
    """`run --resume-if-exists mine.py` names the file itself, wherever the sweep has run before."""
    command = ("run", "mine.py", "--here", "--resume-if-exists", "--trials", "3", "--yes")
    assert elsewhere.sweep(*command)[0] == 0 and len(open_sweep("mine").trials) == 3


@pytest.mark.parametrize("command", [*USING, ("run", "mine.py", "--here", "--resume-if-exists", "--trials", "3")])
def test_s8_another_owner_is_named(resumable: Place, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    """By the folder's or the ledger's user, also where the code comes with the command."""
    resumable.run("--trials", "2")
    if os.geteuid() == 0:
        os.chown(resumable.ledger, 65534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
    before = resumable.ledger.read_bytes()
    code, _, err = resumable.sweep(*command)
    assert code == 2 and "belongs to " in err and ", and you are " in err and "--trust" in err
    assert resumable.ledger.read_bytes() == before


def test_s17_code_in_the_sweeps_own_folder_is_not_run(resumable: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends a folder would send the code with it: also where the command is given inside of it."""
    resumable.run("--trials", "2")
    folder = resumable.ledger.parent
    shutil.move(resumable.folder / "mine.py", folder / "mine.py")
    monkeypatch.chdir(folder)
    code, _, err = resumable.sweep("resume", ".", "--here", "--trials", "+1")
    assert code == 2 and "the experiment's file mine.py lies in it" in err
    assert resumable.sweep("resume", ".", "--here", "--trials", "+1", "--trust")[0] == 0


@pytest.mark.parametrize(("answer", "trusted"), [("y\n", True), ("", False)])
def test_s8_on_a_terminal_it_is_asked(
    elsewhere: Place, monkeypatch: pytest.MonkeyPatch, answer: str, trusted: bool
) -> None:
    """And nothing of the folder is run before the answer."""
    monkeypatch.setattr(asking, "_answered", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    code, _, err = elsewhere.sweep("replay", "mine", "0", "--here")
    assert "Trust it? [y/N]" in err and (code == 0) == trusted
    assert (elsewhere.folder / "it_ran").exists() == trusted


def test_s8_in_python_it_is_an_argument(elsewhere: Place, tmp_path: Path) -> None:
    """`confirm`, `replay` and `export` refuse, and take trust=True."""
    sweep = open_sweep("mine")
    for ask in (lambda **t: sweep.confirm(seeds=2, here=True, quiet=True, **t), lambda **t: sweep.replay(0, **t)):
        with pytest.raises(InputError, match="trust=True"):
            ask()
    with pytest.raises(InputError, match="trust=True"):
        sweep.export(tmp_path / "model")
    elsewhere.forget()
    assert sweep.replay(0, here=True, quiet=True, trust=True)["verdict"] == "equal"


def test_an_owner_without_a_name_is_told_by_number() -> None:
    """Users of another machine have none here."""
    assert trust._name(3_999_999) == "user 3999999"
