"""No name of a party of the real documents that development looks at is in what makes documents or reads them."""

from pathlib import Path

import pytest
from party_names import digest, digests_in

import invoicegen

PACKAGE = Path(invoicegen.__file__).parent
KNOWN = frozenset((Path(__file__).parent / "real_party_names.txt").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("folder", ["extraction", "synthesis", "templates"])
def test_no_party_of_the_real_documents_is_named(folder):
    files = [path for path in (PACKAGE / folder).rglob("*") if path.suffix in {".py", ".yml", ".j2"}]
    assert files
    found = {
        run: path.name
        for path in files
        for run, its_digest in digests_in(path.read_text(encoding="utf-8"))
        if its_digest in KNOWN
    }
    assert not found, "names of parties of real documents: templates, lexicons and rules must go without"


def test_a_name_is_found_whatever_its_case_accents_and_marks():
    assert len(KNOWN) > 100
    text = 'titles: ["Der NORD-STERN Handels GmbH & Co. dankt"]'
    assert digest("Nord-Stern Händels GmbH & Co.") in {its_digest for _, its_digest in digests_in(text)}
