"""Documents that are wrong in every way, each a pure function of (seed, index)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Mutant:
    """A document made wrong: how, from what, and its bytes."""

    how: str
    source: str
    data: bytes


def _truncate(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def _flip_bits(data: bytes, rng: Rng) -> bytes:
    flipped = bytearray(data)
    for place in rng.integers(0, len(data), int(rng.integers(1, 64))):
        flipped[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(flipped)


def _zero_a_stretch(data: bytes, rng: Rng) -> bytes:
    start = int(rng.integers(0, len(data)))
    length = min(int(rng.integers(1, 4096)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def _repeat_a_stretch(data: bytes, rng: Rng) -> bytes:
    start, end = sorted(int(place) for place in rng.integers(0, len(data), 2))
    return data[:end] + data[start:end] * int(rng.integers(1, 4)) + data[end:]


def _other_numbers(data: bytes, rng: Rng) -> bytes:
    """Some digits changed: lengths, offsets, sizes and counts of a PDF."""
    changed = bytearray(data)
    digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    for place in (
        rng.choice(digits, min(len(digits), int(rng.integers(1, 20))), replace=False) if digits else ()
    ):
        changed[place] = int(rng.integers(48, 58))
    return bytes(changed)


def _wrong_head(data: bytes, rng: Rng) -> bytes:
    heads = (
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"II*\x00",
        b"MM\x00*",
        b"GIF89a",
        b"PK\x03\x04",
    )
    head = heads[int(rng.integers(0, len(heads)))]
    return head + data[len(head) :]


def _noise(data: bytes, rng: Rng) -> bytes:
    return rng.bytes(int(rng.integers(0, 20_000)))


MUTATIONS: dict[str, Callable[[bytes, Rng], bytes]] = {
    "truncated": _truncate,
    "bits flipped": _flip_bits,
    "zeros": _zero_a_stretch,
    "repeated": _repeat_a_stretch,
    "other numbers": _other_numbers,
    "wrong head": _wrong_head,
    "noise": _noise,
}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_bomb(rng: Rng) -> bytes:
    """A PNG of gigapixels in a few kilobytes."""
    side = int(rng.integers(20_000, 200_000))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _tiff_bomb(rng: Rng) -> bytes:
    """A white fax of far too many pixels, or of far too many frames."""
    buffer = io.BytesIO()
    if rng.random() < 0.5:
        Image.new("1", (20_000, int(rng.integers(10_000, 20_000)))).save(buffer, "TIFF", compression="group4")
    else:
        frame = Image.new("1", (8, 8))
        frame.save(buffer, "TIFF", save_all=True, append_images=[frame] * int(rng.integers(60, 300)))
    return buffer.getvalue()


def _pdf(objects: list[str]) -> bytes:
    body = "%PDF-1.7\n" + "".join(f"{n} 0 obj{text}endobj\n" for n, text in enumerate(objects, 1))
    return (body + f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n0\n%%EOF").encode()


def _pdf_nested(rng: Rng) -> bytes:
    depth = int(rng.integers(100, 50_000))
    return _pdf(["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count 1/Kids{'[' * depth}{']' * depth}>>"])


def _pdf_huge_page(rng: Rng) -> bytes:
    side = int(10 ** rng.uniform(4, 9))
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {side} {side}]>>"
    return _pdf(["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>", page])


def _pdf_loop(rng: Rng) -> bytes:
    """A tree of pages that bites its tail, or claims a great many."""
    count = int(10 ** rng.uniform(0, 9))
    return _pdf(
        [
            "<</Type/Catalog/Pages 2 0 R>>",
            f"<</Type/Pages/Count {count}/Kids[2 0 R 3 0 R]>>",
            "<</Type/Pages/Count 1/Parent 2 0 R/Kids[2 0 R]>>",
        ]
    )


def _pdf_stream_bomb(rng: Rng) -> bytes:
    """A page whose content is tiny when packed, and draws for megabytes."""
    operations = b"0 0 m 500 500 l S " * int(rng.integers(10_000, 200_000))
    packed = zlib.compress(operations, 9)
    head = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
    page = b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n"
    stream = b"4 0 obj<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream endobj\n" % (len(packed), packed)
    return head + page + stream + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n0\n%%EOF"


MADE: dict[str, Callable[[Rng], bytes]] = {
    "PNG bomb": _png_bomb,
    "TIFF bomb": _tiff_bomb,
    "nested PDF": _pdf_nested,
    "huge page": _pdf_huge_page,
    "loop of pages": _pdf_loop,
    "stream bomb": _pdf_stream_bomb,
}


def mutant(seed: int, index: int, sources: dict[str, bytes]) -> Mutant:
    """The mutant of that index: each kind comes once in every round of all kinds."""
    rng = np.random.Generator(np.random.Philox(key=[seed, index]))
    kinds = [*MADE, *((how, name) for name in sources for how in MUTATIONS)]
    kind = kinds[index % len(kinds)]
    if isinstance(kind, str):
        return Mutant(kind, "nothing", MADE[kind](rng))
    how, name = kind
    return Mutant(how, name, MUTATIONS[how](sources[name], rng))
