"""Secrets: what counts as one, and every text of a record without them.

A secret is a string under a name such as `api_key` or `db_password`, a field of pydantic's `SecretStr`, or the value
of an environment variable so named. Records have `<redacted>` in its place; trials get it from the experiment.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REDACTED = "<redacted>"
_NAME = re.compile(
    r"(?:^|_)(?:token|secret|password|passwd|passphrase|credentials?|(?:api|access|private|secret|encryption)_?key)$",
    re.IGNORECASE,
)
_OF_TEXTS = re.compile(r"(?:^|_)(?:bos|cls|end|eos|mask|pad|sep|start|stop|unk)_token$", re.IGNORECASE)
"""Tokens of a vocabulary, which are hyperparameters."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word begins in `dbPassword` and `HFToken`."""
LONG = 8
"""Characters from which a secret is looked for inside other words; values of the environment count only from here."""
SHORTEST = 4
"""Characters from which a secret of the configuration is looked for outside its own place: as a word of its own."""
LONG_LINE = 16
"""Characters from which a line of a secret of several lines, such as a private key, is one by itself."""
DEEPEST = 20
FREE = ("config", "metrics", "why", "traceback", "question", "details", "trials", "refused", "answer", "learned")
"""Fields of records in which people, trainables and searchers write what they like."""

R = TypeVar("R")


@cache
def named_like_a_secret(name: str) -> bool:
    """Whether the value under a name is a secret; of a path the last name counts."""
    last = _HUMP.sub("_", re.split(r"[./]", name)[-1].replace("-", "_"))
    return _NAME.search(last) is not None and _OF_TEXTS.search(last) is None


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The secrets of an experiment: those of its configuration. They travel to its trials, in memory only."""

    names: frozenset[str] = frozenset()
    """Fields of `SecretStr`, whatever they are called."""
    values: frozenset[str] = dataclasses.field(default=frozenset(), repr=False)
    """What stands under such names in the space."""
    metric: str = ""
    """The name of the metric that is compared: it stays, whatever it holds."""

    @classmethod
    def of(cls, space: Any, config_type: Any = None, metric: str = "") -> Secrets:
        """Those of a space, which may be anything, for a trainable's type of configuration."""
        names = frozenset(_secret_fields(config_type, set()))
        return cls(names=names, values=frozenset(_under_names(space, names)), metric=metric)

    def has(self, name: object) -> bool:
        """Whether a name is that of a secret."""
        return isinstance(name, str) and (name.rpartition(".")[2] in self.names or named_like_a_secret(name))


