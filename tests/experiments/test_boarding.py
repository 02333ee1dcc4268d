"""What `sweep board` serves: whose files, drawn by whom, several sweeps under one table, at which port."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from experiments._sweep.command_line import boarding, boards, main
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import DriverEnded, SegmentInterrupted
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.tensorboard import FOLDER, Curves
from tests.experiments.conftest import driver, experiment, opened
from tests.experiments.tensorboards import Row, Tab, curves
from tests.experiments.test_board_files import ADAM, SGD, asked, proposed, report

STORED = Path(__file__).parent / "stored"
END = DriverEnded(driver=1, reason="finished", t=9, at=200.0)


def written(folder: Path, *records: Any) -> Path:
    """A sweep's folder with these lines more."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = LedgerWriter(folder / LEDGER)
    writer.append(records)
    writer.close()
    return folder


def one(folder: Path) -> Path:
    """A sweep of one trial that has ended."""
    return written(folder, opened(asked()), driver(), *proposed(0, SGD), report(0, 1, 0.5, ending="completed"), END)


def served(scratch: Path, *folders: Path) -> tuple[Any, list[Row], Path]:
    """The columns and rows of a board on these sweeps, and the folder that is served."""
    board = boards.board_of([*map(Sweep, folders)], scratch)
    return *Tab(board.folder).read(), board.folder


def interrupted(_: Any = None) -> None:
    """Ctrl+C."""
    raise KeyboardInterrupt


def test_a_sweep_is_drawn_in_its_own_folder_where_that_is_due(tmp_path: Path) -> None:
    """Never drawn, drawn by an older version, or gone on since: drawn; else left as it is."""
    sweep, scratch = one(tmp_path / "sweep"), tmp_path / "scratch"
    own = sweep / FOLDER
    _, [row], place = served(scratch, sweep)
    assert place == own and row.values["ending"] == "completed"
    first = {path: path.stat().st_mtime_ns for path in own.rglob("*")}
    served(scratch, sweep)
    assert {path: path.stat().st_mtime_ns for path in own.rglob("*")} == first
    written(sweep, driver(2), *proposed(1, ADAM), report(1, 1, 0.25, ending="stopped"))
    _, rows, place = served(scratch, sweep)
    assert place == own and [row.values["ending"] for row in rows] == ["completed", "stopped"]
    (own / "drawn.json").write_text("{}")
    (own / "0001").rename(own / "gone")
    assert len(served(scratch, sweep)[1]) == 2 and not (own / "gone").exists() and not scratch.exists()


def test_a_running_sweep_is_left_to_its_driver(tmp_path: Path) -> None:
    """It writes the files itself; they are not touched."""
    sweep = written(tmp_path / "sweep", opened(asked()), driver(), *proposed(0, SGD), report(0, 1, 0.5))
    with Lease(sweep).held():
        drawn = Curves(sweep)
        drawn.redraw(Sweep(sweep).history)
        (sweep / FOLDER / "drawn.json").unlink()  # as a driver does when it starts
        before = {path: path.stat().st_mtime_ns for path in (sweep / FOLDER).rglob("*")}
        _, [row], place = served(tmp_path / "scratch", sweep)
        assert place == sweep / FOLDER and row.status == "unknown"
        assert {path: path.stat().st_mtime_ns for path in (sweep / FOLDER).rglob("*")} == before


def test_a_running_sweep_that_nobody_draws_is_followed(tmp_path: Path) -> None:
    """`run(quiet=True)` in Python has no observers: the board draws a copy and adds what the ledger grows by."""
    sweep = written(tmp_path / "sweep", opened(asked()), driver(), *proposed(0, SGD), report(0, 1, 0.5))
    with Lease(sweep).held():
        board = boards.board_of([Sweep(sweep)], tmp_path / "scratch")
        tab = Tab(board.folder)
        _, [row] = tab.read()
        assert (row.status, row.metrics["trial/loss"]) == ("unknown", 0.5) and not (sweep / FOLDER).exists()
        written(sweep, report(0, 2, 0.25, ending="completed"), *proposed(1, ADAM), report(1, 1, 0.75))
        assert isinstance(board, boards.Copy)
        board.look()
        _, rows = tab.read()
        assert [(row.status, row.metrics["trial/loss"]) for row in rows] == [("success", 0.25), ("unknown", 0.75)]
        board.look()
        assert [step for step, _ in curves(board.folder)["0000", "loss"]] == [1, 2]
        assert board.folder.is_relative_to(tmp_path / "scratch")


