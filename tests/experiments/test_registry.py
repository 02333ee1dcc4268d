"""Experiments are files: found by name or path, imported with their neighbours, refused in their own words."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import InputError, replace
from experiments._sweep.importing import ExperimentImportError
from experiments._sweep.registry import find, from_source, of_value, shipped
from tests.experiments.conftest import experiment as made

ROOT = Path(__file__).resolve().parents[2]

EXPERIMENT = '''"""What is x?"""

from ray import tune

from experiments import ASHA, FIFO, Experiment, Random
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={"lr": tune.loguniform(1e-4, 1e-1)},
    metric="val_loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=2,
    epochs=2,
)
'''

Write = Callable[..., Path]


pytestmark = pytest.mark.usefixtures("fresh_imports")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an experiment's file, the shared one with something replaced."""

    def to(content: str = EXPERIMENT, name: str = "mine", **replaced: str) -> Path:
        for old, new in replaced.items():
            assert old in content
            content = content.replace(old, new)
        path = tmp_path / f"{name}.py"
        path.write_text(content)
        return path

    return to


def refusal(path: Path) -> str:
    """What is said of a file that cannot be used."""
    with pytest.raises(InputError) as refused:
        find(str(path))
    return str(refused.value)


def test_listing_imports_neither_torch_nor_ray() -> None:
    """It reads docstrings."""
    say = "import sys\nfrom experiments._sweep.command_line import main\nmain(['list', '--json'])\n"
    say += "loaded = {'torch', 'ray', 'numpy', 'pydantic', 'rich'} & set(sys.modules)\nassert not loaded, loaded"
    shown = subprocess.run([sys.executable, "-c", say], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = json.loads(shown.stdout)
    assert [each["name"] for each in listed] == [each.name for each in shipped()]
    assert all(
        (each.keys() == {"name", "question"} and each["question"].endswith(".")) or "?" in each["question"]
        for each in listed
    )


def test_listing_takes_less_than_half_a_second() -> None:
    """The best of five runs of the whole command, so that a busy machine does not decide."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "experiments", "list"], cwd=ROOT, capture_output=True, check=True)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.45


def test_every_file_of_the_folder_is_found_by_its_name() -> None:
    """Each is an experiment, with the question of its docstring."""
    assert {"digits_mlp", "mnist_random"} <= {each.name for each in shipped()}
    for each in shipped():
        found = find(each.name)
        assert (found.name, found.question) == (each.name, each.question)
        assert from_source(found.source).experiment is found.experiment
        assert of_value(found.experiment, None).source == {"kind": "shipped", "name": each.name}


def test_an_unknown_name_gets_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the list of what there is; a file of that name is pointed to."""
    with pytest.raises(InputError, match=r"there is no experiment 'digit_mlp': there are .*Did you mean 'digits_mlp'?"):
        find("digit_mlp")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    with pytest.raises(InputError, match=r"It is a file here: add .py"):
        find("mine")
    with pytest.raises(InputError, match=r"there is no such file"):
        find("other.py")


def test_a_file_anywhere_is_an_experiment(write: Write) -> None:
    """Found by path, again from its source, and again from its value."""
    path = write()
    found = find(str(path))
    assert (found.name, found.question, found.where) == ("mine", "What is x?", str(path))
    assert found.source == {"kind": "file", "name": "mine", "path": str(path)}
    assert from_source(found.source).experiment is found.experiment
    assert of_value(found.experiment, None).source == found.source


def test_a_value_in_no_file_needs_a_name() -> None:
    """And cannot be found again, which is said when it is looked for."""
    value = made()
    with pytest.raises(InputError, match=r"stands in no file, so it has no name. Give one: experiment.run\(name="):
        of_value(value, None)
    found = of_value(value, "tried")
    assert found.experiment is value and found.source == {"kind": "python", "name": "tried"}
    with pytest.raises(InputError, match=r"'tried' was started from a Python value that lies in no file"):
        from_source(found.source)
    with pytest.raises(InputError, match=r"no such file"):
        from_source({"kind": "file", "name": "gone", "path": "/nowhere/gone.py"})


def test_modules_that_import_lazily_are_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for the file of a value does not ask every module of the process for an attribute."""

    class Lazy(type(sys)):  # type: ignore[misc]
        def __getattr__(self, name: str) -> object:
            raise ImportError(name)

    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    assert of_value(made(), "tried").name == "tried"


def test_a_file_without_an_experiment_says_what_it_has(write: Write) -> None:
    """Nothing, or experiments of other names."""
    assert "has no `experiment = Experiment(...)`; it has no Experiment at all" in refusal(write("x = 1\n", "empty"))
    two = EXPERIMENT.replace("experiment = Exp", "first = Exp") + "second = first\n"
    assert "it has first, second. Call the one to run `experiment`" in refusal(write(two, "two"))


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("raise RuntimeError('mine')", "RuntimeError: mine"),
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("sys = __import__('sys'); sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_file_that_raises_shows_its_own_traceback(write: Write, line: str, last: str) -> None:
    """From its own first frame on: nothing of ours stands above it."""
    path = write(f'"""Why?"""\n{line}\n')
    with pytest.raises(ExperimentImportError) as refused:
        find(str(path))
    shown = refused.value.shown.splitlines()
    assert shown[0] == "Traceback (most recent call last):" and shown[-1] == last
    assert f'File "{path}", line 2, in <module>' in shown[1] and "registry.py" not in refused.value.shown
    assert str(refused.value) == f"{path} does not import; its own traceback is above."


def test_a_syntax_error_points_at_its_line(write: Write) -> None:
    """As Python does."""
    path = write('"""Why?"""\nx = (\n')
    with pytest.raises(ExperimentImportError) as refused:
        find(str(path))
    assert f'File "{path}", line 2' in refused.value.shown and "SyntaxError" in refused.value.shown


def test_an_unknown_option_is_named(write: Write) -> None:
    """Of a scheduler, of a searcher and of Experiment itself, with the nearest."""
    path = write(**{"FIFO()": "ASHA(grace_periood=1)"})
    assert refusal(path).startswith(
        f"{path}: ASHA has no option 'grace_periood' (it has grace_epochs, reduction_factor)"
    )
    assert "Did you mean 'grace_epochs'?" in refusal(path)
    assert "Experiment has no option 'num_trails'" in refusal(write(num_trials="num_trails"))


def test_faults_of_a_file_have_its_path(write: Write) -> None:
    """Each of them."""
    path = write(**{"num_trials=2": "num_trials=0", '"min"': '"mim"'})
    lines = refusal(path).splitlines()
    assert len(lines) == 2 and all(line.startswith(f"{path}: ") for line in lines)


def test_a_file_name_that_is_no_name_is_refused(write: Write) -> None:
    """The file's name becomes the sweep's folder."""
    assert "the file's name is the experiment's name, and 'my exp' is not a name" in refusal(write(name="my exp"))


def test_modules_beside_the_file_are_found(write: Write, tmp_path: Path) -> None:
    """They are imported by their plain names."""
    (tmp_path / "beside_it.py").write_text("TRIALS = 7\n")
    path = write(
        **{
            "from ray import tune": "from ray import tune\nfrom beside_it import TRIALS",
            "=2,\n    ep": "=TRIALS,\n    ep",
        }
    )
    assert find(str(path)).experiment.num_trials == 7


def test_folders_called_as_ours_beside_the_file_hide_nothing(write: Write, tmp_path: Path) -> None:
    """A repository may have an `experiments/` of its own."""
    for name in ("experiments", "trainables", "search_spaces"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the wrong one')\n")
    assert find(str(write())).name == "mine"


def test_the_command_works_from_such_a_repository(write: Write, tmp_path: Path) -> None:
    """Started as `sweep`, from there."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").touch()
    path = write()
    command = Path(sys.executable).parent / "sweep"
    if not command.is_file():
        pytest.skip("the command is not installed here")
    shown = subprocess.run([command, "show", path.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "mine: What is x?" in shown.stdout


def test_a_foreign_trainables_folder_in_front_is_refused_with_both_paths(tmp_path: Path) -> None:
    """On PYTHONPATH it would be found before ours."""
    (tmp_path / "trainables").mkdir()
    (tmp_path / "trainables" / "__init__.py").touch()
    say = f"import sys; sys.path.append({str(ROOT)!r})\n"
    say += "import experiments._sweep.command_line as c\nsys.exit(c.main(['list']))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", say], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 2
    assert str(tmp_path / "trainables") in shown.stderr and str(ROOT / "trainables") in shown.stderr


def test_a_variant_is_four_lines() -> None:
    """`replace` gives a checked copy."""
    assert replace(made(), num_trials=9).num_trials == 9
    with pytest.raises(InputError, match=r"num_trials must be"):
        replace(made(), num_trials=0)


def test_a_file_may_not_start_sweeps_when_it_is_imported(write: Write) -> None:
    """`experiment.run()` at the top level would start a sweep in every trial's process."""
    path = write(EXPERIMENT + "\nexperiment.run()\n")
    with pytest.raises(InputError, match=r"must stand below `if __name__ == '__main__':`"):
        find(str(path))


def test_a_hidden_folder_is_named(write: Write) -> None:
    """Somebody's own `trainables/mine.py` beside the file is not found; both folders are named."""
    path = write("from trainables.mine import x\n")
    (path.parent / "trainables").mkdir()
    with pytest.raises(ExperimentImportError) as refused:
        find(str(path))
    assert f"so the folder {path.parent / 'trainables'} is not found under that name: rename it" in str(refused.value)


def test_code_that_has_moved_is_found_where_the_command_is_given(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G5: resume needs the sweep's folder and the code, wherever that is now."""
    path = write(name="moved")
    source = {"kind": "file", "name": "moved", "path": str(tmp_path / "was" / "here" / "moved.py")}
    with pytest.raises(InputError, match=r"give the command in the folder where moved\.py is now"):
        from_source(source)
    monkeypatch.chdir(path.parent)
    assert from_source(source).source["path"] == str(path)
