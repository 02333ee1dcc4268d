"""Writes the tables of docs/trainables.md from the code: `python scripts/trainables_page.py [--check]`.

`--check` changes nothing and exits 1 with the differing lines when the page is not what the code says.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from _kept_section import keep_section  # noqa: E402 - beside this file

import trainables  # noqa: E402 - the checkout's own, installed or not
from trainables import Trainable, datasets  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PAGE = REPOSITORY / "docs" / "trainables.md"
BEGIN, END = "<!-- tables: written by scripts/trainables_page.py -->", "<!-- end of the tables -->"


def shipped() -> list[Trainable[Any]]:
    """Give every public trainable, by name."""
    values = (getattr(trainables, name) for name in trainables.__all__)
    return sorted({value for value in values if isinstance(value, Trainable)}, key=lambda value: value.name)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Give the lines of a Markdown table."""
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"


def alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the schemas of which a value has to satisfy one."""
    return list(schema.get("anyOf", [schema]))


def kind(schema: Mapping[str, Any]) -> str:
    """Say the type of a field."""
    words = []
    for each in alternatives(schema):
        if "enum" in each:
            words += [f"`{json.dumps(value)}`" for value in each["enum"]]
        elif "const" in each:
            words.append(f"`{json.dumps(each['const'])}`")
        elif each.get("type") == "array":
            of = kind(each["items"]) if isinstance(each.get("items"), dict) else "values"
            words.append(f"list of {of}")
        else:
            names = {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "null": "None"}
            words.append(names.get(each.get("type", ""), "dict"))
    return " or ".join(dict.fromkeys(words))


def bounds(schema: Mapping[str, Any]) -> str:
    """Say the range of a field as an interval; a round bracket leaves the bound out."""
    intervals = []
    for each in alternatives(schema):
        of = each.get("items", each) if each.get("type") == "array" else each
        low, above = of.get("minimum"), of.get("exclusiveMinimum")
        high, below = of.get("maximum"), of.get("exclusiveMaximum")
        if (low, above, high, below) == (None,) * 4:
            continue
        left = f"({number(above)}" if above is not None else "(-inf" if low is None else f"[{number(low)}"
        right = f"{number(below)})" if below is not None else "inf)" if high is None else f"{number(high)}]"
        intervals.append(f"{left}, {right}")
    return " or ".join(dict.fromkeys(intervals))


def number(value: float) -> str:
    """Write a bound briefly."""
    if isinstance(value, int) and value > 10**9 and value & (value - 1) == 0:
        return f"2^{value.bit_length() - 1}"
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


def configuration(trainable: Trainable[Any]) -> Iterator[str]:
    """Give the table of a trainable's hyperparameters: its own first, then those that it shares with others."""
    config_type = trainable.config_type
    properties = config_type.model_json_schema()["properties"]
    defaults = {
        name: "" if field.is_required() else f"`{json.dumps(field.get_default(call_default_factory=True))}`"
        for name, field in config_type.model_fields.items()
    }
    homes = [vars(each).get("__annotations__", {}) for each in config_type.__mro__]
    names = sorted(properties, key=lambda name: next(at for at, home in enumerate(homes) if name in home))
    head = ("hyperparameter", "type", "unit", "range", "default", "what it is")
    yield from table(
        head,
        (
            (
                f"`{name}`",
                kind(schema),
                schema.get("unit", ""),
                bounds(schema),
                defaults[name],
                schema.get("description", ""),
            )
            for name in names
            for schema in [properties[name]]
        ),
    )


def literals(trainable: Trainable[Any], field: str) -> list[str]:
    """Give the names that a field of a configuration may have."""
    found = trainable.config_type.model_fields.get(field)
    return [value for value in flattened(found.annotation) if isinstance(value, str)] if found else []


def flattened(annotation: Any) -> Iterator[Any]:
    """Give the innermost arguments of a type."""
    for argument in get_args(annotation):
        yield argument
        yield from flattened(argument)


def data_sets() -> Iterator[str]:
    """Give the table of the data sets: one file of `trainables/datasets` each."""
    rows = []
    for module in sorted(
        each.name for each in pkgutil.iter_modules(datasets.__path__) if not each.name.startswith("_")
    ):
        what = (inspect.getdoc(importlib.import_module(f"trainables.datasets.{module}")) or "").splitlines()[0]
        users = [f"`{trainable.name}`" for trainable in shipped() if module in literals(trainable, "dataset")]
        rows.append((f"[`{module}`](../trainables/datasets/{module}.py)", ", ".join(users), what))
    yield from table(("`dataset`", "of", "what it is"), rows)


def models() -> Iterator[str]:
    """Give the table of the networks that `model` may name."""
    rows = []
    for trainable in shipped():
        for name in literals(trainable, "model"):
            what = (inspect.getdoc(getattr(trainables, name)) or "").splitlines()[0]
            rows.append((f"`{name}`", f"`{trainable.name}`", what.removeprefix("Return ")))
    yield from table(("`model`", "of", "what it is"), rows)


def sections() -> str:
    """Give the part of the page between the two marks."""
    lines = [BEGIN, ""]
    for trainable in shipped():
        first = (inspect.getdoc(sys.modules[trainable.train.__module__]) or "").splitlines()[0]
        lines += [f"## `{trainable.name}`", "", first, "", *configuration(trainable), ""]
        lines += ["What it reports, once an epoch:", ""]
        lines += [*table(("metric", "what it is"), ((f"`{name}`", said) for name, said in trainable.metrics.items()))]
        lines += ["", "What `sweep confirm` measures on the test part:", ""]
        tested = ((f"`{name}`", said) for name, said in trainable.test_metrics.items())
        lines += [*table(("metric", "what it is"), tested), ""]
    lines += ["## Data sets", "", *data_sets(), "", "## Models", "", *models(), ""]
    return "\n".join([*lines, END])


if __name__ == "__main__":
    sys.exit(keep_section(PAGE, sections()))
