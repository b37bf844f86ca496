"""What can go wrong with annotations from elsewhere."""


class InterchangeError(ValueError):
    """Annotations that cannot be taken over; the message names the file, the line or record, and the mend."""
