"""docs/experiments.md says what the sweeps found, and each of its lines can be made again by the commands in it."""

import shlex
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from experiments._sweep.command_line import main
from experiments._sweep.command_line.listing import asked
from experiments._sweep.command_line.parser import parse
from experiments._sweep.registry import shipped

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENT = REPOSITORY / "docs" / "experiments.md"
NAMES = [listing.name for listing in shipped()]
SMALL = {
    "digits_mlp": (
        "sweep run digits_mlp --trials 2 --epochs 2 --seed 3",
        "sweep confirm digits_mlp --top 1 --seeds 2",
    ),
    "digits_grid": ("sweep run digits_grid",),
}


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script as a module; it finds what lies beside it, and goes on with the Python that runs the tests."""
    monkeypatch.syspath_prepend(REPOSITORY / "scripts")
    monkeypatch.setitem(sys.modules, "_own_python", SimpleNamespace(use_own_python=lambda: None))
    loader = SourceFileLoader(name.partition(".")[0], str(REPOSITORY / "scripts" / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, loader.name, module)
    loader.exec_module(module)
    return module


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script that writes the tables, for two small experiments and into a copy of its own."""
    module = script("experiments_page.py", monkeypatch)
    copy = tmp_path / "experiments.md"
    copy.write_text(f"Before.\n{module.BEGIN}\n{module.END}\nAfter.\n", encoding="utf-8")
    monkeypatch.setattr(module, "PAGE", copy)
    monkeypatch.setattr(module, "COMMANDS", SMALL)
    return module


