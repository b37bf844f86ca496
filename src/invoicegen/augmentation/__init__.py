"""Print, scan and photo: pixels and boxes move together.

:func:`augment` takes a page image and its true words through one of the named :data:`PRESETS`. The geometry of a
preset is one map (:class:`~invoicegen.augmentation.warp.PageMap`), applied to pixels by a single resampling and to
word corners analytically; photometric effects never move or resize anything.
"""

from invoicegen.augmentation.apply import Augmented, augment
from invoicegen.augmentation.presets import PRESETS, Preset, PresetError, load_presets

__all__ = ["PRESETS", "Augmented", "Preset", "PresetError", "augment", "load_presets"]
