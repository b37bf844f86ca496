"""Annotated pages in the formats of other tools, and back.

:func:`to_coco` and :func:`to_label_studio` write; :func:`from_label_studio` reads what people corrected.
"""

from invoicegen.interchange.coco import to_coco
from invoicegen.interchange.errors import InterchangeError
from invoicegen.interchange.label_studio import from_label_studio, label_config, to_label_studio

__all__ = ["InterchangeError", "from_label_studio", "label_config", "to_coco", "to_label_studio"]
