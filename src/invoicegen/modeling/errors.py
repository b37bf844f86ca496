"""Named errors of modelling: each message says what is wrong and how to mend it."""

from __future__ import annotations


class ModelingError(Exception):
    """Base of all errors that modelling raises on purpose."""


class TaxonomyMismatchError(ModelingError):
    """A checkpoint's labels are not the labels of this version of InvoiceGen."""


class EmptySplitError(ModelingError):
    """A split that training needs holds no page with words."""


class NonFiniteLossError(ModelingError):
    """The loss became NaN or infinite; the batch that did it is on disk."""


class CheckpointError(ModelingError):
    """A training checkpoint cannot be continued with these options or this data."""


class WarmStartError(ModelingError):
    """The weights to start from are missing or do not fit."""


class ModelFolderError(ModelingError):
    """A folder holds no model that can be opened: files are missing, damaged or of another kind."""


class ParityError(ModelingError):
    """An exported network labels words otherwise than the model it was made from."""
