"""`docs/reliability.md` says where every promise, fault, bad input and security check is tested, and it is so."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")

NOT_OURS = {"B7", "B8", "S13"}
"""Numbers without a row: what they were about is not in this package."""
ROWS = [
    f"{letter}{number}"
    for letter, most in {"G": 13, "F": 30, "B": 35, "S": 22}.items()
    for number in range(1, most + 1)
    if f"{letter}{number}" not in NOT_OURS
]
NOT_HERE = "not testable on one machine"


@cache
def files_by_row() -> dict[str, set[str]]:
    """Each row to the files with tests that bear its name, such as `test_f7_a_full_disk`."""
    found: dict[str, set[str]] = {}
    for file in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for row in re.findall(r"(?<=_)([fbsg]\d+)(?=_)", node.name):
                    found.setdefault(row.upper(), set()).add(file.relative_to(REPOSITORY).as_posix())
    return found


@pytest.mark.parametrize("row", ROWS)
def test_each_row_says_where_it_is_tested(row: str) -> None:
    """A row stands once, with the files whose tests bear its name, or with the reason why there is none."""
    (line,) = re.findall(rf"^\| {row} \|.*$", PAGE, re.MULTILINE)
    named = set(re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\)", line))
    assert named == files_by_row().get(row, set())
    assert named or NOT_HERE in line, f"{row} is tested nowhere and gives no reason"
