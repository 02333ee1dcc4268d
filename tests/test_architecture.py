"""The arrows between and inside the folders, and what may stand in a file. It reads the sources and imports nothing."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("search_spaces", "trainables", "experiments")
OURS = (*PACKAGES, "scripts", "tests")

# Which folders of this repository a package may import, itself aside.
FOLDERS = {"search_spaces": set(), "trainables": set(), "experiments": {"search_spaces", "trainables"}}

# The same for the rooms of experiments/_sweep: a subpackage, or a file beside them. One that is not here fails.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "redaction": set(),
    "policy": set(),
    "ledger": {"errors"},
    "store": {"errors", "ledger"},
    "checkpoints": {"ledger", "store"},
    "names": {"errors", "ledger", "store"},
    "lookup": {"names"},
    "proposing": {"policy"},
    "foreign": {"policy"},
    "checks": {"foreign", "names", "policy", "redaction"},
    "experiment": {"checks", "errors", "redaction"},
    "ray_refusals": {"names"},
    "travelled": set(),
    "importing": {"errors", "experiment", "ray_refusals", "travelled"},
    "registry": {"errors", "experiment", "importing", "names", "travelled"},
    "cluster": {"engine", "errors", "ray_refusals", "travelled"},
    "engine": {
        *("errors", "foreign", "ledger", "names", "policy", "proposing", "redaction", "registry", "store", "travelled"),
    },
    "views": {"ledger", "store"},
    "watching": {"views"},
    "sweep": {"checkpoints", "errors", "ledger", "names", "store"},
    "options": {"checks", "cluster", "engine", "errors", "names", "store"},
    "overrides": {"checks", "errors", "experiment", "ledger", "names", "registry"},
    "disk": {"checks", "engine", "errors", "experiment", "ledger", "options", "store"},
    "working": {"cluster", "engine", "errors", "ledger", "options"},
    "elsewhere": {"checks", "ledger", "redaction"},
    "driving": {"cluster", "disk", "elsewhere", "engine", "ledger", "options", "registry", "store", "sweep", "working"},
    "start": {
        *("checks", "disk", "driving", "engine", "errors", "experiment", "ledger", "names", "options", "overrides"),
        *("registry", "sweep", "travelled", "views", "checkpoints", "store"),
    },
    "statistics": set(),
    "derived": {
        *("driving", "engine", "errors", "experiment", "export", "ledger", "options", "overrides", "policy"),
        *("redaction", "registry", "start", "statistics", "sweep", "views", "watching", "checkpoints", "store"),
    },
    "export": {"errors", "ledger", "sweep", "views"},
    "analysis": {"derived", "errors", "ledger", "redaction", "views"},
    "report": {"analysis", "derived", "errors", "ledger", "sweep", "views"},
    "command_line": {
        *(
            "analysis",
            "cluster",
            "derived",
            "disk",
            "driving",
            "engine",
            "errors",
            "export",
            "foreign",
            "importing",
            "ledger",
        ),
        *(
            "names",
            "options",
            "overrides",
            "redaction",
            "registry",
            "report",
            "start",
            "store",
            "sweep",
            "views",
            "watching",
        ),
    },
}

# Doors: a value's method that starts the machinery above it, imported inside the method. Importer, imported: reason.
DOORS = (
    {
        ("experiments._sweep.experiment", f"experiments._sweep.{room}"): "experiment.run(...) is the way in from Python"
        for room in ("importing", "options", "registry", "start.rerunning", "start.starting", "watching")
    }
    | {
        (
            "experiments._sweep.sweep",
            f"experiments._sweep.derived.{module}",
        ): "a sweep is confirmed and replayed from Python"
        for module in ("exporting", "finding", "from_python")
    }
    | {
        ("experiments._sweep.sweep", f"experiments._sweep.analysis.{module}"): "a sweep's table is asked for in Python"
        for module in ("table", "texts")
    }
    | {("experiments._sweep.sweep", "experiments._sweep.report.making"): "a sweep's page is asked for in Python"}
)

# What is allowed nowhere but here, with its reason.
MAY_PICKLE: dict[str, str] = {
    "experiments._sweep.checks.closures": "asks whether Ray can send a trainable to a process; keeps none",
}


@cache
def sources() -> dict[str, Path]:
    """Every module of the three packages with its file."""
    files = (file for package in PACKAGES for file in sorted((REPOSITORY / package).rglob("*.py")))
    relative = {file: file.relative_to(REPOSITORY).with_suffix("").parts for file in files}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): file for file, parts in relative.items()}


@cache
def tree(file: Path) -> ast.Module:
    """Parse one file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def is_type_checking(node: ast.AST) -> bool:
    """Tell whether a node is `if TYPE_CHECKING:`, whose imports never run."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything below a node that can run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and is_type_checking(child):
            for other in child.orelse:
                yield other
                yield from running_nodes(other)
        else:
            yield child
            yield from running_nodes(child)


@cache
def imported(module: str) -> frozenset[str]:
    """Every dotted name that a module imports, at module level and inside functions, as `package.module.name`."""
    file, names = sources()[module], set()
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in running_nodes(tree(file)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return frozenset(names)


def owner(name: str) -> str | None:
    """Give the module of this project that a dotted name lies in, or None for names from outside."""
    while name and name not in sources():
        name = name.rpartition(".")[0]
    return name or None


def room(module: str) -> str | None:
    """Give the room of experiments/_sweep that a module belongs to."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["experiments", "_sweep"] and len(parts) > 2 else None


