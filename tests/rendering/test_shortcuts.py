"""Pages made the short way against those of WeasyPrint alone: the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import weasyprint
from weasyprint.layout import inline

from invoicegen.rendering import RenderedDocument, engine, render_document, shortcuts
from invoicegen.synthesis import KINDS, synthesise
from invoicegen.templates import PlanOptions, compose, plan_document

STYLE = """
@page { size: A5; margin: 10mm; @bottom-right { content: "} " counter(page) "{" } }
/* { a comment's brace } */
body { font-family: "Liberation Sans"; font-size: 9pt; line-height: 1.3 }
p { margin: 0 0 2mm; padding-inline-start: 3mm; text-indent: 2% }
.justified { text-align: justify; hyphens: auto }
.spaced { letter-spacing: 1px; word-spacing: 2px }
.narrow { width: calc(10% + 8mm); overflow-wrap: anywhere; border-radius: 2mm 0; border: 1px solid }
.cut { width: 20mm; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.under { text-decoration: underline } .under b { text-decoration: inherit; color: inherit }
table { border-collapse: collapse; min-width: 40%; font-size: calc(8pt + 1px) }
td { padding: 1% 1mm; border: 1px solid }
td.n { white-space: nowrap; text-align: right } td.b { min-width: 15%; max-width: 30mm }
q::before { content: "\\7b " } q::after { content: '"}' }
@media print { .printed { font-weight: bold } } @media screen { .printed { display: none } }
.later { color: #123456 } .later { color: #654321; margin-block-end: 4mm; all: unset }
"""
TEXT = (
    "Straße Überweisung fi ffi AVATAR 1.234,56 € Rechnungsempfänger and so on and so forth, again and again. "
)
BODY = f"""
<p>{TEXT}{TEXT}</p><p class="justified">{TEXT}{TEXT}</p><p class="spaced">{TEXT}</p><p dir="rtl">{TEXT}</p>
<div class="narrow">{TEXT}</div><div class="cut">{TEXT}</div><p class="under">a <b>b</b> <q>c</q></p>
<p class="printed later">{TEXT}</p>
<table><tr><td class="b">{TEXT}</td><td>1</td><td class="n">1 234,56 </td></tr>
<tr><td>{TEXT}</td><td>1</td><td class="n"> 1 234,56</td></tr>
<tr><td colspan="2">1</td><td class="n">a&#160;b<br/>c</td></tr>
<tr><td><table><tr><td>Inner words</td><td class="n">Inner words</td></tr></table></td>
<td/><td>Inner words</td></tr></table>
<table><tr><td>Nr. A-1/b c:d 10 % (x) „y“ 1,5 m² Maß-Stab</td><td>and/or</td><td>2026-01-02</td>
<td>x y</td></tr></table>
<table style="overflow-wrap: anywhere"><tr><td>Wort</td><td class="spaced">zwei Worte</td><td>12.5 %</td></tr></table>
<table style="white-space: pre-line"><tr><td>Wort
Worte</td><td>x
</td></tr></table>
"""


def html(style: str) -> str:
    return f'<html lang="de"><head><style>{style}</style></head><body>{BODY}</body></html>'


@pytest.fixture
def stock() -> Iterator[None]:
    shortcuts.remove()
    yield
    shortcuts.install()


def alone(document: str) -> RenderedDocument:
    """The document as WeasyPrint lays it out without shortcuts."""
    shortcuts.remove()
    try:
        return render_document(document)
    finally:
        shortcuts.install()


@pytest.mark.parametrize("family", ["modern", "classic", "receipt"])
def test_composed_documents_are_the_same_bytes(family: str) -> None:
    weights = {name: {"pdf_text": 1.0} for name in ("modern", "classic", "receipt")}
    options = PlanOptions(
        documents=5,
        seed=23,
        locales={"en_US": 1, "de_DE": 1, "fr_FR": 1, "pl_PL": 1},
        families={family: 1.0},
        kinds=dict.fromkeys(KINDS, 1.0),
        engines=weights,
        presets={name: {"clean": 1.0} for name in weights},
    )
    for index in range(5):
        plan = plan_document(index, options)
        document = compose(synthesise(plan), plan)
        assert render_document(document) == alone(document)


def test_what_invoices_seldom_print_is_the_same_bytes() -> None:
    document = html(STYLE)
    rendered = render_document(document)
    assert rendered == alone(document)
    assert len(rendered.pages[0].words) > 100


def test_a_stylesheet_means_the_same_by_its_rules_as_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    document = html(STYLE)
    by_rules = render_document(document)
    assert len(list(engine._rules(STYLE))) > 15
    monkeypatch.setattr(engine, "_rules", lambda text: iter([text]))
    assert render_document(document) == by_rules


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a { b: c } d { e: f }", 2),
        ('a { b: "}" } c {}', 2),
        ("a { b: '\\'}' } c {}", 2),
        ("a { /* } */ b: c } d {}", 2),
        ("a { b: url(data:,}) } d {}", 2),
        ("@media print { a { b: c } d {} } e {}", 2),
        ("a\\} { b: c } d {}", 2),
        ("@layer x { a { b: c } } d {}", 1),
        ("a { b: c ", 1),
        ("a { b: c } } d { e: f }", 2),
    ],
)
def test_a_rule_ends_with_its_own_brace(text: str, pieces: int) -> None:
    rules = list(engine._rules(text))
    assert "".join(rules) == text
    assert len([rule for rule in rules if rule.strip()]) == pieces


@pytest.mark.usefixtures("stock")
def test_another_version_of_weasyprint_goes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    own = inline.split_first_line
    monkeypatch.setattr(weasyprint, "__version__", "71.0")
    with pytest.warns(UserWarning, match=r"WeasyPrint 71\.0 renders without the shortcuts made for 70\.0"):
        shortcuts.install()
    assert inline.split_first_line is own