def test_a_folder_that_cannot_be_written_is_shown_from_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's results, or a read-only disk."""
    sweep = one(tmp_path / "sweep")
    made = Path.mkdir

    def mkdir(path: Path, *how: Any, **more: Any) -> None:
        if path.is_relative_to(sweep):
            raise PermissionError(13, "Permission denied", str(path))
        made(path, *how, **more)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    _, [row], place = served(tmp_path / "scratch", sweep)
    assert place.is_relative_to(tmp_path / "scratch") and row.metrics["trial/loss"] == 0.5


def test_several_sweeps_share_one_table(tmp_path: Path) -> None:
    """Its columns are those of all of them, also what one searches and another fixes; their own files stay."""
    fixed = asked(space={"lr": tune.uniform(0.5, 0.9), "flag": True, "widths": tune.randint(1, 9), "drop": 0.5})
    other = [opened(fixed), driver(), *proposed(0, {"lr": 0.6, "flag": True, "widths": 3, "drop": 0.5, "seed": 1})]
    other[0].asks.update(metric="accuracy", mode="max")
    left = one(tmp_path / "left")
    right = written(tmp_path / "right", *other, report(0, 1, 0.7, accuracy=0.9, ending="error"), END)
    found, rows, place = served(tmp_path / "scratch", left, right)
    infos = {info.name: info for info in found.hparam_infos}
    assert {"sweep", "ending", "lr", "optimizer", "flag"} == {name for name, info in infos.items() if info.differs}
    assert {"optimizer[sgd].momentum", "drop", "widths"} <= set(infos)
    assert (infos["lr"].domain_interval.min_value, infos["lr"].domain_interval.max_value) == (1e-4, 0.9)
    assert infos["widths"].type == 1  # a text: lists in one sweep, numbers in the other
    assert [row.title for row in rows] == ["0000 left", "0000 right"]
    assert [row.run for row in rows] == ["left/0000", "right/0000"]
    assert [row.values["widths"] for row in rows] == ["[64]", "3"]
    assert [(row.values["sweep"], row.values["ending"], row.values["flag"]) for row in rows] == [
        ("left", "completed", True),
        ("right", "error", True),
    ]
    assert [each.display_name for each in found.metric_infos][:2] == ["loss", "accuracy"]
    assert rows[1].metrics["trial/accuracy"] == pytest.approx(0.9)
    assert rows[1].metrics["trial/loss"] == pytest.approx(0.7)
    assert place.is_relative_to(tmp_path / "scratch") and not list(tmp_path.glob("*/" + FOLDER))[1:]


def test_sweeps_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By as much of their paths as it takes; one given twice is shown once."""
    folders = [one(tmp_path / "a" / "same"), one(tmp_path / "b" / "same")]
    assert boards.board_of([*map(Sweep, folders)], tmp_path / "scratch").names == ("a/same", "b/same")


def test_an_interrupted_sweep_says_so(tmp_path: Path) -> None:
    """Its trials are neither running nor a success, and can go on."""
    cut = SegmentInterrupted(trial=0, segment=1, cause="drained", t=2.0)
    ended = DriverEnded(driver=1, reason="interrupted", t=9, at=200.0)
    sweep = written(tmp_path / "s", opened(asked()), driver(), *proposed(0, SGD), report(0, 1, 0.5), cut, ended)
    _, [row], _ = served(tmp_path / "scratch", sweep)
    assert (row.status, row.values["ending"], row.metrics["trial/loss"]) == ("unknown", "interrupted", 0.5)


def test_a_sweep_without_a_trial_can_be_looked_at(tmp_path: Path) -> None:
    """The columns are there before the rows."""
    sweep = written(tmp_path / "sweep", opened(experiment()), driver(), END)
    found, rows, _ = served(tmp_path / "scratch", sweep)
    assert [info.name for info in found.hparam_infos] == ["x"] and rows == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_its_own_folder_goes_however_it_ends(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to end, or its terminal closed, while it draws; and served, when Ctrl+C comes."""
    scratches: list[Path] = []
    drawn = boards.board_of

    def told_to_end(sweeps: Any, scratch: Path) -> Any:
        scratches.append(scratch)
        shown = drawn(sweeps, scratch)
        if len(scratches) == 1:
            os.kill(os.getpid(), number)
        return shown

    monkeypatch.setattr(boarding, "board_of", told_to_end)
    monkeypatch.setattr(boarding, "served", lambda *_: "http://127.0.0.1:6009/")
    monkeypatch.setattr(boarding, "LOOKED_S", 0.0)
    monkeypatch.setattr(boards.Copy, "look", interrupted)
    before = signal.getsignal(number)
    sweeps = [str(one(tmp_path / "a")), str(one(tmp_path / "b"))]
    assert main(["board", *sweeps]) == 130
    assert main(["board", *sweeps]) == 0
    assert len(scratches) == 2 and not any(scratch.exists() for scratch in scratches)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("port", ["-1", "65536", "x", "80.5"])
