"""Results of an engine kept on disk, so that an image is read once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from invoicegen.ocr.base import check_image
from invoicegen.ocr.engine import OcrEngine, OcrOptions
from invoicegen.schema.annotation import Word

logger = logging.getLogger(__name__)

_WORDS = TypeAdapter(list[Word])
#: Raise when words made from the same engine output change (boxes, reading order): old entries go unused.
_FORMAT = 1
_WITHOUT_EFFECT = {"cache_dir", "threads"}


class CachedEngine:
    """An engine whose results are kept in ``options.cache_dir``.

    An entry is found by the image's pixels and shape, the engine's name and version, and the options that
    change the result. Entries are written beside their place and moved there, so that several processes may
    share the folder; one that cannot be read is made anew.
    """

    def __init__(self, engine: OcrEngine, options: OcrOptions) -> None:
        if options.cache_dir is None:
            raise ValueError("options name no cache_dir")
        self._engine = engine
        settings = options.model_dump(mode="json", exclude=_WITHOUT_EFFECT)
        self._identity = json.dumps([_FORMAT, engine.name, engine.version, settings], sort_keys=True).encode()
        self._folder = options.cache_dir / engine.name

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._engine.name

    @property
    def version(self) -> str:
        """The engine's version."""
        return self._engine.version

    def entry_path(self, image: NDArray[np.uint8]) -> Path:
        """Where the result for ``image`` is kept, whether or not it is there yet."""
        digest = hashlib.sha256(self._identity)
        digest.update(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
        key = digest.hexdigest()
        return self._folder / key[:2] / f"{key}.json"

    def recognise(self, image: NDArray[np.uint8]) -> list[Word]:
        """See :meth:`invoicegen.ocr.engine.OcrEngine.recognise`."""
        check_image(image)
        path = self.entry_path(image)
        try:
            return _WORDS.validate_json(path.read_bytes())
        except FileNotFoundError:
            pass
        except ValidationError as error:
            logger.warning("OCR cache entry %s is damaged and made anew: %s", path, error)
        words = self._engine.recognise(image)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}.", suffix=".partial")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_WORDS.dump_json(words))
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        return words
