import pytest

from invoicegen.evaluation.reading import KnownText, ReadingCounts, count_reading
from invoicegen.schema.annotation import Word


def line(text, y=0.0, x=0.0):
    """Words and boxes of monospaced text, a character 10 px wide and 20 high."""
    found = []
    for word in text.split():
        at = x + 10 * (text.index(word))
        found.append((word, (at, y, at + 10 * len(word), y + 20)))
    return found


def known(*lines):
    return [KnownText(text, box, n) for n, words in enumerate(lines) for text, box in words]


def read(*lines):
    return [Word(text=text, box=list(box), source="ocr") for words in lines for text, box in words]


PAGE = known(line("Total due 42.00"), line("Thank you", y=40))


@pytest.mark.parametrize(
    ("words", "found", "wrong"),
    [
        (read(line("Total due 42.00"), line("Thank you", y=40)), 5, 0),
        (read(line("Thank you", y=40), line("TOTAL due 42.00")), 5, 0),  # neither order nor case matters
        (read(line("Total due 42.80"), line("Thank you", y=40)), 4, 1),
        (read(line("Total due"), line("Thank you", y=40)), 4, 5),  # "42.00" is lost
        (
            read([("Totaldue", (0, 0, 90, 20))], line("42.00", x=100), line("Thank you", y=40)),
            3,
            0,
        ),  # a lost space
        (read(line("Total due 42.00"), line("Thank you", y=40), line("spot", y=200)), 5, 4),  # made up
        (read(line("Thank due 42.00"), line("Total you", y=40)), 3, 8),  # right words, wrong places
        ([], 0, 21),
    ],
)
def test_words_and_characters_are_counted_line_by_line(words, found, wrong):
    counts = count_reading(PAGE, words)
    assert (counts.found_words, counts.wrong_characters) == (found, wrong)
    assert (counts.known_words, counts.read_words, counts.known_characters) == (5, len(words), 21)


def test_shares_are_of_all_pages_together():
    counts = count_reading(PAGE, read(line("Total due 42.80"))) + count_reading([], read(line("spot")))
    assert counts.recall == 2 / 5
    assert counts.precision == 2 / 4
    assert counts.character_error_rate == (1 + 8 + 4) / 21
    assert ReadingCounts().mean_overlap is None


def test_boxes_of_found_words_are_compared():
    words = [Word(text="Total", box=[0, 0, 25, 20], source="ocr"), *read(line("due", x=60))]
    assert count_reading(PAGE, words).mean_overlap == pytest.approx((0.5 + 1) / 2)


def test_a_known_line_is_compared_by_its_words():
    whole = [KnownText("Total due 42.00", (0, 0, 150, 20), 0)]
    counts = count_reading(whole, read(line("Total due 42.00")))
    assert (counts.known_words, counts.found_words, counts.wrong_characters) == (3, 3, 0)
    assert counts.mean_overlap is None
