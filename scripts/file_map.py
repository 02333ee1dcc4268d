"""Writes the map of files in README.md from the first sentence of each file: `python scripts/file_map.py [--check]`.

`--check` changes nothing and exits 1 with the differing lines when the map is not what the files say.
"""

import ast
import sys
from pathlib import Path

from _kept_section import keep_section

REPOSITORY = Path(__file__).resolve().parent.parent
README = REPOSITORY / "README.md"
FOLDERS = ("search_spaces", "trainables", "experiments", "scripts")
BEGIN, END = "<!-- file map: written by scripts/file_map.py -->", "<!-- end of the file map -->"


def first_line(file: Path) -> str:
    """Give the first line of a module's docstring, or of the comment under a script's `#!`."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py" or "python" in text.partition("\n")[0]:
        said = ast.get_docstring(ast.parse(text)) or ""
    else:
        comments = (line[1:].strip() for line in text.splitlines() if line.startswith("#"))
        said = next((line for line in comments if not line.startswith(("!", "shellcheck"))), "")
    if not said:
        sys.exit(f"{file.relative_to(REPOSITORY)} does not say what it is: give it a docstring (or a comment) first")
    return said.splitlines()[0]


def is_mapped(file: Path) -> bool:
    """Tell whether a file belongs in the map: sources and scripts, not what running them leaves behind."""
    return file.is_file() and file.suffix in {".py", ".sh", ""} and "__pycache__" not in file.parts


def file_map() -> str:
    """Give the section between the two marks, one line per file."""
    lines = [BEGIN]
    for folder in FOLDERS:
        lines += ["", f"**`{folder}/`**", ""]
        files = (file for file in (REPOSITORY / folder).rglob("*") if is_mapped(file))
        # A package first, then its files, then the packages in it.
        for file in sorted(files, key=lambda file: (file.parent, file.name != "__init__.py", file.name)):
            path = file.relative_to(REPOSITORY).as_posix()
            lines.append(f"- [`{path.removeprefix(folder + '/')}`]({path}): {first_line(file)}")
    return "\n".join([*lines, "", END])


if __name__ == "__main__":
    sys.exit(keep_section(README, file_map()))
