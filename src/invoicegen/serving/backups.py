"""Backups of batches, taken while the service runs, and of models; and what puts them back.

An archive is a gzipped tar of a folder whose last member lists the SHA-256 of all others, so one that was cut off or
damaged is told from a whole one. It appears under its name when it is whole.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import gzip
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from invoicegen import __version__
from invoicegen.weights import is_model_folder

Kind = Literal["jobs", "model"]

_SUFFIX: Final = ".tar.gz"
_PARTIAL: Final = ".partial"
_LISTING: Final = "archive.json"
_DATABASE: Final = "jobs.sqlite"
_OF_DATABASE: Final = ("jobs.sqlite-wal", "jobs.sqlite-shm")
_LOCK_TIMEOUT_S: Final = 30


class BackupError(RuntimeError):
    """A backup cannot be made or put back; the message names the file and the mend."""


class _Listing(BaseModel):
    """What an archive holds.

    Attributes:
        kind: Of what it is a backup.
        name: Of the model; empty for jobs.
        version: Of the package that wrote it.
        sha256: Of each file, by its path in the archive.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str
    version: str
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back.

    Attributes:
        kind: Of what it was a backup.
        folder: Where it is now.
        files: How many files it has.
        replaced: Where what was there before is now; None where nothing was.
    """

    kind: Kind
    folder: Path
    files: int
    replaced: Path | None


def back_up_jobs(state: Path, target: Path, keep: int) -> Path:
    """Write the batches of a service, their results and the documents that wait, to an archive.

    The service may run meanwhile. It waits for the time that it takes to make a hard link to each waiting document;
    what is written is the state of that moment.

    Args:
        state: The service's folder of batches, on a file system with hard links.
        target: Folder of archives, made where it is not there.
        keep: How many archives of jobs to keep in it, the newest.

    Returns:
        The archive, ``jobs-<time in UTC>.tar.gz``.

    Raises:
        BackupError: If the folder is not one of a service, is being backed up already, or its database is damaged.
    """
    if not (state / _DATABASE).is_file():
        raise BackupError(
            f"{state} has no {_DATABASE}: name the folder that is the service's setting `state`"
        )
    with _locked(state / "backup-lock", f"another backup of {state} runs: wait for its end"):
        snapshot = state / f"backup{_PARTIAL}"
        shutil.rmtree(snapshot, ignore_errors=True)  # of a backup that was killed
        snapshot.mkdir(mode=0o700)
        try:
            _snapshot(state, snapshot)
            stamp = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%fZ}"
            archive = _pack(snapshot, target / f"jobs-{stamp}{_SUFFIX}", "jobs", "")
        except sqlite3.DatabaseError as error:
            raise BackupError(
                f"{state / _DATABASE} cannot be read ({error}): try again where the service has just started; "
                "otherwise take an older backup"
            ) from error
        finally:
            shutil.rmtree(snapshot)
    for old in sorted(target.glob(f"jobs-*{_SUFFIX}"))[:-keep]:
        old.unlink()
    return archive


def _snapshot(state: Path, snapshot: Path) -> None:
    """The database of one moment, and hard links to the documents that waited then."""
    database = state / _DATABASE
    with (
        closing(sqlite3.connect(database, timeout=_LOCK_TIMEOUT_S, isolation_level=None)) as writer,
        closing(sqlite3.connect(database, timeout=_LOCK_TIMEOUT_S, isolation_level=None)) as reader,
        closing(sqlite3.connect(snapshot / _DATABASE, isolation_level=None)) as copy,
    ):
        writer.execute("BEGIN IMMEDIATE")  # nobody else writes from here on
        try:
            waiting = writer.execute("SELECT batch, number FROM documents WHERE result IS NULL")
            for batch, number in waiting.fetchall():
                folder = snapshot / "documents" / batch
                folder.mkdir(parents=True, exist_ok=True)
                (folder / str(number)).hardlink_to(state / "documents" / batch / str(number))
            reader.execute("BEGIN")
            reader.execute(
                "SELECT count(*) FROM batches"
            ).fetchone()  # what it sees is fixed by its first read
        finally:
            writer.execute("ROLLBACK")
        reader.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file
        _check(copy, database)


def back_up_models(models: Path, target: Path) -> list[Path]:
    """Write each model to an archive that is named by its content, unless it is there already.

    Args:
        models: Folder of folders, each a model.
        target: Folder of archives, made where it is not there.

    Returns:
        The archives of all models, ``model-<name>-<start of a hash>.tar.gz``.

    Raises:
        BackupError: If there is no such folder.
    """
    if not models.is_dir():
        raise BackupError(f"{models} is not there: name the folder in which models are")
    archives = []
    for model in sorted(path for path in models.iterdir() if is_model_folder(path)):
        digest = hashlib.sha256()
        for name, path in _files(model).items():
            digest.update(f"{name}\n{_sha256(path)}\n".encode())
        archive = target / f"model-{model.name}-{digest.hexdigest()[:16]}{_SUFFIX}"
        archives.append(archive if archive.is_file() else _pack(model, archive, "model", model.name))
    return archives


def newest_jobs(target: Path) -> Path:
    """The newest archive of jobs in a folder.

    Raises:
        BackupError: If there is none.
    """
    archives = sorted(target.glob(f"jobs-*{_SUFFIX}"))
    if not archives:
        raise BackupError(
            f"{target} has no jobs-*{_SUFFIX}: name an archive, or the folder of `backup create`"
        )
    return archives[-1]


def restore(archive: Path, *, state: Path | None, models: Path | None, replace: bool) -> Restored:
    """Put back what an archive holds, once all of it has been read and checked.

    Args:
        archive: As :func:`back_up_jobs` or :func:`back_up_models` wrote it.
        state: Where jobs go: the folder of a service that does not run.
        models: The folder of models in which a model goes under its name.
        replace: Move aside what is there already; otherwise that is an error.

    Raises:
        BackupError: If the archive is damaged, a service uses ``state``, or something is there already.
    """
    listing = _read_listing(archive)
    if listing.kind == "jobs":
        if state is None:
            raise BackupError(f"{archive} holds jobs: name the service's folder with --state")
        state.mkdir(parents=True, exist_ok=True)
        with _locked(state / "lock", f"a service uses {state}: stop it first"):
            return _restore(archive, listing, state, ("documents", _DATABASE), _OF_DATABASE, replace)
    if models is None:
        raise BackupError(f"{archive} holds a model: name the folder of models with --models")
    models.mkdir(parents=True, exist_ok=True)
    return _restore(archive, listing, models, (listing.name,), (), replace)


def _restore(
    archive: Path,
    listing: _Listing,
    folder: Path,
    names: tuple[str, ...],
    companions: tuple[str, ...],
    replace: bool,
) -> Restored:
    """Unpack beside what is there, then move ``names`` into place, the last of which completes it.

    ``companions`` belong to what is there and go aside with it.
    """
    there = [folder / name for name in (*names, *companions) if (folder / name).exists()]
    if there and not replace:
        raise BackupError(f"{there[0]} is there already: take another folder, or --replace")
    unpacked = folder / f"restore{_PARTIAL}"
    shutil.rmtree(unpacked, ignore_errors=True)  # of one that was killed
    content = unpacked / listing.name if listing.kind == "model" else unpacked
    content.mkdir(mode=0o700, parents=True)
    try:
        _unpack(archive, listing, content)
        if listing.kind == "jobs":
            (content / "documents").mkdir(exist_ok=True)
            with closing(sqlite3.connect(content / _DATABASE)) as database:
                _check(database, archive)
        aside = None
        if there:
            aside = folder / f"replaced-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
            aside.mkdir(mode=0o700)
            for path in there:
                path.rename(aside / path.name)
        for name in names:
            (unpacked / name).rename(folder / name)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return Restored(listing.kind, folder, len(listing.sha256), aside)


def _files(folder: Path) -> dict[str, Path]:
    """The files below a folder by their path in it."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(folder: Path, archive: Path, kind: Kind, name: str) -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    for left in archive.parent.glob(f"{kind}-*{_PARTIAL}"):
        left.unlink()  # of a backup that was killed
    partial = archive.with_name(archive.name + _PARTIAL)
    files = _files(folder)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
            for path, source in files.items():
                tar.add(source, path, recursive=False)
            listing = _Listing(
                kind=kind,
                name=name,
                version=__version__,
                sha256={path: _sha256(source) for path, source in files.items()},
            )
            content = listing.model_dump_json().encode()
            member = tarfile.TarInfo(_LISTING)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        file.flush()
        os.fsync(file.fileno())
    return partial.rename(archive)


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            yield tar
    except FileNotFoundError as error:
        raise BackupError(f"{archive} is not there: name an archive of `invoicegen backup create`") from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError, ValidationError) as error:
        raise BackupError(
            f"{archive} is no whole archive of `invoicegen backup create` ({type(error).__name__}): take another"
        ) from error


def _read_listing(archive: Path) -> _Listing:
    with _opened(archive) as tar:
        member = tar.extractfile(_LISTING)
        if member is None:
            raise KeyError(_LISTING)
        return _Listing.model_validate_json(member.read())


def _unpack(archive: Path, listing: _Listing, folder: Path) -> None:
    with _opened(archive) as tar:
        tar.extractall(folder, filter="data")
    (folder / _LISTING).unlink()
    found = {path: _sha256(file) for path, file in _files(folder).items()}
    if found != listing.sha256:
        wrong = sorted(set(found.items()) ^ set(listing.sha256.items()))[0][0]
        raise BackupError(f"{archive} is damaged: {wrong} is not what was written; take another")


def _check(database: sqlite3.Connection, source: Path) -> None:
    try:
        (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupError(f"the database of {source} is damaged: {verdict}; take an older backup")


@contextmanager
def _locked(path: Path, taken: str) -> Iterator[None]:
    """Hold the lock of a file.

    Raises:
        BackupError: With the text ``taken``, if somebody else holds it.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(taken) from error
        yield
