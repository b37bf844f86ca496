"""Printed text to normalised values: tables of forms by kind, and round trips through CLDR's formats."""

import datetime as dt
from decimal import Decimal

import pytest
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from hypothesis import assume, given
from hypothesis import strategies as st

from invoicegen.extraction import DocumentHints, infer_hints, normalise_value
from invoicegen.extraction.lexicon import LANGUAGES
from invoicegen.schema.taxonomy import ENTITY_TYPES

DAY_FIRST = DocumentHints(day_first=True)
MONTH_FIRST = DocumentHints(day_first=False)
POINT = DocumentHints(decimal=".")
COMMA = DocumentHints(decimal=",")


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        ("2018-03-25", None, "2018-03-25"),
        ("2018/03/25", None, "2018-03-25"),
        ("2018.03.25", None, "2018-03-25"),
        ("20180325", None, "2018-03-25"),
        ("25032018", None, "2018-03-25"),
        ("20180325143000", None, "2018-03-25"),
        ("25/03/2018", None, "2018-03-25"),
        ("25/03/2018", MONTH_FIRST, "2018-03-25"),  # the calendar allows one order only
        ("03/25/2018", DAY_FIRST, "2018-03-25"),
        ("03/04/2018", DAY_FIRST, "2018-04-03"),
        ("03/04/2018", MONTH_FIRST, "2018-03-04"),
        ("03/04/2018", None, "2018-04-03"),  # most of the world
        ("3.4.2018", None, "2018-04-03"),
        ("3. 4. 2018", None, "2018-04-03"),
        ("25.03.18", None, "2018-03-25"),
        ("25-3-18", None, "2018-03-25"),
        ("25/03/98", None, "1998-03-25"),
        ("25/03/68", None, "2068-03-25"),
        ("99/05/14", None, "1999-05-14"),
        ("25 03 2018", None, "2018-03-25"),
        ("25 / 03 / 2018", None, "2018-03-25"),
        ("25/03/20 18", None, "2018-03-25"),
        ("25/03/2018 14:30", None, "2018-03-25"),
        ("25/03/201814:30", None, "2018-03-25"),
        ("25/03/18 14:30:12", None, "2018-03-25"),
        ("25-03-2018T09:01", None, "2018-03-25"),
        ("Sun 25/03/2018", None, "2018-03-25"),
        ("Tue09/20/16", None, "2016-09-20"),
        ("(25/03/2018)", None, "2018-03-25"),
        ("-27-02-2014", None, "2014-02-27"),
        ("09/13/15,", None, "2015-09-13"),
        ("Date:25/03/2018", None, "2018-03-25"),
        ("O1/O3/2018", DAY_FIRST, "2018-03-01"),  # letters for digits
        ("l5/03/2018", DAY_FIRST, "2018-03-15"),
        ("25-MAR-2018", None, "2018-03-25"),
        ("25-Mar-18", None, "2018-03-25"),
        ("25 MAR 18", None, "2018-03-25"),
        ("25MAR2018", None, "2018-03-25"),
        ("08May17", None, "2017-05-08"),
        ("04NOV'17", None, "2017-11-04"),
        ("DEC23'14", None, "2014-12-23"),
        ("MAY08.17", None, "2017-05-08"),
        ("OCT 3, 2016", None, "2016-10-03"),
        ("October 3rd, 2016", None, "2016-10-03"),
        ("3rd of October 2016", None, "2016-10-03"),
        ("Sept. 3, 2016", None, "2016-09-03"),
        ("Monday, 3 October 2016", None, "2016-10-03"),
        ("3. Oktober 2016", None, "2016-10-03"),
        ("1. März 2021", None, "2021-03-01"),
        ("1. Marz 2021", None, "2021-03-01"),  # the accent was not read
        ("1er février 2021", None, "2021-02-01"),
        ("14 août 2020", None, "2020-08-14"),
        ("14 maart 2020", None, "2020-03-14"),
        ("3 de octubre de 2016", None, "2016-10-03"),
        ("3 ottobre 2016", None, "2016-10-03"),
        ("3 de fevereiro de 2016", None, "2016-02-03"),
        ("2022. gada 9. februāris", None, "2022-02-09"),
        ("9 października 2022", None, "2022-10-09"),
        ("9. června 2022", None, "2022-06-09"),
        ("9. července 2022", None, "2022-07-09"),
        ("9 maj 2022", None, "2022-05-09"),
        ("9. desember 2022", None, "2022-12-09"),
        ("9. heinäkuuta 2022", None, "2022-07-09"),
        ("12 lis 2022", DocumentHints(language="pl"), "2022-11-12"),
        ("30.032018", None, "2018-03-30"),  # a mark was not read
        ("3003.2018", None, "2018-03-30"),
        ("30,112017", None, "2017-11-30"),
        ("2019-0619", None, "2019-06-19"),
        ("201906-19", None, "2019-06-19"),
        ("6 DE NOVEMBRO DE 2010", None, "2010-11-06"),
        ("1ST JULY 2020", None, "2020-07-01"),
        ("25 decerber 2021", None, "2021-12-25"),  # a letter was misread
        ("12 juln 2020", DocumentHints(language="fr"), "2020-06-12"),
        ("12 juln 2020", DocumentHints(language="en"), "2020-07-12"),
        ("12 juln 2020", None, None),
        ("6 Ju1y 2022", None, "2022-07-06"),
        ("Ju103'12", None, "2012-07-03"),
        ("Ju1 03 2012", DocumentHints(day_first=False), "2012-07-03"),
        ("03-Apri1-2012", None, "2012-04-03"),
        ("Ju12 2012", None, None),  # July or the twelfth of something
        ("10-88-2027", DocumentHints(day_first=False), "2027-10-08"),  # a nought was misread
        ("29.11.2815", None, "2015-11-29"),
        ("2015-04-38", None, "2015-04-30"),
        ("08.88.27", None, "2027-08-08"),
        ("38.89.2815", None, None),
        ("85.80.2015", None, None),
        ("1.69 3.38A", None, None),  # two prices
        ("31812012", None, None),  # a number
        ("2,94 8,82", None, None),
        ("0ct 12, 2020", None, "2020-10-12"),
        ("Jul1st 2020", None, "2020-07-01"),
        ("12 rooms 2020", None, None),
        ("99.992018", None, None),
        ("12345.2018", None, None),
        ("31/02/2018", None, None),
        ("99/99/2018", None, None),
        ("10/17", None, None),  # no year
        ("30 days", None, None),
        ("TOTAL", None, None),
        ("", None, None),
    ],
)
def test_dates(text, hints, expected):
    assert normalise_value("INVOICE_DATE", text, hints or DocumentHints()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01.10.2026 - 31.10.2026", "2026-10-01/2026-10-31"),
        ("01.10.2026–31.10.2026", "2026-10-01/2026-10-31"),
        ("01.10. - 31.10.2026", "2026-10-01/2026-10-31"),
        (
            "02.10.2026 - 08.10.2026",
            "2026-10-02/2026-10-08",
        ),  # not the year 2026, the 8th month, the 10th day
        ("12-01-2026 – 08-02-2026", "2026-01-12/2026-02-08"),
        ("01.-31.10.2026", "2026-10-01/2026-10-31"),
        ("01/10 - 31/10/2026", "2026-10-01/2026-10-31"),
        ("1 - 31 October 2026", "2026-10-01/2026-10-31"),
        ("1 Oct - 31 Oct 2026", "2026-10-01/2026-10-31"),
        ("1 OCT TO 31 OCT 2026", "2026-10-01/2026-10-31"),
        ("Oct 1 - 31, 2026", "2026-10-01/2026-10-31"),
        ("vom 01.10.2026 bis 31.10.2026", "2026-10-01/2026-10-31"),
        ("2026-10-01 to 2026-10-31", "2026-10-01/2026-10-31"),
        ("8/10/2019 – 20/10/2019", "2019-10-08/2019-10-20"),
        ("October 2026", "2026-10-01/2026-10-31"),
        ("Februar 2024", "2024-02-01/2024-02-29"),
        ("10/2026", "2026-10-01/2026-10-31"),
        ("12.10.2026", "2026-10-12"),
        ("week 42", None),
    ],
)
def test_periods_of_delivery(text, expected):
    assert normalise_value("DELIVERY_DATE", text, DAY_FIRST) == expected


