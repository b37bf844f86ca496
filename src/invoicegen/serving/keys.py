"""API keys: random tokens of which a file keeps hashes; a change to the file counts at the next request."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Scope = Literal["extract", "batches", "ocr"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_PREFIX: Final = "ig"


class KeysError(ValueError):
    """The file of keys cannot be used; the message names it and the mend."""


class ApiKey(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="public half; in logs and lists", pattern=r"^[0-9a-f]{12}$")
    sha256: str = Field(description="of the secret half", pattern=r"^[0-9a-f]{64}$")
    name: str = Field(description="who uses it")
    scopes: frozenset[Scope] = Field(description="what it may do")
    created: dt.datetime
    expires: dt.datetime | None = Field(None, description="from when it is refused")

    def is_valid(self, secret: str, now: dt.datetime) -> bool:
        """Whether ``secret`` is the secret half and the key has not expired."""
        # 256 random bits cannot be guessed, so a fast hash is enough; comparison takes the same time for any guess.
        right = hmac.compare_digest(_hash(secret), self.sha256)
        return right and (self.expires is None or now < self.expires)


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[ApiKey, ...] = ()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyStore:
    """The keys of a file.

    Args:
        path: The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def listed(self) -> list[ApiKey]:
        """The keys as the file has them now.

        Raises:
            KeysError: If the file is not one of keys.
        """
        return list(self._current().values())

    def _current(self) -> dict[str, ApiKey]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._keys = None, {}
            return {}
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            try:
                content = _KeyFile.model_validate_json(self._path.read_bytes())
            except ValidationError as error:
                raise KeysError(
                    f"{self._path} is not a file of API keys ({error.error_count()} errors); "
                    "make one with `invoicegen keys create`"
                ) from error
            self._stamp, self._keys = stamp, {key.id: key for key in content.keys}
        return self._keys

    def find(self, token: str) -> ApiKey | None:
        """The key that a token is, or None where it is none that is valid now.

        Raises:
            KeysError: If the file is not one of keys.
        """
        prefix, _, rest = token.partition("_")
        identifier, _, secret = rest.partition("_")
        key = self._current().get(identifier)
        if prefix != _PREFIX or key is None or not key.is_valid(secret, dt.datetime.now(dt.UTC)):
            return None
        return key

    def create(
        self, name: str, scopes: frozenset[Scope], expires: dt.datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Add a key.

        Returns:
            What is kept, and the token to hand out; nothing keeps the token.

        Raises:
            KeysError: If the file is there and not one of keys.
        """
        secret = secrets.token_urlsafe(32)
        key = ApiKey(
            id=secrets.token_hex(6),
            sha256=_hash(secret),
            name=name,
            scopes=scopes,
            created=dt.datetime.now(dt.UTC).replace(microsecond=0),
            expires=expires,
        )
        self._write([*self.listed(), key])
        return key, f"{_PREFIX}_{key.id}_{secret}"

    def revoke(self, identifier: str) -> None:
        """Remove a key.

        Raises:
            KeysError: If there is none of that id, or the file is not one of keys.
        """
        keys = self.listed()
        left = [key for key in keys if key.id != identifier]
        if len(left) == len(keys):
            raise KeysError(
                f"{self._path} has no key {identifier}; `invoicegen keys list` shows those it has"
            )
        self._write(left)

    def _write(self, keys: list[ApiKey]) -> None:
        """Write beside the file, for its owner alone, and move into place."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        partial.touch(mode=0o600)
        partial.write_text(_KeyFile(keys=tuple(keys)).model_dump_json(indent=1) + "\n", encoding="utf-8")
        partial.replace(self._path)