class Redactor:
    """Takes secrets out of whatever is to be kept: those of an experiment, and those of this process's environment."""

    def __init__(self, secrets: Secrets | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._secrets = secrets or Secrets()
        self._environment = dict(os.environ if environment is None else environment)

    @cached_property
    def _long(self) -> re.Pattern[str] | None:
        around = {value for name, value in self._environment.items() if named_like_a_secret(name)}
        long = [value for value in {*around, *self._secrets.values} if len(value) >= LONG and value not in REDACTED]
        return _any_of({form for value in long for form in _forms(value)})

    @cached_property
    def _short(self) -> re.Pattern[str] | None:
        short = {value for value in self._secrets.values if SHORTEST <= len(value) < LONG and value not in REDACTED}
        return _any_of(short, words=True)

    def text(self, text: str) -> str:
        """The text with `<redacted>` in the place of each secret in it."""
        for pattern in (self._long, self._short):
            text = text if pattern is None else pattern.sub(REDACTED, text)
        return text

    def value(self, value: Any, *, secret: bool = False, depth: int = 0) -> Any:
        """A value in JSON without secrets: strings under the name of one, and any text that holds one.

        Args:
            value: Anything; what is no dict, list or text stays as it is.
            secret: Whether it stands under such a name.
            depth: Levels above it.
        """
        if value is None or isinstance(value, int | float):  # nearly all that is recorded
            return value
        if isinstance(value, str):
            return REDACTED if secret and value else self.text(value)
        if depth > DEEPEST:
            return value
        if isinstance(value, Mapping):
            return {
                key: self.value(each, secret=secret or self._secrets.has(key), depth=depth + 1)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, secret=secret, depth=depth + 1) for each in value]
        return value

    def finds(self, value: Any, *, secret: bool = False) -> bool:
        """Whether there is a secret in a value."""
        return any(True for _ in redacted_paths(self.value(value, secret=secret)))

    def whose(self, value: Any) -> str:
        """Which secret a value holds, in words that do not have it."""
        for name, secret in self._environment.items():
            if named_like_a_secret(name) and Redactor(None, {name: secret}).finds(value):
                return f"the value of the environment variable {name}"
        return "a secret of the space"

    def metrics(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """As `value`, names of metrics included: nothing is read back by a name that holds a secret."""
        values = dict(self.value(metrics))
        return values if self._long is None else self._renamed(values)

    def _renamed(self, metrics: Mapping[Any, Any], depth: int = 0) -> dict[Any, Any]:
        return {
            self._name(key): self._renamed(value, depth + 1) if isinstance(value, dict) and depth < DEEPEST else value
            for key, value in metrics.items()
        }

    def _name(self, key: Any) -> Any:
        if self._long is None or not isinstance(key, str) or key == self._secrets.metric:
            return key
        return self._long.sub(REDACTED.strip("<>"), key)  # as a name of a metric may be written

    def record(self, record: R) -> R:
        """A record of the ledger without secrets; what the sweep itself reads back (paths, names) stays."""
        changed: dict[str, Any] = {}
        for name, value in vars(record).items():
            if name == "metrics":
                new: Any = self.metrics(value)
            elif name == "overrides":
                new = value if "set" not in (value or ()) else {**value, "set": self.value(value["set"])}
            else:
                new = self.value(value) if name in FREE else value
            if new != value:
                changed[name] = new
        return dataclasses.replace(record, **changed) if changed else record  # type: ignore[type-var]


def whole(config: Any, constants: Any) -> Any:
    """A recorded configuration with its secrets, from the constants of the space."""
    if isinstance(config, str):
        return constants if REDACTED in config and isinstance(constants, str) else config
    if isinstance(config, Mapping) and isinstance(constants, Mapping):
        return {key: whole(value, constants[key]) if key in constants else value for key, value in config.items()}
    if isinstance(config, list) and isinstance(constants, list | tuple) and len(config) == len(constants):
        return [whole(value, constant) for value, constant in zip(config, constants, strict=True)]
    return config


def redacted_paths(value: Any, path: str = "") -> Iterator[str]:
    """Where `<redacted>` stands in a configuration."""
    if isinstance(value, str) and REDACTED in value:
        yield path
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from redacted_paths(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from redacted_paths(each, f"{path}[{place}]")


def _under_names(value: Any, names: frozenset[str], *, secret: bool = False, depth: int = 0) -> Iterator[str]:
    """The strings under the names of secrets; a range holds none, for secrets are not searched."""
    if isinstance(value, str):
        if secret and value:
            yield value
    elif depth <= DEEPEST and isinstance(value, Mapping):
        known = Secrets(names=names)
        for key, each in value.items():
            yield from _under_names(each, names, secret=secret or known.has(key), depth=depth + 1)
    elif depth <= DEEPEST and isinstance(value, list | tuple):
        for each in value:
            yield from _under_names(each, names, secret=secret, depth=depth + 1)


def _secret_fields(config_type: Any, seen: set[int]) -> Iterator[str]:
    """Fields of pydantic's secret types, also those of the models inside, each model once."""
    fields = getattr(config_type, "model_fields", None)
    if not isinstance(fields, Mapping) or id(config_type) in seen:
        return
    seen.add(id(config_type))
    for name, field in fields.items():
        kinds = list(_kinds(getattr(field, "annotation", None)))
        if any(kind.__name__ in ("SecretStr", "SecretBytes") for kind in kinds):
            yield name
        for kind in kinds:
            yield from _secret_fields(kind, seen)


def _kinds(annotation: Any) -> Iterator[type]:
    """The classes in a type such as `list[SecretStr] | None`."""
    if isinstance(annotation, type):
        yield annotation
    for each in get_args(annotation):
        yield from _kinds(each)


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a text: as it is, in quotes of Python or JSON, in an address, line by line."""
    yield from (secret, secret.strip(), repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""))
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= LONG_LINE)


def _any_of(texts: Iterable[str], *, words: bool = False) -> re.Pattern[str] | None:
    found = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True) if len(text) >= SHORTEST)
    if not found:
        return None
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)" if words else found)