def test_other_dates_take_the_start_of_a_period():
    assert normalise_value("INVOICE_DATE", "01.10.2026 - 31.10.2026", DAY_FIRST) == "2026-10-01"


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        ("466.48", None, "466.48"),
        ("466,48", None, "466.48"),
        ("1.234,56", None, "1234.56"),
        ("1,234.56", None, "1234.56"),
        ("1 234,56", None, "1234.56"),
        ("1\u202f234,56", None, "1234.56"),
        ("1\u00a0234\u00a0567,89", None, "1234567.89"),
        ("1'234.56", None, "1234.56"),
        ("1’234.50", None, "1234.50"),
        ("1.234.567,89", None, "1234567.89"),
        ("1,234,567.89", None, "1234567.89"),
        ("6,00,000.00", None, "600000.00"),  # Indian groups
        ("1,08,000", None, "108000"),
        ("1.234", COMMA, "1234"),
        ("1,234", POINT, "1234"),
        ("10,375", None, "10375"),
        ("1.234.567", None, "1234567"),
        ("12.345", DocumentHints(decimal=".", currency="KWD"), "12.345"),
        ("0.125", None, "0.125"),
        ("0,5", None, "0.5"),
        (".50", None, "0.50"),
        ("1234.5", None, "1234.5"),
        ("12", None, "12"),
        ("0.00", None, "0.00"),
        ("-0.00", None, "0.00"),
        ("RM5.90", None, "5.90"),
        ("RM 5.90", None, "5.90"),
        ("€237.46", None, "237.46"),
        ("€ 237,46", None, "237.46"),
        ("466,48 €", None, "466.48"),
        ("466,48€", None, "466.48"),
        ("310,00 EURO", None, "310.00"),
        ("USD 1,000.00", None, "1000.00"),
        ("$10,375", None, "10375"),
        ("₹ 7,08,000.00", None, "708000.00"),
        ("Rs. 500", None, "500"),
        ("Rs.10,640.00", None, "10640.00"),
        ("kr 1 200,00", None, "1200.00"),
        ("1 200,00 zł", None, "1200.00"),
        ("฿200.00", None, "200.00"),
        ("E99.33", None, "99.33"),  # a sign read as a letter
        ("Total2.67", None, "2.67"),
        ("5.90 T", None, "5.90"),
        ("12.00A", None, "12.00"),
        ("5.90SR", None, "5.90"),
        ("*12.00", None, "12.00"),
        ("12,-", None, "12"),
        ("1.234,--", None, "1234"),
        ("12.-", None, "12"),
        ("12€50", None, "12.50"),
        ("-20.00", None, "-20.00"),
        ("20.00-", None, "-20.00"),
        ("20,00- EUR", None, "-20.00"),
        ("−20,00", None, "-20.00"),
        ("- 20.00", None, "-20.00"),
        ("-€20.00", None, "-20.00"),
        ("€-20.00", None, "-20.00"),
        ("-RM 5.00", None, "-5.00"),
        ("(20.00)", None, "-20.00"),
        ("($20.00)", None, "-20.00"),
        ("20.00 CR", None, "-20.00"),
        ("20.00 (incl. tax)", None, "20.00"),
        ("12 .50", None, "12.50"),
        ("12. 50", None, "12.50"),
        ("1 ,234.56", None, "1234.56"),
        ("12 50", None, "12.50"),
        ("1O.50", None, "10.50"),
        ("l2.00", None, "12.00"),
        ("1,234,56", None, "1234.56"),
        ("i.99", None, "1.99"),
        ("293,.90", None, "293.90"),
        ("1,09427", None, "1094.27"),  # the decimal mark was not read
        ("1.234.56789", None, "1234567.89"),
        ("1234,56789", None, "1234.56789"),
        ("19% 74.48", None, "74.48"),
        ("TOTAL", None, None),
        ("", None, None),
    ],
)
def test_money(text, hints, expected):
    assert normalise_value("TOTAL_AMOUNT", text, hints or DocumentHints()) == expected


