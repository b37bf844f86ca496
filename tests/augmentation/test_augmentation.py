"""Pixels and points move together, and nothing but the generator decides how."""

import hashlib
import random
import subprocess
import sys
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from invoicegen.augmentation import PRESETS, Preset, PresetError, augment, load_presets
from invoicegen.augmentation.apply import apply_preset, draw_map, hide_words
from invoicegen.augmentation.augraphy import Augraphy, Transform
from invoicegen.augmentation.geometric import (
    AnyGeometricEffect,
    Crop,
    Fold,
    PageCurl,
    Perspective,
    Rotate,
    ScaleShift,
    Skew,
)
from invoicegen.augmentation.photometric import (
    AnyPhotometricEffect,
    CoveringEffect,
    GaussianNoise,
    Grayscale,
    PhotometricEffect,
)
from invoicegen.augmentation.surface import AnySurfaceEffect, PunchHoles, TornEdge
from invoicegen.augmentation.warp import Curl, Homography, PageMap, homography_of_corners, share_on_page
from invoicegen.geometry import box_to_quad
from invoicegen.schema.truth import TruePage, TrueWord

WIDTH, HEIGHT = 500, 700
REACH = 12  # half side, px, of the window in which a marker is looked for

GEOMETRIC = [
    Rotate(degrees=(3, 3)),
    Rotate(degrees=(-1.3, -1.3)),
    ScaleShift(scale=(0.93, 0.93), shift_x=(0.013, 0.013), shift_y=(-0.007, -0.007)),
    Perspective(strength=(0.06, 0.06)),
    PageCurl(amplitude=(0.02, 0.02)),
    PageCurl(amplitude=(-0.02, -0.02)),
    Skew(degrees=(1.2, 1.2)),
    Fold(lean=(0.02, 0.02)),
    Crop(cut=(0.02, 0.06)),
]
NAMES = {
    effect.model_fields["effect"].default: effect
    for union in (AnySurfaceEffect, AnyPhotometricEffect, AnyGeometricEffect)
    for effect in get_args(get_args(union)[0])
}
"""Every registered effect by name."""
PHOTOMETRIC = {
    effect.effect: effect
    for preset in load_presets().values()
    for effect in [*preset.surface, *preset.photometrics]
}
"""One of each effect that moves nothing, as a preset has it."""


def markers() -> np.ndarray:
    """Marker positions off the pixel grid, shape (n, 2); in a mirror each lies between two."""
    x, y = np.meshgrid(np.arange(73.5, WIDTH - 50, 54.3), np.arange(60, HEIGHT - 50, 61.7))
    return np.column_stack([x.ravel(), y.ravel()])


