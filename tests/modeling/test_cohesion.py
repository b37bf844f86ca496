import numpy as np

from invoicegen.modeling.cohesion import COHESIONS, choose_cohesion
from invoicegen.modeling.decoding import Decoder, WordScores
from invoicegen.schema.taxonomy import NER_IDS, NER_LABELS


def page(third):
    """Four words side by side, an address; of the third the model gives nothing ``third`` more than the address."""
    ner = np.full((4, len(NER_LABELS)), -30.0, dtype=np.float32)
    for word, label in enumerate(("B", "I", "I", "I")):
        ner[word, NER_IDS[f"{label}-SELLER_ADDRESS"]] = -5.0 if word == 2 else -0.1
    ner[2, NER_IDS["O"]] = -5.0 + third
    return WordScores(ner=ner, beside=np.array([False, True, True, True]))


WHOLE = ["B-SELLER_ADDRESS", *["I-SELLER_ADDRESS"] * 3]
BROKEN = ["B-SELLER_ADDRESS", "I-SELLER_ADDRESS", "O", "I-SELLER_ADDRESS"]


def test_the_dearest_that_is_as_good_as_the_best():
    decoder = Decoder(("SELLER_ADDRESS",))
    chosen = choose_cohesion([page(3.0)] * 50, [WHOLE] * 50, decoder)
    assert chosen.cohesion == max(COHESIONS)
    assert chosen.scores["f1"] == 1.0


def test_what_does_harm_is_not_taken():
    # Half of the pages need 2 · cohesion > 1 to be whole, the other half are broken in truth until 2 · cohesion > 5.
    pages, truth = [page(1.0), page(5.0)] * 50, [WHOLE, BROKEN] * 50
    assert choose_cohesion(pages, truth, Decoder(("SELLER_ADDRESS",))).cohesion == 2.0


def test_a_harm_within_the_standard_error_does_not_count():
    pages, truth = [page(1.0)] * 99 + [page(5.0)], [WHOLE] * 99 + [BROKEN]
    assert choose_cohesion(pages, truth, Decoder(("SELLER_ADDRESS",))).cohesion == 2.0
    pages, truth = (
        [*pages, *[page(1.0)] * 5],
        [*truth, *[BROKEN] * 5],
    )  # never right: the best has an error now
    assert choose_cohesion(pages, truth, Decoder(("SELLER_ADDRESS",))).cohesion == max(COHESIONS)


def test_pages_without_entities():
    assert choose_cohesion([page(3.0)], [["O"] * 4], Decoder()).cohesion in COHESIONS