@pytest.mark.parametrize(
    ("name", "text", "hints", "expected"),
    [
        ("ITEM_QUANTITY", "100", None, "100"),
        ("ITEM_QUANTITY", "2x", None, "2"),
        ("ITEM_QUANTITY", "x 2", None, "2"),
        ("ITEM_QUANTITY", "1,5 h", None, "1.5"),
        ("ITEM_QUANTITY", "0.245", None, "0.245"),
        ("ITEM_QUANTITY", "1.245", POINT, "1.245"),
        ("ITEM_QUANTITY", "1.000", COMMA, "1000"),
        ("ITEM_QUANTITY", "1,000", POINT, "1000"),
        ("ITEM_QUANTITY", "-1", None, "-1"),
        ("ITEM_UNIT_PRICE", "1.539", POINT, "1.539"),
        ("ITEM_UNIT_PRICE", "0,1234", None, "0.1234"),
        ("ITEM_UNIT_PRICE", "12,50 / 100", None, "12.50"),
        ("TAX_RATE", "19 %", None, "19"),
        ("TAX_RATE", "19,00%", None, "19.00"),
        ("TAX_RATE", "6%", None, "6"),
        ("TAX_RATE", "VAT@17.5", None, "17.5"),
        ("TAX_RATE", "(20 %)", None, "20"),
        ("TAX_RATE", "- 7,0 %", None, "7.0"),
        ("TAX_RATE", "8.875%", None, "8.875"),
        ("ITEM_TAX_RATE", "A", None, None),
        ("ITEM_TAX_RATE", "T1", None, None),
        ("ITEM_TAX_RATE", "T01", None, None),
        ("TAX_RATE", "VAT20", None, "20"),
        ("TAX_RATE", "168", None, "16"),  # the sign was read as a digit
        ("ITEM_TAX_RATE", "252", None, "25"),
        ("TAX_RATE", "58", None, "58"),  # nobody can tell
        ("TAX_RATE", "120.00", None, "120.00"),
        ("ITEM_DISCOUNT", "5 %", None, "5%"),
        ("ITEM_DISCOUNT", "-1.20", None, "-1.20"),
    ],
)
def test_quantities_prices_and_rates(name, text, hints, expected):
    assert normalise_value(name, text, hints or DocumentHints()) == expected


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        ("EUR", None, "EUR"),
        ("€", None, "EUR"),
        ("Euro", None, "EUR"),
        ("(EUR)", None, "EUR"),
        ("eur", None, "EUR"),
        ("£", None, "GBP"),
        ("US$", None, "USD"),
        ("$", None, "USD"),
        ("$", DocumentHints(country="CA"), "CAD"),
        ("$", DocumentHints(country="AU"), "AUD"),
        ("A$", None, "AUD"),
        ("RM", None, "MYR"),
        ("Rs.", None, "INR"),
        ("₹", None, "INR"),
        ("zł", None, "PLN"),
        ("Kč", None, "CZK"),
        ("kr", DocumentHints(language="sv"), "SEK"),
        ("kr.", DocumentHints(language="da"), "DKK"),
        ("kr", DocumentHints(country="NO"), "NOK"),
        ("kr", None, None),
        ("CHF", None, "CHF"),
        ("Fr.", None, "CHF"),
        ("Total", None, None),
    ],
)
def test_currencies(text, hints, expected):
    assert normalise_value("CURRENCY", text, hints or DocumentHints()) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("BANK_ACCOUNT", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("BANK_ACCOUNT", "IBAN:DE89370400440532013000", "DE89370400440532013000"),
        (
            "BANK_ACCOUNT",
            "DE89 37O4 0044 0532 0130 00",
            "DE89370400440532013000",
        ),  # O for 0: the checksum agrees
        (
            "BANK_ACCOUNT",
            "DE88 37O4 0044 0532 0130 00",
            "DE8837O400440532013000",
        ),  # no reading is valid: as printed
        ("BANK_ACCOUNT", "GB00 MSFT 123456 9876543", "GB00MSFT1234569876543"),
        ("BANK_ACCOUNT", "12345678", "12345678"),
        ("BANK_ACCOUNT", "1234 5678", "12345678"),
        ("BANK_CODE", "COBA DE FF XXX", "COBADEFFXXX"),
        ("BANK_CODE", "BIC: COBADEFFXXX", "COBADEFFXXX"),
        ("BANK_CODE", "20-20-15", "20-20-15"),
        ("SELLER_TAX_ID", "DE 136 695 976", "DE136695976"),
        ("SELLER_TAX_ID", "BE 0428.759.497", "BE0428759497"),
        ("SELLER_TAX_ID", "DE 136 695 97O", "DE13669597O"),
        ("SELLER_TAX_ID", "DE l36 695 976", "DE136695976"),
        ("SELLER_TAX_ID", "GB 123 4567 89", "GB123456789"),
        ("SELLER_TAX_ID", "VAT:LV43603014262", "LV43603014262"),
        ("BUYER_TAX_ID", "12ABCDE0123A1A2", "12ABCDE0123A1A2"),
        ("BUYER_TAX_ID", "123456-7", "123456-7"),
        ("DOCUMENT_TYPE", "TAX INVOICE", "380"),
        ("DOCUMENT_TYPE", "Rechnung", "380"),
        ("DOCUMENT_TYPE", "FACTURE", "380"),
        ("DOCUMENT_TYPE", "Proforma Invoice", "380"),
        ("DOCUMENT_TYPE", "Credit Note", "381"),
        ("DOCUMENT_TYPE", "CREDIT-NOTE", "381"),
        ("DOCUMENT_TYPE", "Gutschrift", "381"),
        ("DOCUMENT_TYPE", "Facture d'avoir", "381"),
        ("DOCUMENT_TYPE", "Corrected invoice", "384"),
        ("DOCUMENT_TYPE", "Rechnungskorrektur", "381"),
        ("DOCUMENT_TYPE", "Fatura/Recibo", "380"),
        ("DOCUMENT_TYPE", "Note d'honoraires", "380"),
        ("DOCUMENT_TYPE", "Kassenbon", "rcpt"),
        ("DOCUMENT_TYPE", "RECEIPT", "rcpt"),
        ("DOCUMENT_TYPE", "Quittung", "rcpt"),
        ("DOCUMENT_TYPE", "Order confirmation", None),
        ("ITEM_UNIT", "pcs", "C62"),
        ("ITEM_UNIT", "Stk.", "C62"),
        ("ITEM_UNIT", "Std.", "HUR"),
        ("ITEM_UNIT", "kg", "KGM"),
        ("ITEM_UNIT", "m²", "MTK"),
        ("ITEM_UNIT", "kWh", "KWH"),
        ("ITEM_UNIT", "months", "MON"),
        ("ITEM_UNIT", "1 job", "LS"),
        ("ITEM_UNIT", "per 100", "CEN"),
        ("ITEM_UNIT", "lump sum", "LS"),
        ("ITEM_UNIT", "frobs", None),
        ("SELLER_NAME", " Muster  Technik GmbH ,", "Muster Technik GmbH"),
        ("SELLER_NAME", "CONTOSO LTD.", "CONTOSO LTD."),
        ("SELLER_NAME", "NORTH STAR SIN BHD", "NORTH STAR SDN BHD"),
        ("SELLER_NAME", "NORTH STAR SDN BHDI", "NORTH STAR SDN BHD"),
        ("BUYER_NAME", "North Star Sn Bhd.", "North Star Sdn Bhd."),
        ("BUYER_NAME", "Example India Put Ltd", "Example India Pvt Ltd"),
        ("BUYER_NAME", "Example Pta Ltd", "Example Pta Ltd"),  # Pte or Pty
        ("BUYER_NAME", "Example Pte Ltd", "Example Pte Ltd"),
        ("SELLER_NAME", "Star Bhd", "Star Bhd"),
        ("SELLER_NAME", "North Star (123456-A)", "North Star"),
        ("SELLER_NAME", "North Star SDN DHD 9OZ345-U", "North Star SDN BHD"),
        ("SELLER_NAME", "Studio 2024-B", "Studio 2024-B"),
        ("SELLER_NAME", "UREXIO (M)SDN BHD", "UREXIO (M)SDN BHD"),
        ("SELLER_ADDRESS", "Hauptstr. 5\n10115 Berlin;", "Hauptstr. 5 10115 Berlin"),
        ("INVOICE_NUMBER", "#INV-2026-00042", "INV-2026-00042"),
        ("INVOICE_NUMBER", "INV-100:", "INV-100"),
        ("INVOICE_NUMBER", "n°562044387", "562044387"),
        ("INVOICE_NUMBER", "Nº. A-17", "A-17"),
        ("INVOICE_NUMBER", "№ 17", "17"),
        ("INVOICE_NUMBER", "N17", "N17"),
        ("PAYMENT_TERMS", "30 days net,  2% 10 days", "30 days net, 2% 10 days"),
        ("SELLER_NAME", " - ", None),
    ],
)
def test_identifiers_codes_and_texts(name, text, expected):
    assert normalise_value(name, text) == expected