def is_door(module: str, name: str) -> bool:
    """Tell whether an import is one of the few that may point upwards."""
    return (module, owner(name)) in DOORS


def broken(rule: str, faults: list[str]) -> None:
    """Fail with the rule and every place that breaks it."""
    assert not faults, rule + "".join(f"\n  {fault}" for fault in sorted(faults))


def test_imports_between_the_folders_point_one_way() -> None:
    """Spaces and trainables know nothing of each other nor of experiments, and nobody imports scripts or tests."""
    broken(
        "an arrow points the wrong way:",
        [
            f"{module} imports {name}"
            for module in sources()
            for name in imported(module)
            if (there := name.split(".")[0]) in OURS and there not in FOLDERS[here := module.split(".")[0]] | {here}
        ],
    )


def test_search_spaces_are_ray_domains_and_nothing_else() -> None:
    """A space stays readable and quick to import: the standard library and `ray.tune`."""
    allowed = sys.stdlib_module_names | {"search_spaces"}
    broken(
        "search_spaces imports more than the standard library and ray.tune:",
        [
            f"{module} imports {name}"
            for module in sources()
            for name in imported(module)
            if module.split(".")[0] == "search_spaces"
            and name.split(".")[0] not in allowed
            and f"{name}.".split(".")[:2] != ["ray", "tune"]
        ],
    )


def test_one_file_of_trainables_knows_ray() -> None:
    """A training loop works without Ray; one adapter takes it to Ray."""
    knowing = {
        module
        for module in sources()
        if module.split(".")[0] == "trainables" and any(name.split(".")[0] == "ray" for name in imported(module))
    }
    assert len(knowing) <= 1, f"Ray is imported by several files of trainables: {sorted(knowing)}"


def test_private_parts_are_used_inside_their_folder_only() -> None:
    """What begins with an underscore can change without asking anybody outside the folder that has it."""
    faults = []
    for module in sources():
        for name in imported(module):
            parts = name.split(".")
            private = [at for at, part in enumerate(parts) if part.startswith("_") and not part.endswith("__")]
            if parts[0] not in PACKAGES or not private:
                continue
            # The innermost underscore decides: experiments._sweep._x belongs to experiments._sweep.
            folder = ".".join(parts[: private[-1]])
            if not f"{module}.".startswith(f"{folder}."):
                faults.append(f"{module} imports {name}, private to {folder}")
    broken("a private part is imported from outside its folder:", faults)


def test_no_import_cycles() -> None:
    """Modules can be read, tested and moved one after another; an import hidden in a function counts too."""
    graph = {
        module: {owner(name) for name in imported(module) if not is_door(module, name)} - {None, module}
        for module in sources()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("import cycle: " + " <- ".join(error.args[1]))


def test_rooms_of_the_machinery_keep_their_order() -> None:
    """What shows a sweep reads the ledger alone, and what runs one knows nothing of who shows it."""
    rooms = {here for module in sources() if (here := room(module))}
    assert rooms <= set(MAY_IMPORT), f"rooms without a line in MAY_IMPORT: {sorted(rooms - set(MAY_IMPORT))}"
    broken(
        "a room imports one that MAY_IMPORT does not grant it:",
        [
            f"{module} imports {name}"
            for module in sources()
            for name in imported(module)
            if (here := room(module))
            and (there := room(owner(name) or ""))
            and there not in MAY_IMPORT[here] | {here}
            and not is_door(module, name)
        ],
    )


@pytest.mark.parametrize("module", sorted(sources()))
def test_file_is_short_and_named_for_what_it_does(module: str) -> None:
    """About 200 lines fit a head; 300 is the end, and nothing gathers in a drawer called utils."""
    file = sources()[module]
    assert file.stem not in {"utils", "util", "helpers", "common", "misc"}, f"{file.name} says nothing of its content"
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= 300, f"{module} has {lines} lines; split it where it has two subjects"


@pytest.mark.parametrize("module", sorted(sources()))
def test_file_neither_runs_what_it_reads_nor_hides_what_failed(module: str) -> None:
    """No pickle, no unsafe torch.load, no shell, no silenced exception: a sweep folder may come from anywhere."""
    faults = []
    for node in ast.walk(tree(sources()[module])):
        text = ast.unparse(node) if isinstance(node, ast.Call | ast.keyword) else ""
        if isinstance(node, ast.keyword) and text in {"weights_only=False", "shell=True"}:
            faults.append(f"line {node.value.lineno}: {text}")
        if isinstance(node, ast.Call) and text.startswith("torch.load(") and "weights_only=True" not in text:
            faults.append(f"line {node.lineno}: torch.load without weights_only=True")
        if isinstance(node, ast.ExceptHandler) and [type(line) for line in node.body] == [ast.Pass]:
            faults.append(f"line {node.lineno}: except that only passes; say contextlib.suppress and why")
    if module not in MAY_PICKLE:
        unpicklers = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
        faults += [f"imports {name}" for name in imported(module) if unpicklers & set(name.split("."))]
    broken(f"{module}:", faults)
