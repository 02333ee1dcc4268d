"""`sweep export --optuna`: a sweep as a study in a storage of Optuna's, for its dashboard and its own searchers."""

from __future__ import annotations

import contextlib
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from experiments._sweep.analysis.study import study_of
from experiments._sweep.analysis.texts import storable
from experiments._sweep.analysis.writing import refuse_place
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import sync_folder
from experiments._sweep.redaction import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from experiments._sweep.ledger.history import History

SQLITE = "sqlite"
_FILES = "sqlite:///study.db for a file, postgresql://USER:PASSWORD@HOST/DB for a server"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A study that was written."""

    study: str
    url: str
    """Where, without passwords."""
    trials: int


def stored(history: History, name: str, url: str) -> Stored:
    """Writes the study `name` with all trials of a sweep into the storage at `url`, which has none of this name.

    A file of SQLite's is made for its owner only, and appears when all is in it.

    Args:
        history: The sweep.
        name: Of the study.
        url: As Optuna takes it: `sqlite:///study.db`, `postgresql://USER:PASSWORD@HOST/DB`, `mysql://...`.

    Raises:
        InputError: If there is such a study, or the storage cannot be used.
    """
    storage = _storage(url)
    with _place(storage, url) as at:
        _write(history, name, at, storage, url)
    return Stored(study=name, url=_shown(storage), trials=len(history.trials))


def refuse_storage(url: str) -> None:
    """Refuses what is no storage, before anything slow.

    Raises:
        InputError: If the address cannot be read, is not one of a database, or names a place that cannot be.
    """
    storage = _storage(url)
    file = _file(storage)
    if file is not None:
        refuse_place(file, "--optuna")


def _storage(url: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        storage = make_url(url)
    except (ArgumentError, ValueError) as error:  # its text may hold a password
        raise InputError(f"--optuna: this is no address of a database. Give {_FILES}.") from error
    if storage.get_backend_name() == SQLITE and storage.database in (None, "", ":memory:"):
        raise InputError(f"--optuna: {_shown(storage)} names no file, so nothing would be left of it. Give {_FILES}.")
    return storage


def _file(storage: URL) -> Path | None:
    """The file of an address of SQLite's; None for a server, and for what SQLite reads as an address of its own."""
    database = storage.database or ""
    is_file = storage.get_backend_name() == SQLITE and not database.startswith("file:")
    return Path(database) if is_file else None


def _shown(storage: URL) -> str:
    """The address without passwords: neither before the host nor among what follows a question mark."""
    query = dict.fromkeys(storage.query, "***")
    return storage.set(query=query).render_as_string(hide_password=True)


@contextlib.contextmanager
def _place(storage: URL, url: str) -> Iterator[str]:
    """Where to write: a file beside the one that is asked for, moved there in the end, or the storage as it is."""
    file = _file(storage)
    if file is None or file.exists():
        yield url
        return
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield storage.set(database=str(beside)).render_as_string(hide_password=False)
        beside.rename(file)
        sync_folder(file.absolute().parent)
    finally:
        beside.unlink(missing_ok=True)


def _write(history: History, name: str, at: str, storage: URL, url: str) -> None:
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    there: Any = None
    try:
        there = optuna.storages.RDBStorage(at)
        with _removed_where_it_fails(there, name):
            study_of(history, name, there)
    except optuna.exceptions.DuplicatedStudyError as error:
        raise InputError(
            f"--optuna: {_shown(storage)} has a study called '{name}' already, and a study is written as a whole. Give "
            "another file or database, or remove it first: optuna delete-study --study-name "
            f"{shlex.quote(name)} --storage URL"
        ) from error
    except (SQLAlchemyError, optuna.exceptions.OptunaError, ImportError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--optuna: {_shown(storage)} cannot be used: {_without(str(error), storage, url)}. Give {_FILES}."
        ) from error
    finally:
        if there is not None:
            there.remove_session()
            there.engine.dispose()


@contextlib.contextmanager
def _removed_where_it_fails(storage: Any, name: str) -> Iterator[None]:
    """Takes a study that was begun out again where writing it fails."""
    import optuna

    try:
        yield
    except optuna.exceptions.DuplicatedStudyError:  # somebody else's
        raise
    except BaseException:
        with contextlib.suppress(Exception):  # a server that is gone keeps what it has
            optuna.delete_study(study_name=storable(name), storage=storage)
        raise


def _without(text: str, storage: URL, url: str) -> str:
    """The first line of a message without what is secret in an address."""
    line = (text.strip().splitlines() or ["no reason given"])[0].rstrip(".")
    password = "" if storage.password is None else str(storage.password)
    values = [each for value in storage.query.values() for each in ([value] if isinstance(value, str) else value)]
    secrets = [url, password, quote(password, safe=""), *values]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        line = line.replace(secret, REDACTED)
    return line