def test_unknown_entity_type_is_an_error():
    with pytest.raises(ValueError, match="not in taxonomy"):
        normalise_value("TOTAL", "12.00")


@given(st.sampled_from(ENTITY_TYPES), st.text(max_size=40))
def test_any_text_gives_a_value_or_none(name, text):
    value = normalise_value(name, text)
    assert value is None or value.strip()


@given(
    st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["short", "medium", "long", "full"]),
)
def test_dates_survive_every_language_and_length(date, language, length):
    printed = format_date(date, length, locale=language)
    hints = DocumentHints(language=language, day_first=language != "en")
    assert normalise_value("INVOICE_DATE", printed, hints) == date.isoformat()


LOCALES = ["en_US", "en_GB", "en_IN", "de_DE", "de_CH", "de_AT", "fr_FR", "fr_CH", "nl_NL", "es_ES", "it_IT", "pt_PT",
           "lv_LV", "pl_PL", "cs_CZ", "sv_SE", "da_DK", "nb_NO", "fi_FI"]  # fmt: skip


@given(st.decimals(Decimal("-9999999.99"), Decimal("9999999.99"), places=2), st.sampled_from(LOCALES))
def test_money_survives_every_locale(amount, locale):
    assume(amount != 0)
    printed = format_decimal(amount, "#,##0.00", locale=locale)
    assert Decimal(normalise_value("TOTAL_AMOUNT", printed)) == amount


