"""The cache of decoded data: once per node, whole or not there, known by its content, within its limit."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from trainables import __main__ as command
from trainables._training.data import progress
from trainables._training.data.cache import content
from trainables._training.data.cache import folder as cache_folder
from trainables._training.data.cache.decoded import Creating, Decoded, NoRoomError, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]

# What a process of its own decodes: it says when it has begun, and waits until it may go on.
PROGRAM = """
import sys
from pathlib import Path
from trainables._training.data.cache.decoded import decoded

def build(create):
    array = create("numbers", (1000,), "int64")
    array[:500] = 1
    print("building", flush=True)
    sys.stdin.readline()
    array[500:] = 2
    return {"by": sys.argv[2]}

print("ready", flush=True)
found = decoded("small", [Path(sys.argv[1])], {}, build)
print(int(found.arrays["numbers"].sum()), found.facts["by"], flush=True)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a cache of the test's own."""
    monkeypatch.setenv("RAYSWEEPS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a file to decode."""
    path = tmp_path / "source" / "numbers.txt"
    path.parent.mkdir()
    path.write_text("1 2 3")
    return path


class Counting:
    """A build of some bytes that counts how often it is called."""

    def __init__(self, size: int = 1000) -> None:
        self.calls, self.size = 0, size

    def __call__(self, create: Creating) -> dict[str, Any]:
        """Count the call and fill one array."""
        self.calls += 1
        create("numbers", (self.size // 8,), "int64")[:] = np.arange(self.size // 8)
        return {"columns": ["a", "b"]}


def _small(source: Path, build: Callable[[Creating], dict[str, Any]], **options: Any) -> Decoded:
    return decoded("small", [source], options, build)


def _entries() -> set[str]:
    return {entry.folder.name for entry in cache_folder.entries()}


@pytest.fixture
def started(source: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Give the function that starts a process that decodes the source; whichever are left are killed."""
    processes = []

    def start(name: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", PROGRAM, str(source), name]
        process = subprocess.Popen(arguments, cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_decoded_once(source: Path) -> None:
    """The second who asks gets the same arrays and facts without decoding."""
    build = Counting()
    first, second = _small(source, build), _small(source, build)
    assert build.calls == 1
    assert first.key == second.key
    assert second.facts == {"columns": ["a", "b"]}
    assert torch.equal(second.arrays["numbers"], torch.arange(125))
    assert torch.equal(first.arrays["numbers"], second.arrays["numbers"])


def test_two_processes_build_once(started: Callable[[str], subprocess.Popen[str]]) -> None:
    """While one process decodes, another one waits for it and then takes what it made."""
    first = started("first")
    assert [_line(first), _line(first)] == ["ready", "building"]
    second = started("second")
    assert _line(second) == "ready"
    assert first.communicate("\n")[0] == "1500 first\n"
    assert second.communicate("\n")[0] == "1500 first\n"


@pytest.mark.parametrize("same", [True, False])
def test_killed_build_is_not_used(
    same: bool, started: Callable[[str], subprocess.Popen[str]], source: Path, cache: Path
) -> None:
    """A process killed while it decodes leaves no entry and no lock, and the next build, of whatever, clears up."""
    killed = started("killed")
    assert [_line(killed), _line(killed)] == ["ready", "building"]
    killed.kill()
    killed.wait()
    assert _entries() == set()
    assert len(list(cache.glob(".building-*"))) == 1
    build = Counting()
    decoded("small" if same else "other", [source], {}, build)
    assert build.calls == 1
    assert not list(cache.glob(".building-*"))


def test_build_under_way_is_left_alone(
    started: Callable[[str], subprocess.Popen[str]], tmp_path: Path, cache: Path
) -> None:
    """What another process is building now is not taken for a leftover."""
    running = started("running")
    assert [_line(running), _line(running)] == ["ready", "building"]
    other = tmp_path / "other"
    other.write_text("x")
    _small(other, Counting())
    cache_folder.clear()
    assert len(list(cache.glob(".building-*"))) == 1
    assert running.communicate("\n")[0] == "1500 running\n"


@pytest.mark.parametrize("damage", ["cut", "no meta", "bad meta", "no array"])
def test_damaged_entry_is_built_again(damage: str, source: Path, cache: Path) -> None:
    """An entry whose files are not as its meta.json says is replaced."""
    build = Counting()
    _small(source, build)
    [entry] = cache.glob("small-*")
    match damage:
        case "cut":
            os.truncate(entry / "numbers.bin", 999)
        case "no meta":
            (entry / "meta.json").unlink()
        case "bad meta":
            (entry / "meta.json").write_text('{"format": 1, "arr')
        case "no array":
            (entry / "numbers.bin").unlink()
    assert torch.equal(_small(source, build).arrays["numbers"], torch.arange(125))
    assert build.calls == 2
    assert list(cache.glob("small-*")) == [entry]


def test_key_follows_content_and_options(source: Path, tmp_path: Path) -> None:
    """Other content, options or names give another entry; a copy elsewhere, of another age, gives the same."""
    build = Counting()
    key = _small(source, build).key
    copy = tmp_path / "elsewhere" / source.name
    copy.parent.mkdir()
    shutil.copy(source, copy)
    os.utime(copy, (1, 1))
    assert _small(copy, build).key == key
    assert build.calls == 1
    renamed = source.with_name("other.txt")
    shutil.copy(source, renamed)
    keys = {key, _small(source, build, size=8).key, _small(renamed, build).key, decoded("b", [source], {}, build).key}
    source.write_text("1 2 4")  # as many bytes as before
    keys.add(_small(source, build).key)
    assert len(keys) == 5 == build.calls


def test_content_is_read_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts later knows a file by size, times and inode, and reads it again when they differ."""
    reads = []
    real = content._digest
    monkeypatch.setattr(content, "_digest", lambda paths: reads.append(paths) or real(paths))
    monkeypatch.setattr(content, "_TOO_YOUNG_NS", 0)
    for _ in range(3):
        content._known.clear()  # as in another process
        _small(source, Counting())
    assert len(reads) == 1
    os.utime(source, (1, 1))
    _small(source, Counting())
    assert len(reads) == 2


def test_file_just_written_is_read_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could change again within the same tick of the clock is not remembered."""
    monkeypatch.setattr(content, "_TOO_YOUNG_NS", 10**12)
    first = _small(source, Counting()).key
    stat = source.stat()
    source.write_text("3 2 1")
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    monkeypatch.setattr(content, "_fingerprint", lambda _paths: ("0" * 64, stat.st_ctime_ns))
    assert _small(source, Counting()).key != first


def test_limit_removes_what_was_not_used_for_longest(
    source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit, entries go by their last use; the one that was just built stays."""
    keys = {}
    for number in (1, 2, 3):
        keys[number] = _small(source, Counting(8000), number=number).key
        os.utime(cache / f"small-{keys[number]}", (number, number))
    used = _small(source, Counting(8000), number=1)
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", "0.00002")  # two entries with their meta.json
    keys[4] = _small(source, Counting(8000), number=4).key
    assert _entries() == {f"small-{keys[number]}" for number in (1, 4)}
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", "0.000009")
    _small(source, Counting(8000), number=5)
    assert len(_entries()) == 1
    assert int(used.arrays["numbers"].sum()) == sum(range(1000))  # mapped, so it stays for who has it


def test_room_is_made_before_it_is_needed(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old entries go before new data is written: on a disk that they have filled there is no room for it yet."""
    old = _small(source, Counting(8000), number=1).key
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", "0.000009")
    entries_while_building = []

    def build(create: Creating) -> dict[str, Any]:
        create("numbers", (1000,), "int64")
        entries_while_building.append(_entries())
        return {}

    new = _small(source, build, number=2).key
    assert entries_while_building == [set()]
    assert _entries() == {f"small-{new}"} != {f"small-{old}"}


def test_only_the_user_can_read_it(source: Path, cache: Path) -> None:
    """Decoded data may be private: folders have mode 0700, files 0600."""
    _small(source, Counting())
    modes = {path: path.stat().st_mode & 0o777 for path in (cache, *cache.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) >= 6


def test_writing_to_an_array_reaches_nobody(source: Path, cache: Path) -> None:
    """Arrays are mapped copy-on-write: a trainable that writes to its inputs harms itself alone."""
    first = _small(source, Counting())
    before = {file: file.read_bytes() for file in cache.rglob("*.bin")}
    first.arrays["numbers"].fill_(7)
    assert {file: file.read_bytes() for file in cache.rglob("*.bin")} == before
    assert torch.equal(_small(source, Counting()).arrays["numbers"], torch.arange(125))


def test_empty_arrays_and_facts_alone(source: Path) -> None:
    """An array without rows, and an entry without arrays, are kept like others."""

    def build(create: Creating) -> dict[str, Any]:
        create("none", (0, 3), "float32")
        return {"mean": [0.5]}

    for _ in range(2):
        found = _small(source, build)
        assert found.arrays["none"].shape == (0, 3)
        assert found.arrays["none"].dtype is torch.float32
        assert found.facts == {"mean": [0.5]}


def test_failed_build_leaves_nothing(source: Path, cache: Path) -> None:
    """What stops a build is told as it is, and nothing of the build stays."""

    def build(create: Creating) -> dict[str, Any]:
        create("numbers", (10,), "int64")
        raise ValueError("3 images cannot be read")

    with pytest.raises(ValueError, match="3 images cannot be read"):
        _small(source, build)
    assert not [path for path in cache.iterdir() if path.name not in {".locks", ".index"}]


def test_no_room(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than the limit is refused with both sizes before it is written."""
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", "0.0001")
    with pytest.raises(NoRoomError, match=r"small takes 0\.0002 GB decoded.* may have 0\.0001 GB") as caught:
        _small(source, Counting(200_000))
    assert caught.value.errno == errno.ENOSPC
    assert not [path for path in cache.iterdir() if path.name not in {".locks", ".index"}]


def test_full_disk_is_no_room(source: Path, cache: Path) -> None:
    """The blocks are claimed before they are written to: a full disk is an error, not a signal that kills."""
    program = (
        "import resource, sys; from pathlib import Path; from trainables._training.data.cache.decoded import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: decoded('small', [Path(sys.argv[1])], {}, lambda create: {'x': create('n', (10**6,), 'int64').fill(1)})\n"
        "except NoRoomError as error: print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(source)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{errno.ENOSPC}\n"
    assert not [path for path in cache.iterdir() if path.name not in {".locks", ".index"}]


def test_home_that_cannot_be_written_to(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a place that was asked for, data is decoded into memory, and one line says so."""
    monkeypatch.delenv("RAYSWEEPS_CACHE")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # not a folder: nobody can write there, root neither
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert torch.equal(_small(source, Counting()).arrays["numbers"], torch.arange(125))
    [record] = caplog.records
    assert f"{tmp_path}/file/raysweeps/decoded cannot be written to (Not a directory)" in record.getMessage()
    assert "RAYSWEEPS_CACHE" in record.getMessage()


def test_chosen_place_that_cannot_be_written_to(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that was asked for and cannot be had is an error: what, which, what is allowed, what to do."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RAYSWEEPS_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(OSError, match="RAYSWEEPS_CACHE is") as caught:
        _small(source, Counting())
    assert caught.value.strerror == (
        f"RAYSWEEPS_CACHE is {tmp_path}/file/below, which cannot be written to (Not a directory); it takes a folder "
        "for decoded data that this user may write to; name another one, or leave it out for "
        "~/.cache/raysweeps/decoded"
    )


def test_place_of_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """RAYSWEEPS_CACHE comes first, then XDG_CACHE_HOME, then ~/.cache."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAYSWEEPS_CACHE", "~/mine")
    assert cache_folder.cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("RAYSWEEPS_CACHE")
    assert cache_folder.cache_dir() == tmp_path / ".cache" / "raysweeps" / "decoded"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder.cache_dir() == tmp_path / "xdg" / "raysweeps" / "decoded"


@pytest.mark.parametrize("given", ["much", "-1", "nan", "inf"])
def test_limit_that_is_no_size(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that cannot be read is refused with what it takes."""
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", given)
    with pytest.raises(ValueError, match=f"RAYSWEEPS_CACHE_GB is '{given}'; it takes .* RAYSWEEPS_CACHE_GB=20"):
        cache_folder.limit_bytes()


def test_limit_leaves_half_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the limit, half of what is free stays so."""
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", "1e9")
    assert 0 < cache_folder.limit_bytes() <= shutil.disk_usage("/").total / 2


def test_limit_of_a_place_that_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home that the system refuses to look into has the room of the folder above it."""
    monkeypatch.setenv("RAYSWEEPS_CACHE", str(tmp_path / ("too_long" * 100) / "below"))  # refused to root, too
    assert cache_folder.limit_bytes() > 0


def test_bad_name(source: Path) -> None:
    """A name becomes a folder, so that it takes no other characters."""
    with pytest.raises(ValueError, match=r"decoded: name is '\.\./x'; it takes small letters"):
        decoded("../x", [source], {}, Counting())


def test_further_process_needs_no_memory(source: Path) -> None:
    """A process that uses what another one has mapped adds under 10 MB to the memory in use."""
    size = 40_000_000
    mine = decoded("small", [source], {}, Counting(size)).arrays["numbers"]
    expected = int(mine.sum())
    program = (
        "import re, sys; from pathlib import Path; from trainables._training.data.cache.decoded import decoded\n"
        "import torch; torch.set_num_threads(1); torch.ones(9).sum()\n"
        "def private():\n"
        "    return sum(map(int, re.findall('Private_.*: +(.*) kB', open('/proc/self/smaps_rollup').read())))\n"
        "before = private()\n"
        "found = decoded('small', [Path(sys.argv[1])], {}, None)\n"
        "print(int(found.arrays['numbers'].sum()), private() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(source)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    total, kilobytes = map(int, done.stdout.split())
    assert total == expected
    assert kilobytes < 10_000


def test_long_work_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What takes seconds says what it does and how many are done; what is quick says nothing."""
    progress.Progress("decoding images", 5000).advance(64)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    progress.Progress("decoding images", 5000).advance(1064)
    assert capsys.readouterr().err == "decoding images: 1,064 of 5,000\n"


def test_command_lists_and_clears(source: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m trainables cache` lists entries with size and last use, and `--clear` removes them."""
    key = _small(source, Counting(8_000_000)).key
    assert command.main(["cache"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == ["8.0", "MB"]
    assert first.endswith(f"small-{key}")
    assert f"1 entries, 8.0 MB, in {cache}; limit" in last
    assert command.main(["cache", "--clear"]) == 0
    assert f"removed 1 entries, 8.0 MB, in {cache}" in capsys.readouterr().out
    assert {path.name for path in cache.iterdir()} == {".locks"}
