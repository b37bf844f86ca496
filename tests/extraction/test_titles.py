"""Every title that the generator prints is read as the kind of document it stands for."""

from pathlib import Path

import pytest
import yaml

from invoicegen.extraction.values import normalise_value
from invoicegen.templates import lexicon

LEXICONS = Path(lexicon.__file__).with_name("lexicons")
CODES = {
    "title_credit_note": {"381", "384"},
    "title_self_billed": {"380", "381"},
    "title_corrective": {"381", "384"},
    "title_receipt": {"rcpt", "380"},  # tills print "Invoice" and "Bill" too
    "title_card_slip": {"rcpt"},
}
AMBIGUOUS = {
    "Factura de abono",  # of a subscription, and a credit note
    "Nota de venta",
    "Facture simplifiée",  # also what a till prints
}


@pytest.mark.parametrize("path", sorted(LEXICONS.glob("*.yml")), ids=lambda path: path.stem)
def test_titles_are_read_as_what_they_are(path):
    captions = yaml.safe_load(path.read_text(encoding="utf-8"))
    wrong = {
        title: code
        for key, titles in captions.items()
        if key.startswith("title_") and key != "title_line"
        for title in set(titles) - AMBIGUOUS
        if (code := normalise_value("DOCUMENT_TYPE", title)) not in CODES.get(key, {"380"})
    }
    assert not wrong
