"""Names of sweeps: none leads out of the storage folder, and each message says what to do."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments import InputError
from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.names import name_fault, nearest, new_folder, sweep_folder

HOSTILE = [
    *("", ".", "..", "../x", "a/b", "/etc/x", "a/../../x", "~", "~root", "-x", "--json", "_x", ".hidden", "x" * 101),
    *(
        "x\n",
        "x\0",
        "x\x1b[31m",
        "a b",
        "naïve",
        "\uff41",
        "con",
        "CON",
        "nul.txt",
        "Com1",
        "lpt9.log",
        "x/",
        "\\x",
        "C:x",
    ),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused(tmp_path: Path, name: str) -> None:
    """With the rule in words; nothing is made."""
    with pytest.raises(InputError, match=r"--name: .* is (not a name. Use 1 to 100 letters|a name that Windows keeps)"):
        new_folder(tmp_path / "storage", name, "experiment")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("./\\~ -_aZ9\0\n:é") | st.characters(), max_size=130))
@example("x" * 100)
def test_no_name_leaves_the_storage_folder(name: str) -> None:
    """Whatever is allowed is one folder directly inside it."""
    storage = Path("/nowhere/storage")
    try:
        folder = new_folder(storage, name, "experiment")
    except InputError:
        return
    assert folder.resolve().parent == storage and folder.name == name and len(name.encode()) <= 100
    assert not name_fault(name)


def test_the_next_sweep_gets_a_number(tmp_path: Path) -> None:
    """Without a name: the experiment's, then -2, -3; whatever stands there is left alone."""
    for expected in ("mine", "mine-2", "mine-3"):
        folder = new_folder(tmp_path, None, "mine")
        assert folder.name == expected
        folder.mkdir()
    (tmp_path / "mine-4").symlink_to("nothing")
    assert new_folder(tmp_path, None, "mine").name == "mine-5"


def test_a_name_that_exists_is_refused_with_the_way_on(tmp_path: Path) -> None:
    """A sweep with the command that continues it; a folder that is none, or a dangling link, as such."""
    (tmp_path / "old").mkdir()
    with pytest.raises(InputError, match=r"exists and is no sweep. Choose another name"):
        new_folder(tmp_path, "old", "mine")
    (tmp_path / "old" / LEDGER).touch()
    with pytest.raises(
        InputError, match=f"'old' exists in {tmp_path}. To continue it: sweep resume {tmp_path / 'old'}"
    ):
        new_folder(tmp_path, "old", "mine")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"exists and is no sweep"):
        new_folder(tmp_path, "link", "mine")
    (tmp_path / "out").symlink_to(tmp_path.parent)
    with pytest.raises(InputError, match=r"leads out of"):
        new_folder(tmp_path, "out", "mine")


def test_storage_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """By its path."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--storage: .*file is a file. Give a folder."):
        new_folder(tmp_path / "file", None, "mine")


def test_a_sweep_is_found_by_path_by_name_or_as_the_newest(tmp_path: Path) -> None:
    """Names are looked up in the storage folder; a wrong one gets the nearest, too long a one as well."""
    with pytest.raises(InputError, match=r"there is no sweep in .* Start one: sweep run"):
        sweep_folder(None, tmp_path)
    with pytest.raises(InputError, match=r"there is no sweep 'mine' in .*: there is none yet"):
        sweep_folder("mine", tmp_path)
    for age, name in enumerate(("first", "second", "third")):
        (tmp_path / name).mkdir()
        (tmp_path / name / LEDGER).touch()

        os.utime(tmp_path / name / LEDGER, (1000 - age, 1000 - age))
    assert sweep_folder(None, tmp_path).name == "first"
    assert sweep_folder("second", tmp_path) == tmp_path / "second"
    assert sweep_folder(str(tmp_path / "third"), tmp_path / "elsewhere") == tmp_path / "third"
    with pytest.raises(InputError, match=r"there are third, second, first. Did you mean 'second'?"):
        sweep_folder("secnd", tmp_path)
    with pytest.raises(InputError, match=r"there is no sweep"):
        sweep_folder("x" * 300, tmp_path)


def test_nearest_offers_one_name_or_none() -> None:
    """Only where one is near."""
    assert nearest("learning_rte", ["lr", "learning_rate"]) == " Did you mean 'learning_rate'?"
    assert nearest("zzz", ["lr", "learning_rate"]) == ""