@given(
    st.decimals(Decimal("0.01"), Decimal("9999999.99"), places=2),
    st.sampled_from(LOCALES),
    st.sampled_from(["EUR", "USD", "GBP", "CHF", "SEK", "PLN", "CZK", "INR"]),
)
def test_money_survives_currency_signs(amount, locale, currency):
    printed = format_currency(amount, currency, locale=locale)
    assert Decimal(normalise_value("TOTAL_AMOUNT", printed)) == amount


@given(st.integers(1, 9_999_999), st.sampled_from(LOCALES))
def test_whole_money_survives_with_the_documents_decimal_mark(amount, locale):
    printed = format_decimal(amount, "#,##0", locale=locale)
    mark = format_decimal(Decimal("0.5"), locale=locale)[1]
    assert Decimal(normalise_value("TOTAL_AMOUNT", printed, DocumentHints(decimal=mark))) == amount


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Rechnung Datum 03.04.2026 Betrag 1.234,56 EUR", DocumentHints("de", None, "EUR", ",", True)),
        (
            "Invoice date 12/25/2026 due 01/04/2027 Total $ 12.00",
            DocumentHints("en", None, "USD", ".", False),
        ),
        ("TAX INVOICE ABC SDN BHD TOTAL RM 5.90 03/04/2018", DocumentHints("en", "MY", "MYR", ".", True)),
        ("Facture total TTC 12,00 €", DocumentHints("fr", None, "EUR", ",", True)),
        ("Invoice Springfield, IL 62701 total 5.00", DocumentHints("en", "US", "USD", ".", False)),
        ("Faktura moms 120,00 kr Att betala", DocumentHints("sv", None, "SEK", ",", True)),
        ("", DocumentHints()),
    ],
)
def test_hints_follow_from_the_documents_words(words, expected):
    found = infer_hints(words.split())
    for name in ("language", "currency", "decimal", "day_first"):
        assert getattr(found, name) == getattr(expected, name), name
    assert expected.country in (None, found.country)