def draw(points: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A white page with a dark, smooth dot at every point; pixel (i, j) is sampled at (i + 0.5, j + 0.5)."""
    ink = np.zeros((height, width))
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    for px, py in points:
        ink += np.outer(np.exp(-((y - py) ** 2) / 18), np.exp(-((x - px) ** 2) / 18))
    page = np.rint(255 * (1 - 0.9 * ink)).clip(0, 255).astype(np.uint8)
    return np.repeat(page[..., None], 3, axis=2)


def measure(image: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """How far each dot's centre of ink is from where it is expected, shape (n, 2), pixels."""
    gray = image.mean(axis=2)
    errors = []
    for x, y in expected:
        left, top = round(x) - REACH, round(y) - REACH
        window = gray[top : top + 2 * REACH, left : left + 2 * REACH]
        assert window.shape == (2 * REACH, 2 * REACH), "marker out of the image"
        paper = np.median(np.concatenate([window[0], window[-1], window[:, 0], window[:, -1]]))
        ink = paper - window
        ink[ink < 0.12 * ink.max()] = 0
        along_x = (ink.sum(axis=0) * (np.arange(left, left + 2 * REACH) + 0.5)).sum() / ink.sum()
        along_y = (ink.sum(axis=1) * (np.arange(top, top + 2 * REACH) + 0.5)).sum() / ink.sum()
        errors.append((along_x - x, along_y - y))
    return np.array(errors)


def page_of(points: np.ndarray) -> TruePage:
    """One word a marker, whose upper left corner is the marker."""
    words = [TrueWord(f"w{i}", box_to_quad((x, y, x + 20, y + 10))) for i, (x, y) in enumerate(points)]
    return TruePage(0, WIDTH, HEIGHT, words)


def corners(page: TruePage) -> np.ndarray:
    return np.array([word.quad[:2] for word in page.words])


@pytest.mark.parametrize("effect", GEOMETRIC, ids=lambda effect: f"{effect.effect}")
def test_markers_land_where_each_geometric_effect_says(effect):
    preset = Preset(description="one effect", geometry=[effect])
    points = markers()
    result = apply_preset(draw(points), page_of(points), preset, np.random.default_rng(1))
    moved = corners(result.page)
    assert np.hypot(*(moved - points).T).max() > 2, "the effect must move something"
    assert np.hypot(*measure(result.image, moved).T).mean() < 0.1


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("seed", range(4))
def test_markers_land_where_each_preset_says(name, seed):
    points = markers()
    geometry_only = load_presets()[name].model_copy(update={"photometrics": [], "surface": []})
    result = apply_preset(draw(points), page_of(points), geometry_only, np.random.default_rng(seed))
    assert np.hypot(*measure(result.image, corners(result.page)).T).mean() < 0.1


def test_there_are_effects_enough_and_each_is_in_a_preset():
    assert len(NAMES) >= 25
    moving = {effect.effect for preset in load_presets().values() for effect in preset.geometry}
    assert set(PHOTOMETRIC) | moving == set(NAMES)


def displacement(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How far what is drawn at each point went, px, by least squares (Lucas and Kanade, IJCAI 1981).

    The window after is explained by the window before, its slopes, and a plane of light: shade, fading and noise are no
    movement.
    """
    was, now = before.mean(axis=2), after.mean(axis=2)
    slope_y, slope_x = np.gradient(was)
    y, x = np.mgrid[-REACH:REACH, -REACH:REACH].reshape(2, -1)
    moved = []
    for px, py in points.round().astype(int):
        window = np.s_[py - REACH : py + REACH, px - REACH : px + REACH]
        terms = [part[window].ravel() for part in (was, slope_x, slope_y)]
        share, along_x, along_y, *_ = np.linalg.lstsq(
            np.column_stack([*terms, np.ones(x.size), x, y]), now[window].ravel(), rcond=None
        )[0]
        moved.append(-np.array([along_x, along_y]) / share if share > 0.02 else (np.inf, np.inf))
    return np.array(moved)


def fitted(way: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The affine movement that explains most of the ways of the markers, at each of them."""
    at = np.column_stack([points, np.ones(len(points))])
    near = np.hypot(*way.T) <= np.quantile(np.hypot(*way.T), 0.9)
    return at @ np.linalg.lstsq(at[near], way[near], rcond=None)[0]


RASTERS = ("fax", "halftone", "ink_bleed", "moire")
"""Cut or swell each dot by itself, which draws the centres of single dots aside, this way and that, by up to 0.3 px."""


def check_that_it_moves_nothing(effect, seeds=range(3), raster=False):
    """The mean marker stays within 0.1 px; those that are hidden and the tenth drawn over most do not count."""
    points = markers()
    before = draw(points)
    for seed in seeds:
        kept = before.copy()
        after, params, *cover = effect.apply(before, np.random.default_rng(seed))
        np.testing.assert_array_equal(before, kept)
        assert after.shape == before.shape
        assert after.dtype == np.uint8
        assert isinstance(params, dict)
        seen = points
        if cover:
            assert cover[0].shape == before.shape[:2]
            assert cover[0].dtype == bool
            near = [cover[0][int(y) - 6 : int(y) + 6, int(x) - 6 : int(x) + 6] for x, y in points]
            seen = points[[not window.any() for window in near]]
        assert len(seen) > 0.8 * len(points)
        way = displacement(before, after, seen)
        moved = np.sort(np.hypot(*way.T))
        assert moved[: int(0.9 * len(moved))].mean() < (0.3 if raster else 0.1)
        if raster:
            assert np.hypot(*fitted(way, seen).T).mean() < 0.1


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_effects_that_are_not_geometric_move_nothing(name):
    effect = PHOTOMETRIC[name]
    if name == "banding":  # on so small a page the narrowest bands are as narrow as a marker
        effect = effect.model_copy(update={"period": (0.04, 0.08)})
    check_that_it_moves_nothing(effect, raster=name in RASTERS)
    before = draw(markers())
    if name not in ("grayscale", "halftone"):  # the page is gray already, and has next to no mid tones
        assert (PHOTOMETRIC[name].apply(before, np.random.default_rng(3))[0] != before).any()


@pytest.mark.parametrize(
    "move",
    [
        lambda x, y: (x + 0.3, y),  # all of it
        lambda x, y: (
            WIDTH / 2 + 1.002 * (x - WIDTH / 2),
            HEIGHT / 2 + 1.002 * (y - HEIGHT / 2),
        ),  # mean way: none
        lambda x, y: (x + 0.4 * np.sin(y / 40), y),  # to and fro
        lambda x, y: (x + 2 * (y > 0.7 * HEIGHT), y),  # a third of the page
    ],
)
def test_an_effect_that_moves_pixels_but_not_boxes_is_found_out(move):
    class Wrong(PhotometricEffect):
        def apply(self, image, rng):
            x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
            source = (np.asarray(part, np.float32) for part in move(x, y))
            return cv2.remap(image, *source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), {}

    with pytest.raises(AssertionError, match=r"< 0\.1"):
        check_that_it_moves_nothing(Wrong())


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_every_effect_is_a_function_of_its_generator(name):
    image = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    first, second = (PHOTOMETRIC[name].apply(image, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1]


HIDING = {
    "low_toner": {"strength": (1, 1)},
    "thermal_fading": {"strength": (1, 1)},
    "glare": {"strength": (1, 1)},
    "fax": {"threshold": (0.5, 0.5)},
    "handwriting": {"notes": (20, 20)},
    "punch_holes": {},
    "staple": {},
    "torn_edge": {},
}
"""Every effect that hides print, strong enough to do so."""


def test_every_covering_effect_is_known_to_hide():
    assert {name for name, effect in NAMES.items() if issubclass(effect, CoveringEffect)} == set(HIDING)


def one_effect(name: str) -> Preset:
    effect = PHOTOMETRIC[name].model_copy(update={"probability": 1.0, **HIDING.get(name, {})})
    stage = "surface" if NAMES[name] in get_args(get_args(AnySurfaceEffect)[0]) else "photometrics"
    return Preset.model_validate({"description": "one effect", stage: [effect.model_dump()]})


@pytest.mark.parametrize("name", HIDING)
def test_words_are_seen_less_where_print_is_gone_and_only_there(name):
    """A page full of gray and black words: what is said of them is compared with the contrast that is left."""
    pitch = 20
    corner = [(x, y) for x in range(0, WIDTH, pitch) for y in range(0, HEIGHT, pitch)]
    words = [TrueWord(f"w{x}-{y}", box_to_quad((x + 2, y + 4, x + 18, y + 16))) for x, y in corner]
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for x, y in corner:
        image[y + 6 : y + 14, x + 4 : x + 16 : 4] = 170 if y < HEIGHT / 2 else 0
    gone = kept = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        result = apply_preset(image, TruePage(0, WIDTH, HEIGHT, words), one_effect(name), rng)
        assert [record["name"] for record in result.applied] == [name]
        for word, (x, y) in zip(result.page.words, corner, strict=True):
            part = np.s_[y + 4 : y + 16, x + 2 : x + 18, 1]
            was = image[part].ravel() - image[part].mean()
            left = float(was @ result.image[part].ravel() / (was @ was))
            if word.visible < (0.3 if name == "fax" else 0.1):  # a fax loses strokes, not the gaps between
                gone += 1
                assert left < 0.25
            elif word.visible == 1:
                kept += 1
                assert left > 0.04
            elif name in ("handwriting", "punch_holes", "staple"):  # too small to hide a word of this size
                gone += 1
    assert gone > 0
    assert kept > 1000


def test_a_word_under_a_hole_is_gone_and_its_neighbour_is_not():
    holes = PunchHoles(level=(0, 0))
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    cover = holes.apply(image, np.random.default_rng(2))[2]
    rows, columns = np.nonzero(cover[: HEIGHT // 2])
    y, x = rows.mean(), columns.mean()
    words = [
        TrueWord("under", box_to_quad((x - 2, y - 2, x + 2, y + 2))),
        TrueWord("beside", box_to_quad((200, y, 240, y + 9))),
    ]
    rng = np.random.default_rng(2)
    seen = hide_words(TruePage(0, WIDTH, HEIGHT, words), holes.apply(image, rng)[2])
    assert seen.words[0].visible < 0.05
    assert seen.words[1].visible == 1


@pytest.mark.parametrize("seed", range(8))
def test_a_torn_edge_hides_all_that_lay_beyond_it(seed):
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    torn, params, cover = TornEdge(level=(50, 50)).apply(image, np.random.default_rng(seed))
    assert (torn[cover] == 50).all()
    assert (torn[~cover] >= 240).all()
    edge = (cover[0], cover[:, -1], cover[-1], cover[:, 0])[params["side"]]
    assert edge.mean() > 0.9
    assert 0.001 < cover.mean() < 0.06


def test_grayscale_leaves_three_equal_channels():
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    gray, _ = Grayscale().apply(image, np.random.default_rng(0))
    np.testing.assert_array_equal(gray[..., 0], gray[..., 1])
    np.testing.assert_array_equal(gray[..., 0], gray[..., 2])


def test_noise_has_the_deviation_it_was_given():
    image = np.full((300, 300, 3), 128, np.uint8)
    noisy, _ = GaussianNoise(sigma=(0.02, 0.02)).apply(image, np.random.default_rng(0))
    deviation = noisy.astype(float) - 128
    assert abs(deviation.mean()) < 0.1
    assert deviation.std() == pytest.approx(0.02 * 255, rel=0.03)


@pytest.mark.parametrize("name", PRESETS)
def test_same_generator_same_bytes(name):
    points = markers()
    image, page = draw(points), page_of(points)
    first = augment(image, page, name, np.random.default_rng(7))
    np.random.seed(1)
    second = augment(image, page, name, np.random.default_rng(7))
    np.testing.assert_array_equal(first.image, second.image)
    assert first.page == second.page
    assert first.applied == second.applied
    if name != "clean":
        other = augment(image, page, name, np.random.default_rng(8))
        assert other.image.shape != first.image.shape or (other.image != first.image).any()


def test_another_process_makes_the_same_bytes():
    program = (
        "import hashlib, numpy as np\n"
        "from invoicegen.augmentation import augment\n"
        "from invoicegen.schema.truth import TruePage\n"
        "image = np.tile(np.arange(0, 250, dtype=np.uint8)[:, None, None], (1, 200, 3))\n"
        "for name in ('office_scan', 'receipt_photo'):\n"
        "    for seed in range(3):\n"
        "        result = augment(image, TruePage(0, 200, 250), name, np.random.default_rng(seed))\n"
        "        print(hashlib.sha256(result.image.tobytes()).hexdigest())\n"
    )
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    image = np.tile(np.arange(0, 250, dtype=np.uint8)[:, None, None], (1, 200, 3))
    here = [
        hashlib.sha256(
            augment(image, TruePage(0, 200, 250), name, np.random.default_rng(seed)).image.tobytes()
        ).hexdigest()
        for name in ("office_scan", "receipt_photo")
        for seed in range(3)
    ]
    assert len(set(here)) == 6
    assert elsewhere.stdout.split() == here


def test_clean_is_the_identity():
    points = markers()
    image, page = draw(points), page_of(points)
    result = augment(image, page, "clean", np.random.default_rng(0))
    np.testing.assert_array_equal(result.image, image)
    assert result.page == page
    assert result.applied == []


def test_presets_of_ones_own_stand_beside_those_of_the_package(tmp_path):
    example = Path(__file__).parents[2] / "docs/examples/acme"
    known = load_presets((str(tmp_path), str(example)))
    assert set(known) == {*PRESETS, "warehouse"}
    points = markers()
    result = augment(draw(points), page_of(points), "warehouse", np.random.default_rng(0), [str(example)])
    assert "handwriting" in {record["name"] for record in result.applied}
    (tmp_path / "presets.yml").write_text("fax: {description: mine}\nwarehouse: {description: mine}\n")
    load_presets.cache_clear()
    first = load_presets((str(tmp_path), str(example)))
    assert {first[name].description for name in ("fax", "warehouse")} == {"mine"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine: {description: x, geometry: [{effect: wobble}]}", "mine.*geometry.*'wobble'.*'rotate'"),
        ("mine: {description: x, surface: [{effect: stains, size: 3}]}", "size"),
        ("- mine", "valid dictionary"),
        ("mine: {", "expected"),
    ],
)
def test_a_bad_file_of_presets_is_named(tmp_path, text, message):
    (tmp_path / "presets.yml").write_text(text)
    with pytest.raises(PresetError, match=rf"(?s)^{tmp_path / 'presets.yml'}: .*{message}"):
        load_presets((str(tmp_path),))


AUGRAPHY = Path(__file__).parents[2] / "docs/examples/augraphy"


@pytest.mark.parametrize("transform", get_args(Transform))
def test_augraphys_effects_move_nothing_and_are_seeded(transform):
    effect = Augraphy(transform=transform)
    check_that_it_moves_nothing(effect)
    before = draw(markers())
    state = random.getstate(), np.random.get_state()[1].tolist()
    first, again, other = (effect.apply(before, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state
    np.testing.assert_array_equal(first, again)
    assert (first != before).any() or (other != before).any()


def test_a_preset_of_augraphys_effects_works_from_a_file():
    points = markers()
    names = set()
    for seed in range(4):
        args = draw(points), page_of(points), "worn_copier"
        result = augment(*args, np.random.default_rng(seed), [str(AUGRAPHY)])
        names |= {r["params"]["transform"] for r in result.applied if r["name"] == "augraphy"}
    assert names >= {"DirtyDrum", "SubtleNoise"}


def test_without_augraphy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "augraphy", None)  # as if it were not installed
    load_presets.cache_clear()
    assert set(load_presets()) == set(PRESETS)
    with pytest.raises(
        PresetError, match=r"needs the package augraphy.*pip install 'invoicegen\[augraphy\]'"
    ):
        load_presets((str(AUGRAPHY),))


def test_options_that_augraphy_does_not_know_are_refused():
    with pytest.raises(ValidationError, match=r"SubtleNoise cannot be made of these options.*'wave'"):
        Augraphy(transform="SubtleNoise", options={"wave": 1})
    with pytest.raises(ValidationError, match="transform"):
        Augraphy(transform="GlitchEffect")  # it moves things


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((HEIGHT, WIDTH), np.uint8),
        np.zeros((HEIGHT, WIDTH, 4), np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.uint16),
        np.zeros((HEIGHT, WIDTH, 3), np.float64),
        np.zeros((WIDTH, HEIGHT, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
    ],
    ids=["gray", "alpha", "16 bits", "floats", "turned", "empty"],
)
def test_an_image_that_is_not_the_pages_is_refused(image):
    with pytest.raises(
        ValueError, match=r"page 0: image of .*, expected uint8 \(700, 500, 3\): the RGB pixels"
    ):
        augment(image, page_of(markers()), "clean", np.random.default_rng(0))


def test_unknown_preset_names_those_allowed():
    with pytest.raises(ValueError, match=r"'cinema'.*clean, office_scan, phone_photo, receipt_photo, fax"):
        augment(draw(markers()), page_of(markers()), "cinema", np.random.default_rng(0))


def test_image_size_is_that_of_the_page_and_what_was_applied_is_told():
    points = markers()
    for seed in range(6):
        result = augment(draw(points), page_of(points), "receipt_photo", np.random.default_rng(seed))
        assert result.image.shape == (result.page.height, result.page.width, 3)
        names = [record["name"] for record in result.applied]
        assert names[0] == "margin"
        assert {"rotate", "perspective", "background"} <= set(names)
        for record in result.applied:
            assert record.keys() == {"name", "params", "geometry"}
        moving = {record["name"] for record in result.applied if record["geometry"]}
        assert moving <= {"margin", "page_curl", "rotate", "scale_shift", "perspective"}
        np.testing.assert_array_equal(
            result.image.shape[:2],
            [HEIGHT + 2 * result.applied[0]["params"]["px"], WIDTH + 2 * result.applied[0]["params"]["px"]],
        )


def test_the_table_shows_beside_the_sheet_and_the_sheet_covers_it():
    preset = Preset.model_validate(
        {
            "description": "shrunk on a dark table",
            "margin": [0.1, 0.1],
            "background": {"kind": "table", "lightness": [0.2, 0.2], "grain": [0.01, 0.01]},
            "geometry": [{"effect": "rotate", "degrees": [0.5, 0.5]}],
        }
    )
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    result = apply_preset(image, TruePage(0, WIDTH, HEIGHT), preset, np.random.default_rng(0))
    assert result.image[:30].mean() < 100
    assert result.image[100:-100, 100:-100].min() == 255


def test_words_over_the_edge_lose_visibility_and_end_at_the_edge():
    shift = Preset(description="down and left", geometry=[ScaleShift(shift_x=(-0.1, -0.1), shift_y=(0, 0))])
    words = [
        TrueWord("gone", box_to_quad((10, 100, 45, 110))),
        TrueWord("half", box_to_quad((30, 200, 70, 210))),
        TrueWord("half of a half", box_to_quad((30, 300, 70, 310)), visible=0.5),
        TrueWord("whole", box_to_quad((60, 400, 90, 410))),
    ]
    result = apply_preset(
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        TruePage(2, WIDTH, HEIGHT, words),
        shift,
        np.random.default_rng(0),
    )
    gone, half, quarter, whole = result.page.words
    assert result.page.page == 2
    assert gone.visible == 0
    assert half.visible == pytest.approx(0.5)
    assert quarter.visible == pytest.approx(0.25)
    assert whole.visible == 1
    np.testing.assert_allclose(half.quad, box_to_quad((0, 200, 20, 210)), atol=1e-9)
    np.testing.assert_allclose(whole.quad, box_to_quad((10, 400, 40, 410)), atol=1e-9)
    for word in result.page.words:
        assert min(word.quad) >= 0
        assert max(word.quad[0::2]) <= WIDTH
        assert max(word.quad[1::2]) <= HEIGHT


@pytest.mark.parametrize(
    ("quad", "share"),
    [
        (box_to_quad((10, 10, 20, 20)), 1.0),
        (box_to_quad((-10, 10, 10, 20)), 0.5),
        (box_to_quad((-10, -10, 10, 10)), 0.25),
        (box_to_quad((-20, 10, -5, 20)), 0.0),
        (box_to_quad((95, 10, 105, 20)), 0.5),
        ((0, -5, 5, 0, 0, 5, -5, 0), 0.25),  # a diamond on the corner
        ((-5, 10, 5, 10, 5, 10, -5, 10), 1.0),  # no area, middle on the page
        ((-15, 10, 5, 10, 5, 10, -15, 10), 0.0),  # no area, middle off it
    ],
)
def test_share_on_page(quad, share):
    assert share_on_page(quad, 100, 100) == pytest.approx(share)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from([name for name in PRESETS if name != "clean"]))
def test_every_map_can_be_followed_back(seed, name):
    page_map, _ = draw_map(load_presets()[name], WIDTH, HEIGHT, np.random.default_rng(seed))
    points = markers()
    np.testing.assert_allclose(page_map.backward(page_map.forward(points)), points, atol=1e-6)


def test_neighbouring_homographies_become_one():
    turn = Homography(np.array([[0.0, -1, 5], [1, 0, 7], [0, 0, 1]]))
    curl = Curl(3, 100)
    page_map = PageMap.compose([turn, turn, curl, turn], 100, 100)
    assert len(page_map.steps) == 3
    points = np.array([[10.0, 20], [30, 5]])
    expected = turn.forward(curl.forward(turn.forward(turn.forward(points))))
    np.testing.assert_allclose(page_map.forward(points), expected)


def test_homography_takes_corners_to_corners():
    source = np.array([[0.0, 0], [100, 0], [100, 50], [0, 50]])
    target = np.array([[3.0, 4], [90, 2], [97, 55], [-4, 48]])
    mapped = Homography(homography_of_corners(source, target)).forward(source)
    np.testing.assert_allclose(mapped, target, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"geometry": [{"effect": "wave", "depth": [0, 1]}]}, "rotate"),
        ({"geometry": [{"effect": "rotate", "degrees": [2, 1]}]}, "lower bound 2.0 is above upper bound 1.0"),
        ({"photometrics": [{"effect": "jpeg", "quality": [40, 60], "strength": 1}]}, "strength"),
        ({"photometrics": [{"effect": "gamma", "gamma": [1, 1], "probability": 1.5}]}, "probability"),
    ],
)
def test_a_preset_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Preset.model_validate({"description": "bad", **change})


def test_importing_presets_loads_no_image_library():
    program = (
        "import sys, invoicegen.augmentation\n"
        "print([name for name in ('cv2', 'albumentations', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_of_effects_is_fresh():
    """scripts/augmentation_docs.py writes it."""
    docs = Path(__file__).parents[2] / "docs"
    text = (docs / "augmentation.md").read_text(encoding="utf-8")
    assert text.count("| **") == len(NAMES) + len(PRESETS) + len(get_args(Transform))
    for name in NAMES:
        assert f"| **{name}**: " in text
        assert (docs / f"images/augmentation/{name}.jpg").stat().st_size > 1000
    for name in PRESETS:
        assert f"| **{name}**: " in text
        assert (docs / f"images/augmentation/preset_{name}.jpg").stat().st_size > 1000
    for name in get_args(Transform):
        assert f"| **{name}** | " in text
        assert (docs / f"images/augmentation/augraphy_{name}.jpg").stat().st_size > 1000