def test_what_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what is allowed, before anything is looked at."""
    assert main(["board", "nowhere", "--port", port]) == 2
    assert capsys.readouterr().err == (
        f"error: --port {port}: that is no port. Allowed are 1 to 65535, and 0 for any that is free; leave --port "
        "out, and a free one from 6006 is found.\n"
    )


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Another program listens there; nothing else is tried behind the user's back."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as refused:
            boarding.served(tmp_path, port)
    [fault] = refused.value.faults
    assert fault.startswith(f"--port {port}: TensorBoard cannot listen there (")
    assert fault.endswith("Allowed is any port that no other program has; leave --port out, and a free one is found.")


def test_the_line_for_another_machine_has_the_port_it_really_got(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one that was asked for."""
    monkeypatch.setattr(socket, "gethostname", lambda: "node7")
    assert boarding.said(["a", "b"], ["val_loss", "R2 &#"], "http://127.0.0.1:6009/") == [
        "TensorBoard shows a, b at http://127.0.0.1:6009/   (Ctrl+C ends it)",
        "hyperparameters:      http://127.0.0.1:6009/#hparams",
        "curves of the metric: http://127.0.0.1:6009/?tagFilter=%5E%28val_loss%7CR2%5C%20%5C%26%5C%23%29%24#timeseries",
        "from another machine: ssh -L 6009:127.0.0.1:6009 node7   and open the same address there",
    ]


@pytest.mark.parametrize(("trials", "told"), [(500, 4), (501, 5)])
def test_that_many_runs_are_not_ticked_is_said(
    tmp_path: Path, trials: int, told: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TensorBoard shows empty charts there, without a word."""
    proposals = [each for number in range(trials) for each in proposed(number, SGD)[:1]]
    written(tmp_path / "sweep", opened(asked()), driver(), *proposals, END)
    monkeypatch.setattr(boarding, "served", lambda *_: "http://127.0.0.1:6009/")
    monkeypatch.setattr(boarding, "LOOKED_S", 0.0)
    monkeypatch.setattr(boards.Own, "look", interrupted)
    assert main(["board", str(tmp_path / "sweep")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == told
    assert (
        told == 4
        or lines[-1] == "of more than 500 trials TensorBoard draws none unasked: tick the box above their list"
    )


def test_metrics_of_shipped_trainables_are_explained(tmp_path: Path) -> None:
    """Their own words, without running what the sweep's folder names; of a stranger's trainable nothing is known."""
    first = opened(asked(metric="loss"))
    first.asks["trainable"] = "image_classifier"
    known = written(tmp_path / "known", first, driver(), *proposed(0, SGD), report(0, 1, 0.5, val_accuracy=0.9), END)
    assert boards.described(Sweep(known)) == {
        "val_accuracy": "fraction of the validation images classified correctly after the epoch"
    }
    assert boards.described(Sweep(one(tmp_path / "unknown"))) == {}


@pytest.mark.parametrize("ledger", sorted(STORED.rglob("ledger.jsonl")), ids=lambda path: path.parent.name)
def test_sweeps_of_older_versions_are_shown(tmp_path: Path, ledger: Path) -> None:
    """Alone, and beside one of today; each trial that has begun is a row with its value."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / LEDGER).write_bytes(ledger.read_bytes())
    begun = [trial for trial in Sweep(folder).history.trials.values() if trial.segments or trial.ended]
    _, rows, _ = served(tmp_path / "scratch", folder)
    assert [row.title for row in rows] == [f"{trial.number:04d}" for trial in begun]
    metric = f"trial/{Sweep(folder).history.asks['metric']}"
    values = {row.title: row.metrics.get(metric) for row in rows}
    assert values == {
        f"{trial.number:04d}": None if trial.value is None else pytest.approx(trial.value, rel=1e-6) for trial in begun
    }
    _, rows, _ = served(tmp_path / "both", folder, one(tmp_path / "new"))
    assert len(rows) == len(begun) + 1