def test_one_unambiguous_date_decides_the_others():
    hints = infer_hints(["Invoice", "28/02/2018", "due", "03/04/2018"])
    assert normalise_value("DUE_DATE", "03/04/2018", hints) == "2018-04-03"
    hints = infer_hints(["Invoice", "02/28/2018", "due", "03/04/2018"])
    assert normalise_value("DUE_DATE", "03/04/2018", hints) == "2018-03-04"


@pytest.mark.parametrize(
    ("words", "day_first"),
    [("Facture Date Montant Prix Quantité Total TVA", True), ("Invoice Date Amount Price Quantity", False)],
)
def test_who_does_not_write_english_writes_the_day_first_wherever_the_seller_is(words, day_first):
    hints = infer_hints([*words.split(), "Scranton", "PA", "18503"])
    assert hints.country == "US"
    assert hints.day_first is day_first


@pytest.mark.parametrize(
    ("entity_type", "text", "expected"),
    [
        ("SELLER_NAME", "Nom:SARL Mathier", "SARL Mathier"),
        ("BUYER_ADDRESS", "Adresse:12 rue Colas", "12 rue Colas"),
        ("SELLER_NAME", "Tesco: Express", "Tesco: Express"),
        ("SELLER_NAME", "Re:Store", "Re:Store"),
        ("PAYMENT_TERMS", "Terms:30 days", "Terms:30 days"),
    ],
)
def test_a_caption_glued_to_a_party_is_none_of_it(entity_type, text, expected):
    assert normalise_value(entity_type, text) == expected


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("G8 012345678", "GB012345678"),
        ("F120774740", "FI20774740"),  # right check digits
        ("F120774741", "F120774741"),
        ("G81234567", "G81234567"),  # a Spanish number
        ("B85905495", "B85905495"),
    ],
)
def test_a_misread_letter_of_a_country_s_prefix_is_mended(printed, value):
    assert normalise_value("SELLER_TAX_ID", printed) == value
