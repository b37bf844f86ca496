"""What goes wrong while rendering."""


class RenderingError(Exception):
    """A document that cannot be rendered with exact words; the message says why and how to mend it."""
