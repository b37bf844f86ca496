from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from invoicegen.splitting import assign_split

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


@given(st.text(), st.integers(0, 2**32))
def test_a_layout_has_one_split(group, seed):
    assert assign_split(group, seed, SHARES) == assign_split(group, seed, SHARES)
    assert assign_split(group, seed, SHARES) in SHARES


def test_shares_are_kept_within_sampling_error():
    counts = Counter(assign_split(f"layout-{i}", 1, SHARES) for i in range(10_000))
    for split, share in SHARES.items():
        assert abs(counts[split] / 10_000 - share) < 0.015


def test_another_seed_deals_anew():
    dealt = [[assign_split(f"layout-{i}", seed, SHARES) for i in range(200)] for seed in (1, 2)]
    assert dealt[0] != dealt[1]
