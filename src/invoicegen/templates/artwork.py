"""What a document shows beside text: drawn logos, and QR codes and bar codes that can be read.

Everything is one SVG image in a ``data:`` URL, so that a document needs no file and its words stay those of the text:
letters inside an image are not among the true words.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

import numpy as np
from markupsafe import Markup

from invoicegen.schema.invoice import QR_BILLS_SINCE, Invoice, Party

_EPC_MOST: Final = Decimal("999999999.99")
_QUIET: Final = 4  # modules of white around a QR code; ISO/IEC 18004
_QUIET_BARS: Final = 10  # modules of white beside a Code 128; ISO/IEC 15417


def _image(body: str, box: tuple[float, float], width_mm: float, height_mm: float, alt: str) -> Markup:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box[0]:g} {box[1]:g}">{body}</svg>'
    data = base64.b64encode(svg.encode()).decode()
    return Markup('<img alt="{}" style="width:{}mm;height:{}mm" src="data:image/svg+xml;base64,{}"/>').format(
        alt, f"{width_mm:g}", f"{height_mm:g}", data
    )


def _polygon(points: Iterable[tuple[float, float]], colour: str) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{joined}" fill="{colour}"/>'


def _ring(sides: int, radius: float, turn: float = 0.0) -> list[tuple[float, float]]:
    angles = (turn + 2 * math.pi * i / sides for i in range(sides))
    return [(50 + radius * math.cos(angle), 50 + radius * math.sin(angle)) for angle in angles]


def _circles(rng: np.random.Generator, a: str, b: str) -> str:
    x = rng.uniform(30, 45)
    return (
        f'<circle cx="{x:.1f}" cy="50" r="28" fill="{a}"/>'
        f'<circle cx="{100 - x:.1f}" cy="50" r="28" fill="{b}" fill-opacity=".7"/>'
    )


def _rings(rng: np.random.Generator, a: str, b: str) -> str:
    width = rng.uniform(5, 12)
    return "".join(
        f'<circle cx="50" cy="50" r="{radius}" fill="none" stroke="{colour}" stroke-width="{width:.1f}"/>'
        for radius, colour in ((40, a), (18, b))
    )


def _chevrons(rng: np.random.Generator, a: str, b: str) -> str:
    count = int(rng.integers(2, 4))
    return "".join(
        _polygon([(x, 15), (x + 18, 15), (x + 45, 50), (x + 18, 85), (x, 85), (x + 27, 50)], (a, b)[i % 2])
        for i, x in enumerate(10 + 24 * i for i in range(count))
    )


def _hexagon(rng: np.random.Generator, a: str, b: str) -> str:
    return _polygon(_ring(6, 45, math.pi / 6), a) + _polygon(_ring(6, rng.uniform(18, 32), math.pi / 6), b)


def _star(rng: np.random.Generator, a: str, b: str) -> str:
    points = int(rng.integers(5, 13))
    outer, inner = _ring(points, 46, -math.pi / 2), _ring(points, 24, -math.pi / 2 + math.pi / points)
    return _polygon([point for pair in zip(outer, inner, strict=True) for point in pair], a) + (
        f'<circle cx="50" cy="50" r="12" fill="{b}"/>'
    )


def _waves(rng: np.random.Generator, a: str, b: str) -> str:
    lift = rng.uniform(12, 26)
    return "".join(
        f'<path d="M5 {y} q22 -{lift:.0f} 45 0 t45 0" fill="none" stroke="{colour}" stroke-width="10"/>'
        for y, colour in ((30, a), (52, b), (74, a))
    )


def _bars(rng: np.random.Generator, a: str, b: str) -> str:
    heights = rng.uniform(25, 85, int(rng.integers(3, 6)))
    wide = 80 / len(heights)
    return "".join(
        f'<rect x="{10 + i * wide:.1f}" y="{90 - height:.1f}" width="{wide * 0.75:.1f}" height="{height:.1f}" '
        f'fill="{(a, b)[i % 2]}"/>'
        for i, height in enumerate(heights)
    )


def _house(rng: np.random.Generator, a: str, b: str) -> str:
    door = rng.uniform(14, 26)
    return (
        _polygon([(50, 8), (94, 48), (6, 48)], a)
        + f'<rect x="18" y="48" width="64" height="44" fill="{b}"/>'
        + f'<rect x="{50 - door / 2:.1f}" y="64" width="{door:.1f}" height="28" fill="#fff"/>'
    )


def _leaf(rng: np.random.Generator, a: str, b: str) -> str:
    bend = rng.uniform(0, 30)
    return (
        f'<path d="M12 88 C{bend:.0f} 30 40 8 90 10 C92 60 70 95 12 88 z" fill="{a}"/>'
        f'<path d="M12 88 Q45 55 78 24" fill="none" stroke="{b}" stroke-width="4"/>'
    )


def _gear(rng: np.random.Generator, a: str, b: str) -> str:
    teeth = int(rng.integers(7, 13))
    cut = "".join(
        f'<rect x="44" y="2" width="12" height="18" fill="{a}" transform="rotate({360 * i / teeth:.1f} 50 50)"/>'
        for i in range(teeth)
    )
    return cut + f'<circle cx="50" cy="50" r="36" fill="{a}"/><circle cx="50" cy="50" r="15" fill="{b}"/>'


def _mountains(rng: np.random.Generator, a: str, b: str) -> str:
    peak = rng.uniform(25, 45)
    return _polygon([(2, 85), (peak, 25), (75, 85)], a) + _polygon([(40, 85), (72, 40), (98, 85)], b)


def _quarters(rng: np.random.Generator, a: str, b: str) -> str:
    pieces = (
        "M50 50 V5 A45 45 0 0 1 95 50 z",
        "M50 50 H95 A45 45 0 0 1 50 95 z",
        "M50 50 V95 A45 45 0 0 1 5 50 z",
        "M50 50 H5 A45 45 0 0 1 50 5 z",
    )
    left_out = int(rng.integers(len(pieces)))
    return "".join(
        f'<path d="{piece}" fill="{(a, b)[i % 2]}"/>' for i, piece in enumerate(pieces) if i != left_out
    )


def _dots(rng: np.random.Generator, a: str, b: str) -> str:
    filled = rng.random((4, 4)) < 0.7
    return "".join(
        f'<circle cx="{14 + 24 * x}" cy="{14 + 24 * y}" r="9" fill="{a if filled[y, x] else b}"/>'
        for y in range(4)
        for x in range(4)
    )


_MARKS: Final[tuple[Callable[[np.random.Generator, str, str], str], ...]] = (
    _circles, _rings, _chevrons, _hexagon, _star, _waves, _bars, _house, _leaf, _gear, _mountains, _quarters, _dots,
)  # fmt: skip


def logo(rng: np.random.Generator, colour: str, second: str, height_mm: float) -> Markup:
    """A drawn mark, one of 13 sorts with proportions of its own, sometimes with a bar beside it.

    Args:
        rng: Where its sort and proportions come from.
        colour: CSS colour of its larger part.
        second: CSS colour of the rest.
        height_mm: Height of the mark, which is square without the bar.
    """
    mark = _MARKS[int(rng.integers(len(_MARKS)))](rng, colour, second)
    if rng.random() < 0.3:
        width = float(rng.uniform(90, 220))
        mark += f'<rect x="112" y="38" width="{width:.0f}" height="24" rx="4" fill="{colour}"/>'
        wide = 112 + width
        return _image(mark, (wide, 100), height_mm * wide / 100, height_mm, "")
    return _image(mark, (100, 100), height_mm, height_mm, "")


def qr_code(payload: str, size_mm: float, error: str = "m") -> Markup:
    """A QR code (ISO/IEC 18004) with its quiet zone.

    Args:
        payload: What it says; written as UTF-8, which payment codes declare.
        size_mm: Side of the square, quiet zone included.
        error: Error correction: ``l``, ``m``, ``q`` or ``h``.

    Raises:
        segno.DataOverflowError: If the payload is too long for a QR code.
    """
    import segno

    matrix = segno.make_qr(payload, error=error, encoding="utf-8").matrix
    runs = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append(f"M{start + _QUIET} {y + _QUIET}h{x - start}v1h-{x - start}z")
            x += 1
    side = len(matrix) + 2 * _QUIET
    body = f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{"".join(runs)}"/>'
    return _image(body, (side, side), size_mm, size_mm, "")


def bar_code(data: str, width_mm: float, height_mm: float) -> Markup:
    """A Code 128 (ISO/IEC 15417) with its quiet zones; the line in figures under it is the caller's.

    Raises:
        barcode.errors.IllegalCharacterError: If a character is not in Code 128.
    """
    from barcode import Code128  # type: ignore[import-untyped]

    modules = str(Code128(data).build()[0])
    body, x = [], 0
    while x < len(modules):
        start = x
        while x < len(modules) and modules[x] == "1":
            x += 1
        if x > start:
            body.append(f"M{start + _QUIET_BARS} 0h{x - start}v10h-{x - start}z")
        x += 1
    wide = len(modules) + 2 * _QUIET_BARS
    # The bars are stretched to the height asked for.
    drawn = f'<g transform="scale(1 {height_mm / width_mm * wide / 10:.4f})"><path d="{"".join(body)}"/></g>'
    return _image(drawn, (wide, height_mm / width_mm * wide), width_mm, height_mm, "")


def swiss_code(payload: str) -> Markup:
    """The QR code of a Swiss QR-bill, 46 mm without its quiet zone, with the Swiss cross in the middle.

    Source:
        SIX, Swiss Payment Standards, Implementation Guidelines QR-bill 2.3, 6: error correction M, cross of 7 mm.
    """
    import segno

    modules = len(segno.make_qr(payload, error="m", encoding="utf-8").matrix)
    side_mm = 46 * (modules + 2 * _QUIET) / modules
    code = qr_code(payload, side_mm)
    cross = (
        '<rect width="7" height="7" fill="#fff"/><rect x=".4" y=".4" width="6.2" height="6.2"/>'
        '<path d="M3 1.6h1v1.4h1.4v1h-1.4v1.4h-1v-1.4h-1.4v-1h1.4z" fill="#fff"/>'
    )
    middle = (side_mm - 7) / 2
    return Markup(
        '<div style="position:relative;width:{0}mm;height:{0}mm">{1}'
        '<div style="position:absolute;left:{2}mm;top:{2}mm">{3}</div></div>'
    ).format(f"{side_mm:.2f}", code, f"{middle:.2f}", _image(cross, (7, 7), 7, 7, ""))


def swiss_payload(invoice: Invoice) -> str | None:
    """The payload of a Swiss QR-bill, or None where the document cannot have one.

    Source:
        SIX, Swiss Payment Standards, Implementation Guidelines QR-bill 2.3, 4: version 0200, UTF-8, structured
        addresses (S), amounts up to 999 999 999.99 in CHF or EUR, a QR reference (QRR) with a QR-IBAN, else a creditor
        reference (SCOR) or none (NON), then a message.
    """
    payment, seller, buyer = invoice.payment, invoice.seller, invoice.buyer
    amount = Decimal(invoice.totals.due).scaleb(-invoice.currency_digits)
    swiss = payment.iban and payment.iban[:2] in ("CH", "LI") and seller.address.country_code in ("CH", "LI")
    if (
        not swiss
        or invoice.issue_date < QR_BILLS_SINCE
        or invoice.currency not in ("CHF", "EUR")
        or amount <= 0
    ):
        return None
    kind = {"RF": "SCOR", "QRR": "QRR"}.get(payment.reference_scheme or "", "NON")
    reference = (payment.reference or "") if kind != "NON" else ""
    message = payment.reference or invoice.number if kind == "NON" else invoice.number
    lines = ["SPC", "0200", "1", payment.iban or "", *_swiss_party(seller), *[""] * 7]
    lines += [f"{amount:.2f}", invoice.currency, *(_swiss_party(buyer) if buyer else [""] * 7)]
    return "\r\n".join([*lines, kind, reference.replace(" ", ""), message[:140], "EPD"])


def _swiss_party(party: Party) -> list[str]:
    """Address type, name, street, house number, post code, town, country."""
    address = party.address
    street = next((line for line in address.lines if address.city not in line), "")
    return [
        "S",
        party.name[:70],
        street[:70],
        "",
        address.post_code[:16],
        address.city[:35],
        address.country_code,
    ]


def epc_payload(invoice: Invoice) -> str | None:
    """The payload of a SEPA payment code (GiroCode), or None where the document cannot have one.

    Source:
        European Payments Council, EPC069-12 version 3.1, Quick Response Code: guidelines to enable the data capture
        for the initiation of a credit transfer: service tag, version 002, character set 1 (UTF-8), SCT, BIC, name (70
        characters), IBAN, amount, purpose, structured reference or text (140 characters).
    """
    payment, owed = invoice.payment, invoice.account.due if invoice.account else invoice.totals.due
    amount = Decimal(owed).scaleb(-invoice.currency_digits)
    if invoice.currency != "EUR" or not payment.iban or not 0 < amount <= _EPC_MOST:
        return None
    structured = payment.reference_scheme == "RF"
    reference = payment.reference or invoice.number
    return "\n".join(
        (
            "BCD",
            "002",
            "1",
            "SCT",
            payment.bic or "",
            invoice.seller.name[:70],
            payment.iban,
            f"EUR{amount:.2f}",
            "",
            reference if structured else "",
            "" if structured else reference[:140],
        )
    )
