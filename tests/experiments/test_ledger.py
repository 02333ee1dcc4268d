"""The ledger: what is written is read, torn ends are cut, damage is refused, a failed write leaves no trace."""

import dataclasses
import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments._sweep.ledger.files import LEDGER, LedgerError, LedgerWriter, is_sweep, read
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.lines import decode, encode
from experiments._sweep.ledger.records import (
    KINDS,
    SCHEMA,
    DriverEnded,
    DriverStarted,
    EpochReported,
    Record,
    SegmentInterrupted,
    SegmentStarted,
    SweepOpened,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.ledger.trial_history import flat
from tests.experiments.conftest import driver, entries, experiment, opened

FEW = settings(max_examples=60, deadline=None, derandomize=True)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["float", "n", "crc", "kind", "é"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
DICTS = st.dictionaries(st.text(max_size=5) | st.just("float"), JSON, max_size=3)


def proposed(trial: int, config: dict[str, Any] | None = None) -> TrialProposed:
    """A new trial."""
    return TrialProposed(trial=trial, config=config or {"x": trial}, origin="random", made_at=0, t=0.1)


def segment(trial: int, number: int = 1, t: float = 0.2) -> SegmentStarted:
    """A stretch of training begins."""
    return SegmentStarted(trial=trial, segment=number, t=t)


def epoch(trial: int, number: int, loss: float, *, t: float = 1.0, **more: Any) -> EpochReported:
    """A result of a trial's first segment."""
    told = {"segment": 1, "action": "continue", **more}
    return EpochReported(trial=trial, epoch=number, metrics={"epoch": number, "loss": loss}, t=t, **told)


def ended(trial: int, ending: str, t: float = 9.0) -> TrialEnded:
    """An ending without a result."""
    return TrialEnded(trial=trial, ending=ending, why="because", traceback="", t=t)


def some_records() -> list[Record]:
    """A short sweep with one record of every kind."""
    return [
        opened(experiment()),
        driver(),
        proposed(0),
        segment(0),
        epoch(0, 1, 0.5),
        SegmentInterrupted(trial=0, segment=1, cause="lost", why="it died", t=2.0),
        ended(0, "lost"),
        DriverEnded(driver=1, reason="finished", t=3.0, at=5.0),
    ]


def values_of(kind: type[Record]) -> st.SearchStrategy[Record]:
    """Any record of one kind."""
    by_type = {
        "int": st.integers(0, 2**40),
        "int | None": st.none() | st.integers(0, 2**40),
        "float": st.floats(),
        "str": st.text(st.characters(codec=None), max_size=20),
        "str | None": st.none() | st.text(max_size=5),
        "dict[str, Any]": DICTS,
        "dict[str, Any] | None": st.none() | DICTS,
        "dict[str, float]": st.dictionaries(st.text(max_size=3), st.floats(), max_size=2),
        "dict[str, str] | None": st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        "list[dict[str, Any]]": st.lists(DICTS, max_size=2),
        "dict[str, str]": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    }
    strategies = {each.name: by_type[str(each.type)] for each in dataclasses.fields(kind)}
    if kind in (SweepOpened, DriverStarted):
        strategies["schema"] = st.just(1)
    return st.builds(kind, **strategies)


def same(one: Any, other: Any) -> bool:
    """Equality in which NaN is itself, and True is not 1."""
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        return type(one) is type(other) and same(vars(one), vars(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and bool(one == other)


def written(folder: Path, records: list[Record]) -> Path:
    """A ledger with the records."""
    path = folder / LEDGER
    writer = LedgerWriter(path)
    for record in records:
        writer.append([record])
    writer.close()
    return path


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_kind_of_record_comes_back(kind: type[Record]) -> None:
    """NaN and infinities, half surrogate pairs, nested dicts, even such as look like our own notation."""

    @FEW
    @given(values_of(kind), st.integers(0, 10**9))
    def comes_back(record: Record, n: int) -> None:
        line = encode(n, record)
        assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
        json.loads(line, parse_constant=pytest.fail)  # JSON for everybody, not Python's dialect
        entry = decode(line[:-1])
        assert entry.n == n and same(entry.record, record)

    comes_back()


def test_a_ledger_counts_its_lines(tmp_path: Path) -> None:
    """Counters are line numbers, also over several writers and groups; files are private."""
    path = written(tmp_path, some_records()[:3])
    writer = LedgerWriter(path)
    assert writer.counter == 3
    group = writer.append([segment(0), epoch(0, 1, 0.5)])
    writer.close()
    assert [entry.n for entry in group] == [3, 4]
    assert [entry.n for entry in read(path)] == [0, 1, 2, 3, 4]
    assert [entry.record for entry in read(path)] == some_records()[:5]
    assert path.stat().st_mode & 0o777 == 0o600


def test_f9_torn_at_every_byte_of_the_last_records_the_longest_prefix_is_left(tmp_path: Path) -> None:
    """The reader changes nothing, the writer cuts the torn line off and goes on where the whole ones end."""
    path = written(tmp_path, some_records())
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    for size in range(len(content) - len(lines[-1]) - len(lines[-2]), len(content) + 1):
        path.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        assert len(read(path)) == whole
        assert path.read_bytes() == content[:size]
        writer = LedgerWriter(path)
        assert writer.counter == whole
        assert writer.torn_bytes == size - sum(map(len, lines[:whole]))
        writer.append([ended(0, "error")])
        writer.close()
        assert path.read_bytes() == b"".join(lines[:whole]) + encode(whole, ended(0, "error"))


def test_a_last_line_with_lost_bytes_is_torn(tmp_path: Path) -> None:
    """A machine that goes down may write a line's end and not its middle: that line was never acknowledged."""
    path = written(tmp_path, some_records())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + bytes(len(lines[-1]) - 1) + b"\n")
    assert len(read(path)) == len(lines) - 1
    LedgerWriter(path).close()
    assert path.read_bytes() == b"".join(lines[:-1])


@FEW
@given(st.data())
def test_f9_g6_a_flipped_byte_in_the_middle_is_refused_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever byte it is and whatever it becomes; writer and reader name file and line and change nothing."""
    path = written(tmp_path_factory.mktemp("ledger"), some_records())
    content = path.read_bytes()
    middle = len(b"".join(content.splitlines(keepends=True)[:-2]))
    at = data.draw(st.integers(0, middle - 1))
    damaged = bytearray(content)
    damaged[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    line = 1 + content[:at].count(b"\n")
    for opening in (read, LedgerWriter):
        with pytest.raises(LedgerError) as refused:
            opening(path)
        assert str(refused.value).startswith(f"{path}, line {line}: ")
        assert "restore" in str(refused.value)
    assert path.read_bytes() == damaged


def test_a_missing_or_doubled_line_is_refused(tmp_path: Path) -> None:
    """Each line is right by itself; the counter tells that one is gone."""
    path = written(tmp_path, some_records())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(LedgerError, match=r"line 3: its counter is 3, not 2"):
        read(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """Also where its first line has fields of which nothing is known here: the cure is an update, not a repair."""
    path = tmp_path / LEDGER
    first = dataclasses.replace(opened(experiment()), schema=SCHEMA + 1)
    path.write_bytes(encode(0, first))
    with pytest.raises(LedgerError, match=r"written in format 4; this version reads up to 3\. Update raysweeps\."):
        read(path)

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Later(SweepOpened):
        mood: str

    path.write_bytes(encode(0, Later(**vars(first), mood="good")))
    with pytest.raises(LedgerError, match="Update raysweeps"):
        LedgerWriter(path)


def test_what_a_newer_driver_went_on_with_is_refused(tmp_path: Path) -> None:
    """A sweep that began in this format may have been resumed by a later version."""
    path = tmp_path / LEDGER
    path.write_bytes(encode(0, opened(experiment())) + encode(1, dataclasses.replace(driver(), schema=SCHEMA + 1)))
    with pytest.raises(LedgerError, match="Update raysweeps"):
        read(path)


def test_a_ledger_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The reader says which file; a name too long for a file is no sweep."""
    with pytest.raises(LedgerError, match=r"ledger\.jsonl: cannot be read"):
        read(tmp_path / LEDGER)
    assert not is_sweep(tmp_path / ("x" * 300))


class FullDisk:
    """Fails at call number `at` of a function of `os`, after having written half of what it was given."""

    def __init__(self, name: str, at: int) -> None:
        self.real, self.at, self.calls = getattr(os, name), at, 0

    def __call__(self, file: int, *content: Any) -> Any:
        """Write, or fail."""
        self.calls += 1
        writes = bool(content) and isinstance(content[0], bytes)
        if self.calls == self.at:
            if writes:
                self.real(file, content[0][: len(content[0]) // 2], content[1])
            raise OSError(errno.ENOSPC, "No space left on device")
        if writes and len(content[0]) > 1:  # a short write, as an almost full disk gives
            return self.real(file, content[0][: len(content[0]) // 2 + 1], content[1])
        return self.real(file, *content)


@pytest.mark.parametrize(("name", "at"), [*(("pwrite", at) for at in range(1, 9)), ("fdatasync", 1)])
def test_g7_a_full_disk_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, at: int
) -> None:
    """Wherever the write fails: byte-identical, and the writer goes on once there is room."""
    path = written(tmp_path, some_records()[:4])
    before = path.read_bytes()
    writer = LedgerWriter(path)
    with monkeypatch.context() as full:
        full.setattr(os, name, FullDisk(name, at))
        with pytest.raises(OSError, match="No space left"):
            writer.append([epoch(0, 1, 0.5), epoch(0, 2, 0.25)])
    assert path.read_bytes() == before and writer.counter == 4
    writer.append([epoch(0, 1, 0.5)])
    writer.close()
    assert path.read_bytes() == before + encode(4, epoch(0, 1, 0.5))


def test_a_failed_clean_up_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When even cutting fails, the next write cuts first, so that no remains stand behind it."""
    path = written(tmp_path, some_records()[:4])
    before = path.read_bytes()
    writer = LedgerWriter(path)
    with monkeypatch.context() as gone:
        gone.setattr(os, "fdatasync", FullDisk("fdatasync", 1))
        gone.setattr(os, "ftruncate", FullDisk("ftruncate", 1))
        with pytest.raises(OSError, match="No space left"):
            writer.append([epoch(0, 1, 0.5), epoch(0, 2, 0.25)])
    writer.append([ended(0, "error")])
    writer.close()
    assert path.read_bytes() == before + encode(4, ended(0, "error"))


def test_a_driver_that_slept_does_not_write_over_its_successor(tmp_path: Path) -> None:
    """Whoever finds lines that it has not written stops, and the lines stay."""
    path = written(tmp_path, some_records()[:2])
    sleeper, successor = LedgerWriter(path), LedgerWriter(path)
    successor.append([proposed(0)])
    after = path.read_bytes()
    with pytest.raises(OSError, match="another driver has written"):
        sleeper.append([proposed(1)])
    sleeper.close()
    successor.close()
    assert path.read_bytes() == after


# The history that is folded from it


def told(*records: Record, mode: str = "min") -> History:
    """The history of a sweep with these records after its first two."""
    return History(entries(opened(experiment(mode=mode)), driver(), *records))


def test_best_means_the_best_epoch_not_the_last_one() -> None:
    """In both modes, with its own epoch, the first where two are equal; NaN never."""
    losses = [0.5, 0.2, math.nan, 0.2, 0.9]
    reports = [epoch(0, n, loss) for n, loss in enumerate(losses, 1)]
    low = told(proposed(0), segment(0), *reports).trials[0]
    assert (low.value, low.epoch, low.losses) == (0.2, 2, {1: 0.5, 2: 0.2, 4: 0.2, 5: 0.9})
    high = told(proposed(0), segment(0), *reports, mode="max").trials[0]
    assert (high.value, high.epoch, high.losses) == (0.9, 5, {1: -0.5, 2: -0.2, 4: -0.2, 5: -0.9})


def test_where_the_last_record_counts_more_folds_come_before_a_lucky_one() -> None:
    """A cross-validated trial is worth its newest estimate, and one that was given up after a fold does not win."""
    folds = experiment()
    counted = dataclasses.replace(folds, trainable=dataclasses.replace(folds.trainable, counts="last"))
    history = History(
        entries(
            opened(counted),
            driver(),
            *(record for trial in range(3) for record in (proposed(trial), segment(trial))),
            epoch(0, 1, 0.1),
            epoch(0, 2, 0.3, action="stop", ending="completed"),
            epoch(1, 1, 0.05, action="stop", ending="stopped"),
            epoch(2, 1, 0.4),
            epoch(2, 2, 0.2, action="stop", ending="completed"),
        )
    )
    assert [(trial.number, trial.value, trial.epoch) for trial in history.ranked] == [
        (2, 0.2, 2),
        (0, 0.3, 2),
        (1, 0.05, 1),
    ]


@pytest.mark.parametrize(("mode", "winner"), [("min", 1), ("max", 3)])
def test_the_best_trial_is_the_first_of_equals_and_none_that_failed(mode: str, winner: int) -> None:
    """A diverged trial does not win by what it had before, a held one can."""
    history = told(
        *(record for trial in range(6) for record in (proposed(trial), segment(trial))),
        epoch(0, 1, 0.5, action="stop", ending="completed"),
        epoch(1, 1, 0.25, action="hold"),
        epoch(2, 1, 0.25, action="stop", ending="stopped"),
        epoch(3, 1, 0.75),
        epoch(4, 1, 0.0 if mode == "min" else 1.0),
        epoch(4, 2, math.nan, action="stop", ending="diverged"),
        mode=mode,
    )
    assert history.best is not None and history.best.number == winner
    assert told(proposed(0), segment(0)).best is None


def test_a_new_driver_finds_running_trials_interrupted() -> None:
    """A lost driver's segment says so; held and ended trials stay what they are."""
    history = told(
        *(record for trial in range(3) for record in (proposed(trial), segment(trial))),
        epoch(0, 1, 0.5),
        epoch(1, 1, 0.5, action="hold"),
        ended(2, "error"),
    )
    assert [trial.state for trial in history.trials.values()] == ["running", "held", "error"]
    history.apply(entries(*some_records()[:2])[1])
    assert [trial.state for trial in history.trials.values()] == ["interrupted", "held", "error"]
    assert (history.trials[0].segments[0].cause, history.trials[1].segments[0].cause) == ("driver", "")
    assert history.driver == 1 and len(history.drivers) == 2 and history.end is None


def test_waiting_is_not_training() -> None:
    """The seconds of a held trial end at its rung, whenever it is let go; those of a running one at its end."""
    waited = told(proposed(0), segment(0, t=1.0), epoch(0, 1, 0.5, t=3.0, action="hold"), ended(0, "stopped", t=90.0))
    assert waited.trials[0].seconds == 2.0
    failed = told(proposed(0), segment(0, t=1.0), epoch(0, 1, 0.5, t=3.0), ended(0, "error", t=9.0))
    assert failed.trials[0].seconds == 8.0


def test_flat_joins_nested_keys_by_dots() -> None:
    """An empty dict is a value of its own."""
    assert flat({"a": {"b": {"c": 1}, "d": {}}, "e": [1]}) == {"a.b.c": 1, "a.d": {}, "e": [1]}
