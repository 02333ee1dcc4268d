"""What the documents say is so: their code runs, their links lead somewhere, their commands exist."""

import ast
import importlib
import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainables import CheckpointFolder, Trainable

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
README, TRAINABLES = REPOSITORY / "README.md", REPOSITORY / "docs" / "trainables.md"


def blocks(language: str, document: Path = README) -> list[str]:
    """Every fenced block of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


PYTHON = [block for document in (README, TRAINABLES) for block in blocks("python", document)]


def anchors(text: str) -> set[str]:
    """The anchors that a document's headings make."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def executed(block: str) -> dict[str, Any]:
    """Run a block as a module of its own and give its names."""
    names: dict[str, Any] = {"__name__": "documented"}
    exec(compile(block, "documented.py", "exec"), names)  # noqa: S102 - the documents of this repository
    return names


@pytest.mark.parametrize("block", PYTHON)
def test_code_in_the_documents_imports_names_that_exist(block: str) -> None:
    """A reader who copies a block meets no ImportError."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                assert hasattr(module, alias.name) or importlib.util.find_spec(submodule), f"{submodule} is not there"


@pytest.mark.parametrize("block", [block for block in PYTHON if re.search(r"^experiment = ", block, re.MULTILINE)])
def test_documented_experiments_pass_their_checks(block: str) -> None:
    """An experiment checks itself when it is made, so making it is the test."""
    assert executed(block)["experiment"].num_trials > 0


@pytest.mark.parametrize("block", [block for block in PYTHON if "Trainable(" in block])
def test_documented_trainables_train_and_resume(block: str, tmp_path: Path) -> None:
    """A trainable from the page reports what it promises, and goes on after an interruption as if there were none."""
    (trainable,) = (value for value in executed(block).values() if isinstance(value, Trainable))
    whole = list(trainable.epochs({"epochs": 3}))
    assert all(set(trainable.metrics) <= set(record) for record in whole)
    (first,) = itertools.islice(trainable.epochs({"epochs": 3}, CheckpointFolder(tmp_path, segment=1)), 1)
    again, *rest = trainable.epochs({"epochs": 3}, CheckpointFolder(tmp_path, segment=2))
    assert again == first
    names = ["epoch", *trainable.metrics]
    assert [[record[name] for name in names] for record in (again, *rest)] == [
        [record[name] for name in names] for record in whole
    ]


def test_a_trainable_from_parts_is_short_and_the_same_in_both_documents() -> None:
    """Under 30 lines, and README and page do not drift apart."""
    (readme,) = (block for block in blocks("python") if "train_supervised" in block)
    assert readme == blocks("python", TRAINABLES)[0]
    assert len(readme.splitlines()) < 30


def test_the_first_example_is_the_file_it_names() -> None:
    """The README shows `experiments/digits_mlp.py` as it is."""
    assert blocks("python")[0] == (REPOSITORY / "experiments" / "digits_mlp.py").read_text(encoding="utf-8")


def test_commands_in_the_readme_exist() -> None:
    """Each `sweep WORD` and each option is one that the command line knows, and each script is there."""
    text = README.read_text(encoding="utf-8")
    commands = set(re.findall(r"`sweep (\w+)", text))
    shown = subprocess.run(
        [sys.executable, "-m", "experiments", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert commands <= set(re.findall(r"\w+", shown.stdout))
    for script in set(re.findall(r"(?<![\w/])scripts/[\w/.]*\w", text)):
        assert (REPOSITORY / script).is_file(), f"README.md names {script}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link names a file or a folder of the repository, and an anchor a heading."""
    text = document.read_text(encoding="utf-8")
    # Code is no text: `dict[str, Any](...)` in a block is not a link.
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", prose):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), f"{document.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{document.name}: no heading for {target}"


@pytest.mark.parametrize("script", ["trainables_page.py", "policies_table.py", "file_map.py"])
def test_what_is_written_from_the_code_is_right(script: str) -> None:
    """Hyperparameters, searchers, schedulers and files stand in the documents as the code has them."""
    checked = subprocess.run(
        [sys.executable, f"scripts/{script}", "--check"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_changelog_names_the_version_in_the_making() -> None:
    """The version of pyproject.toml has its section."""
    version = re.search(
        r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version
    assert f"## [{version[1]}]" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_document_names_the_machine_it_was_written_on() -> None:
    """Paths of somebody's machine and addresses of package indexes do not belong in a repository."""
    foreign = re.compile(r"/(?:work|home|root|Users)/|index-url|find-links|https?://\S+/simple\b")
    for file in [*DOCUMENTS, *REPOSITORY.glob("*.t*"), *(REPOSITORY / "scripts").iterdir()]:
        if file.is_file():
            found = foreign.search(file.read_text(encoding="utf-8"))
            assert not found, f"{file.name} has {found and found[0]!r}"
