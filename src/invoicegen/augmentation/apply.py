"""A page image and its true words through one preset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from invoicegen.augmentation.photometric import Cover, CoveringEffect
from invoicegen.augmentation.presets import PictureEffect, Preset, SurfaceEffect, load_presets
from invoicegen.augmentation.warp import Homography, Image, PageMap, Points, Step, share_on_page
from invoicegen.geometry import Quad, quad_to_box
from invoicegen.schema.truth import TruePage


@dataclass(frozen=True, slots=True)
class Augmented:
    """What came out.

    Attributes:
        image: Shape (``page.height``, ``page.width``, 3), RGB.
        page: The true words where they are now.
        applied: ``{"name", "params", "geometry"}`` of every effect in order, as ``provenance.augmentations`` has it.
    """

    image: Image
    page: TruePage
    applied: list[dict[str, Any]]


def augment(
    image: Image, page: TruePage, preset: str, rng: np.random.Generator, folders: Sequence[str] = ()
) -> Augmented:
    """Move, shade and degrade a page; a pure function of its arguments and the state of ``rng``.

    Args:
        image: Shape (h, w, 3), RGB, of the size that ``page`` states.
        page: Its true words.
        preset: One of :data:`~invoicegen.augmentation.presets.PRESETS`, or of the user's own.
        rng: Where all draws come from.
        folders: The user's folders, whose ``presets.yml`` are known beside the package's.

    Returns:
        The new image, which may be larger than the old one (a photo shows the table around the sheet), and the
        words moved with it. Words that leave the image keep their place in the list: their ``visible`` is cut to
        the share of their area that is left, and their corners are moved to the edge.

    Raises:
        ValueError: If the preset is unknown, or the image is not of the page's size.
    """
    presets = load_presets(tuple(folders))
    if preset not in presets:
        raise ValueError(f"unknown augmentation preset {preset!r}; allowed: {', '.join(presets)}")
    if image.dtype != np.uint8 or image.shape != (page.height, page.width, 3):
        raise ValueError(
            f"page {page.page}: image of {image.dtype} {image.shape}, "
            f"expected uint8 ({page.height}, {page.width}, 3): the RGB pixels that the true words were measured on"
        )
    return apply_preset(image, page, presets[preset], rng)


def apply_preset(image: Image, page: TruePage, preset: Preset, rng: np.random.Generator) -> Augmented:
    """:func:`augment` with a preset of one's own."""
    applied: list[dict[str, Any]] = []
    image, page = _change(image, page, preset.surface, rng, applied)
    page_map, moved = draw_map(preset, page.width, page.height, rng)
    applied += moved
    if page_map.steps:
        background, params = preset.background.draw(rng, page_map.width, page_map.height)
        applied.append({"name": "background", "params": params, "geometry": False})
        image = page_map.warp(image, background)
        page = move_page(page, page_map)
    image, page = _change(image, page, preset.photometrics, rng, applied)
    return Augmented(image, page, applied)


def _change(
    image: Image,
    page: TruePage,
    effects: Sequence[SurfaceEffect | PictureEffect],
    rng: np.random.Generator,
    applied: list[dict[str, Any]],
) -> tuple[Image, TruePage]:
    """The page after effects that move nothing; what is drawn is added to ``applied``."""
    for effect in effects:
        if rng.random() < effect.probability:
            if isinstance(effect, CoveringEffect):
                image, params, cover = effect.apply(image, rng)
                page = hide_words(page, cover)
            else:
                image, params = effect.apply(image, rng)
            applied.append({"name": effect.effect, "params": params, "geometry": False})
    return image, page


def hide_words(page: TruePage, cover: Cover) -> TruePage:
    """The page with ``visible`` of each word cut to the share of its box that is not covered.

    Args:
        page: Words in the frame of the cover; of one that is not upright, its surrounding box counts.
        cover: Shape (``page.height``, ``page.width``): true where print is hidden.
    """
    import cv2

    sums = cv2.integral(cover.astype(np.uint8))
    words = []
    for word in page.words:
        left, top, right, bottom = quad_to_box(word.quad)
        x0, x1 = (min(max(round(x), 0), page.width) for x in (left, right))
        y0, y1 = (min(max(round(y), 0), page.height) for y in (top, bottom))
        area = (x1 - x0) * (y1 - y0)
        hidden = int(sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]) if area else 0
        words.append(replace(word, visible=word.visible * (1 - hidden / area)) if hidden else word)
    return TruePage(page.page, page.width, page.height, words)


def draw_map(
    preset: Preset, width: int, height: int, rng: np.random.Generator
) -> tuple[PageMap, list[dict[str, Any]]]:
    """The map that a preset draws for a page of ``width`` x ``height`` px, and what went into it."""
    steps: list[Step] = []
    applied: list[dict[str, Any]] = []
    margin = float(rng.uniform(*preset.margin))
    room = round(margin * min(width, height))
    if room:
        steps.append(Homography(np.array([[1, 0, room], [0, 1, room], [0, 0, 1.0]])))
        applied.append({"name": "margin", "params": {"px": room}, "geometry": True})
    target_width, target_height = width + 2 * room, height + 2 * room
    for effect in preset.geometry:
        if rng.random() < effect.probability:
            step, params = effect.sample(rng, target_width, target_height)
            steps.append(step)
            applied.append({"name": effect.effect, "params": params, "geometry": True})
    return PageMap.compose(steps, target_width, target_height), applied


def move_page(page: TruePage, page_map: PageMap) -> TruePage:
    """The true words where a map takes them, cut at the edge of its target."""
    width, height = page_map.width, page_map.height
    points: Points = np.array([word.quad for word in page.words], dtype=np.float64).reshape(-1, 2)
    moved = page_map.forward(points).reshape(-1, 8)
    cut = moved.copy()
    cut[:, 0::2] = np.clip(moved[:, 0::2], 0, width)
    cut[:, 1::2] = np.clip(moved[:, 1::2], 0, height)
    words = []
    for word, corners, final in zip(page.words, moved.tolist(), cut.tolist(), strict=True):
        quad = cast(Quad, tuple(final))
        if final == corners:
            words.append(replace(word, quad=quad))
        else:
            visible = word.visible * share_on_page(corners, width, height)
            words.append(replace(word, quad=quad, visible=visible))
    return TruePage(page.page, width, height, words)
