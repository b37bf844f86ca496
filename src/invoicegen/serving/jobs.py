"""Batches and their documents in SQLite, written so that a stop at any point loses and doubles nothing.

What is accepted is on disk before the client hears of it. A document that was being read when the service ended is
read again; its result is stored once, in the same transaction that marks it as done.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args
from uuid import uuid4

from invoicegen.ocr.documents import MediaType
from invoicegen.serving.uploads import Upload

DocumentState = Literal["queued", "running", "done", "failed"]

MAX_ATTEMPTS: Final = 5
"""How often a document is begun before it is given up: one that ends the service must not do so for ever."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created REAL NOT NULL,
    finished REAL,
    idempotency_key TEXT,
    fingerprint TEXT NOT NULL,
    webhook TEXT,
    UNIQUE (owner, idempotency_key)
) STRICT;
CREATE TABLE IF NOT EXISTS documents (
    batch TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    PRIMARY KEY (batch, number)
) STRICT;
CREATE INDEX IF NOT EXISTS documents_by_state ON documents (state);
CREATE TABLE IF NOT EXISTS deliveries (
    batch TEXT PRIMARY KEY REFERENCES batches (id) ON DELETE CASCADE,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending'
) STRICT;
CREATE TABLE IF NOT EXISTS pages (
    owner TEXT NOT NULL,
    day TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (owner, day)
) STRICT;
"""


class StateError(RuntimeError):
    """The folder of the service's state cannot be used; the message names it and the mend."""


class IdempotencyError(ValueError):
    """The idempotency key was used for another request."""


@dataclass(frozen=True, slots=True)
class QueuedDocument:
    """A document to read.

    Attributes:
        batch: Id of its batch.
        number: Its place there, from 0.
        name: As the client calls it.
        media_type: What it is.
        path: Where it is.
        attempts: How often it has been begun, this time included.
        owner: Whose it is.
    """

    batch: str
    number: int
    name: str
    media_type: MediaType
    path: Path
    attempts: int
    owner: str


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """How far a document is."""

    number: int
    name: str
    state: DocumentState


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is."""

    id: str
    created: float
    finished: float | None
    webhook: str | None
    delivery: str | None
    documents: tuple[DocumentStatus, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished batch that its owner is to be told of."""

    batch: str
    webhook: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Census:
    """How much of everything the store has.

    Attributes:
        batches: How many are ``running`` and ``finished``.
        documents: How many are in each state.
        oldest_s: Age of the oldest batch that is not finished; 0 without one.
        free_bytes: Free space of the file system.
        size_bytes: Its size.
    """

    batches: dict[str, int]
    documents: dict[DocumentState, int]
    oldest_s: float
    free_bytes: int
    size_bytes: int


