"""What can go wrong with annotations from elsewhere."""


class InterchangeError(ValueError):
    """Annotations that cannot be taken over; the message names the task, the region and the mend."""