@pytest.fixture
def called(page: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """Calls the script with options, on the sweeps of the test's own folder."""

    def call(*options: str) -> int:
        words = ["scripts/experiments_page.py", *options, "--storage", str(tmp_path / "sweeps")]
        monkeypatch.setattr(sys, "argv", words)
        return int(page.main())

    return SimpleNamespace(by=call, text=lambda: page.PAGE.read_text(encoding="utf-8"))


def made(command: str, storage: Path) -> None:
    """Carries a command of `SMALL` out, in this process."""
    assert main([*shlex.split(command)[1:], "--here", "--storage", str(storage)]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_experiment_has_commands_that_are_understood(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One `sweep run` of it, whose options its space accepts, and at most one `sweep confirm`."""
    run, *confirm = script("_measured_experiments.py", monkeypatch).COMMANDS[name]
    assert run.startswith(f"sweep run {name}")
    assert asked(parse(shlex.split(run)[1:]))[0].name == name
    assert len(confirm) <= 1
    for command in confirm:
        assert command.startswith(f"sweep confirm {name}")
        assert parse(shlex.split(command)[1:]).sweep == name


def test_the_document_has_a_line_for_each_with_its_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In both tables, in the order of the script; no line is left of commands that are no longer the experiment's."""
    commands = script("_measured_experiments.py", monkeypatch).COMMANDS
    assert set(commands) == set(NAMES)
    page = script("experiments_page.py", monkeypatch)
    section = page.parted(DOCUMENT, page.BEGIN, page.END)[1]
    rows = [line for line in section.splitlines() if line.startswith("| [")]
    assert [line.split("`")[1] for line in rows] == [*commands, *commands]
    for row, lines in zip(rows, commands.values(), strict=False):
        assert row.endswith(f"| {'<br>'.join(f'`{line}`' for line in lines)} |")
    monkeypatch.setattr(sys, "argv", ["scripts/experiments_page.py", "--check", "--storage", str(tmp_path)])
    assert page.main() == 0


def test_a_line_is_what_the_ledgers_say(
    called: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Value, interval, trials, epochs, times and machine of a sweep and its confirmation; and it stays when they go."""
    storage = tmp_path / "sweeps"
    for command in SMALL["digits_mlp"]:
        made(command, storage)
    assert called.by("--machine", "a lathe") == 0
    written = called.text()
    found, took = (line for line in written.splitlines() if line.startswith("| [`digits_mlp`]"))
    assert "| `val_loss` " in found and "| `test_loss` " in found and "the best" in found
    assert found.endswith(f"| `{SMALL['digits_mlp'][0]}`<br>`{SMALL['digits_mlp'][1]}` |")
    assert "| HyperOpt, ASHA | 2" in took and " of 4 | " in took and "| 2 x 2 runs, " in took
    assert took.endswith(" s | a lathe |")
    assert f"digits_grid: no line yet: no sweep {storage / 'digits_grid'}" in capsys.readouterr().out
    storage.rename(tmp_path / "gone")
    assert called.by() == 0
    assert called.text() == written
    assert f"digits_mlp: its line stays: no sweep {storage / 'digits_mlp'}" in capsys.readouterr().out


def test_this_machine_is_described_where_none_is_said(called: SimpleNamespace, tmp_path: Path) -> None:
    """Cores, memory, and no GPU for what uses none; `--check` then finds the line as it is, and a changed one not."""
    for command in SMALL["digits_mlp"]:
        made(command, tmp_path / "sweeps")
    assert called.by("--check") == 1
    assert called.by("digits_mlp") == 0
    assert " cores, " in called.text() and " GB, no GPU |" in called.text()
    assert called.by("--check") == 0


@pytest.mark.parametrize(
    ("commands", "why"),
    [
        (["sweep run digits_mlp --trials 2 --epochs 2"], "is not what `sweep run digits_mlp .*` asks now: seed"),
        ([SMALL["digits_mlp"][0]], "is not confirmed yet"),
        ([SMALL["digits_mlp"][0], "sweep confirm digits_mlp --top 1 --seeds 3"], "confirm-1 is not what"),
    ],
)
def test_a_sweep_that_asked_something_else_makes_no_line(
    commands: list[str], why: str, page: ModuleType, tmp_path: Path
) -> None:
    """Nobody could make that line again by the commands in it."""
    for command in commands:
        made(command, tmp_path)
    with pytest.raises(page.NotThereError, match=why):
        page.line_of("digits_mlp", tmp_path, None)


def test_an_unfinished_sweep_makes_no_line(page: ModuleType, tmp_path: Path) -> None:
    """Its driver was lost before the ledger's last line: what is best may not stay so."""
    made(SMALL["digits_mlp"][0], tmp_path)
    ledger = tmp_path / "digits_mlp" / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(page.NotThereError, match="has not finished"):
        page.line_of("digits_mlp", tmp_path, None)


def test_all_are_run_one_after_another_and_a_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep that failed is not confirmed, the next experiment is run; Ctrl+C ends it all; each command is printed."""
    full_size = script("full_size", monkeypatch)
    monkeypatch.setattr(full_size, "COMMANDS", SMALL)
    monkeypatch.setattr(sys, "argv", ["scripts/full_size", "--storage", str(tmp_path)])
    codes: list[int] = []
    monkeypatch.setattr(full_size, "_run", lambda _: codes.pop(0))
    codes[:] = [1, 0]
    assert full_size.main() == 1
    told = capsys.readouterr().out
    assert f"$ {SMALL['digits_mlp'][0]} --storage {tmp_path} --resume-if-exists\n" in told
    assert "sweep confirm" not in told
    assert f"$ sweep run digits_grid --storage {tmp_path} --resume-if-exists\n" in told
    assert "FAILED (exit 1)" in told
    codes[:] = [0, 130]
    assert full_size.main() == 130
    told = capsys.readouterr().out
    assert f"$ {SMALL['digits_mlp'][1]} --storage {tmp_path}\n" in told
    assert "interrupted" in told and "digits_grid" not in told


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_has_ended_is_not_run_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same command a second time only shows what there is."""
    full_size = script("full_size", monkeypatch)
    monkeypatch.setattr(full_size, "COMMANDS", {name: [f"{line} --here" for line in SMALL[name]] for name in SMALL})
    monkeypatch.setattr(sys, "argv", ["scripts/full_size", "digits_mlp", "--storage", str(tmp_path)])
    assert full_size.main() == 0
    first = (tmp_path / "digits_mlp" / "ledger.jsonl").read_bytes()
    capfd.readouterr()
    assert full_size.main() == 0
    assert (tmp_path / "digits_mlp" / "ledger.jsonl").read_bytes() == first
    assert "digits_mlp has finished" in capfd.readouterr().out