class JobStore:
    """Batches, their documents and results.

    Args:
        folder: Made where it is not there; one service at a time uses it.

    Raises:
        StateError: If another service uses the folder, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._documents = folder / "documents"
        try:
            self._documents.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            self._lock = (folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateError(
                f"another service uses {folder}: give this one a state folder of its own"
            ) from error
        except OSError as error:
            raise StateError(
                f"{folder} cannot be written ({error.strerror}): name another state folder"
            ) from error
        self._db = sqlite3.connect(folder / "jobs.sqlite", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA)
        self._recover()

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()
        self._lock.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _recover(self) -> None:
        """Queue what was being read when the service ended; remove files that are done with or were never accepted."""
        with self._transaction() as db:
            db.execute("UPDATE documents SET state = 'queued' WHERE state = 'running'")
        known = {batch for (batch,) in self._db.execute("SELECT id FROM batches")}
        for folder in self._documents.iterdir():
            if folder.name not in known:
                _remove(folder)
        for batch, number in self._db.execute("SELECT batch, number FROM documents WHERE result IS NOT NULL"):
            (self._documents / batch / str(number)).unlink(missing_ok=True)

    def receiving_folder(self) -> Path:
        """A new folder for the documents of a request, on the file system where they will stay."""
        folder = self._documents / uuid4().hex
        folder.mkdir()
        return folder

    def discard(self, folder: Path) -> None:
        """Remove a folder of :meth:`receiving_folder` whose request came to nothing."""
        _remove(folder)

    def add(
        self,
        folder: Path,
        uploads: Sequence[Upload],
        owner: str,
        fingerprint: str,
        idempotency_key: str | None = None,
        webhook: str | None = None,
    ) -> tuple[str, bool]:
        """Accept a batch.

        Args:
            folder: From :meth:`receiving_folder`, with the documents in it.
            uploads: The documents.
            owner: Whose it is.
            fingerprint: Of the request's content.
            idempotency_key: Names the request: a second one with the same key is the first.
            webhook: Whom to tell when all is done.

        Returns:
            The id of the batch, and whether it is new.

        Raises:
            IdempotencyError: If the key was used for a request with another fingerprint.
        """
        for upload in uploads:
            _sync(upload.path)
        _sync(folder)
        with self._transaction() as db:
            if idempotency_key is not None:
                found = db.execute(
                    "SELECT id, fingerprint FROM batches WHERE owner = ? AND idempotency_key = ?",
                    (owner, idempotency_key),
                ).fetchone()
                if found is not None:
                    if found[1] != fingerprint:
                        raise IdempotencyError(idempotency_key)
                    return found[0], False
            batch = folder.name
            db.execute(
                "INSERT INTO batches (id, owner, created, idempotency_key, fingerprint, webhook) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (batch, owner, time.time(), idempotency_key, fingerprint, webhook),
            )
            for number, upload in enumerate(uploads):
                os.rename(upload.path, folder / str(number))  # noqa: PTH104 - stays in its folder
                db.execute(
                    "INSERT INTO documents (batch, number, name, media_type) VALUES (?, ?, ?, ?)",
                    (batch, number, upload.name, upload.media_type),
                )
            _sync(folder)
        return batch, True

    def claim(self) -> QueuedDocument | None:
        """The document that has waited longest, now being read; None where none waits."""
        with self._transaction() as db:
            row = db.execute(
                "UPDATE documents SET state = 'running', attempts = attempts + 1 WHERE rowid = ("
                "SELECT d.rowid FROM documents d JOIN batches b ON b.id = d.batch WHERE d.state = 'queued' "
                "ORDER BY b.created, d.number LIMIT 1) RETURNING batch, number, name, media_type, attempts"
            ).fetchone()
            if row is None:
                return None
            (owner,) = db.execute("SELECT owner FROM batches WHERE id = ?", (row[0],)).fetchone()
        batch, number, name, media_type, attempts = row
        path = self._documents / batch / str(number)
        return QueuedDocument(batch, number, name, media_type, path, attempts, owner)

    def release(self, document: QueuedDocument) -> None:
        """Queue a document again that was not read to its end."""
        with self._transaction() as db:
            db.execute(
                "UPDATE documents SET state = 'queued' WHERE batch = ? AND number = ? AND state = 'running'",
                (document.batch, document.number),
            )

    def finish(self, document: QueuedDocument, result: dict[str, Any], *, failed: bool, pages: int) -> None:
        """Store the result of a document, once, and remove the document."""
        now = time.time()
        with self._transaction() as db:
            stored = db.execute(
                "UPDATE documents SET state = ?, result = ? WHERE batch = ? AND number = ? AND state = 'running'",
                ("failed" if failed else "done", json.dumps(result), document.batch, document.number),
            ).rowcount
            if stored:
                db.execute(
                    "INSERT INTO pages (owner, day, count) VALUES (?, ?, ?) "
                    "ON CONFLICT (owner, day) DO UPDATE SET count = count + excluded.count",
                    (document.owner, _day(now), pages),
                )
                self._finish_batch(db, document.batch, now)
        document.path.unlink(missing_ok=True)

    def _finish_batch(self, db: sqlite3.Connection, batch: str, now: float) -> None:
        ended = db.execute(
            "UPDATE batches SET finished = ? WHERE id = ? AND finished IS NULL AND NOT EXISTS ("
            "SELECT 1 FROM documents WHERE batch = ? AND state IN ('queued', 'running')) RETURNING webhook",
            (now, batch, batch),
        ).fetchone()
        if ended is not None and ended[0] is not None:
            db.execute("INSERT INTO deliveries (batch, due) VALUES (?, ?)", (batch, now))

    def status(self, batch: str, owner: str) -> BatchStatus | None:
        """How far a batch is; None where its owner has none of that id."""
        row = self._db.execute(
            "SELECT created, finished, webhook, d.state FROM batches LEFT JOIN deliveries d ON d.batch = id "
            "WHERE id = ? AND owner = ?",
            (batch, owner),
        ).fetchone()
        if row is None:
            return None
        created, finished, webhook, delivery = row
        documents = self._db.execute(
            "SELECT number, name, state FROM documents WHERE batch = ? ORDER BY number", (batch,)
        )
        states = tuple(DocumentStatus(*document) for document in documents)
        return BatchStatus(batch, created, finished, webhook, delivery, states)

    def results(self, batch: str, start: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Results of a batch so far, by number, from ``start`` on."""
        rows = self._db.execute(
            "SELECT number, result FROM documents WHERE batch = ? AND number >= ? AND result IS NOT NULL "
            "ORDER BY number LIMIT ?",
            (batch, start, limit),
        )
        return [(number, json.loads(result)) for number, result in rows]

    def delete(self, batch: str, owner: str) -> bool:
        """Remove a batch with its documents and results; what is being read of it is thrown away.

        Returns:
            Whether there was one.
        """
        with self._transaction() as db:
            gone = db.execute("DELETE FROM batches WHERE id = ? AND owner = ?", (batch, owner)).rowcount
        if gone:
            _remove(self._documents / batch)
        return bool(gone)

    def purge(self, before: float) -> int:
        """Remove batches that finished before a time; how many there were."""
        old = self._db.execute("SELECT id, owner FROM batches WHERE finished < ?", (before,)).fetchall()
        for batch, owner in old:
            self.delete(batch, owner)
        return len(old)

    def pages_today(self, owner: str) -> int:
        """Pages read for an owner since midnight UTC, and one for each document that waits."""
        read = self._db.execute(
            "SELECT count FROM pages WHERE owner = ? AND day = ?", (owner, _day(time.time()))
        ).fetchone()
        (waiting,) = self._db.execute(
            "SELECT count(*) FROM documents d JOIN batches b ON b.id = d.batch "
            "WHERE b.owner = ? AND d.state IN ('queued', 'running')",
            (owner,),
        ).fetchone()
        return (read[0] if read else 0) + int(waiting)

    def waiting(self) -> int:
        """Documents of all batches that are not read yet."""
        (count,) = self._db.execute(
            "SELECT count(*) FROM documents WHERE state IN ('queued', 'running')"
        ).fetchone()
        return int(count)

    def census(self) -> Census:
        """How much of everything there is."""
        running, oldest = self._db.execute(
            "SELECT count(*), min(created) FROM batches WHERE finished IS NULL"
        ).fetchone()
        (finished,) = self._db.execute("SELECT count(*) FROM batches WHERE finished IS NOT NULL").fetchone()
        states = dict(self._db.execute("SELECT state, count(*) FROM documents GROUP BY state").fetchall())
        disk = shutil.disk_usage(self._documents)
        return Census(
            batches={"running": running, "finished": finished},
            documents={state: states.get(state, 0) for state in get_args(DocumentState)},
            oldest_s=0 if oldest is None else max(0, time.time() - oldest),
            free_bytes=disk.free,
            size_bytes=disk.total,
        )

    def due_deliveries(self) -> list[Delivery]:
        """Finished batches whose owners are to be told now."""
        rows = self._db.execute(
            "SELECT d.batch, b.webhook, d.attempts FROM deliveries d JOIN batches b ON b.id = d.batch "
            "WHERE d.state = 'pending' AND d.due <= ? ORDER BY d.due LIMIT 20",
            (time.time(),),
        )
        return [Delivery(*row) for row in rows]

    def note_delivery(self, batch: str, *, delivered: bool, retry_in_s: float | None) -> None:
        """Store what became of a delivery; without a time to try again it is given up."""
        state = "delivered" if delivered else ("gave_up" if retry_in_s is None else "pending")
        with self._transaction() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, attempts = attempts + 1, due = ? WHERE batch = ?",
                (state, time.time() + (retry_in_s or 0), batch),
            )


def _day(now: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(now))


def _remove(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        path.unlink(missing_ok=True)
    if folder.is_dir():
        folder.rmdir()


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
