"""Mutated documents against a running service, one of each kind; `tests/support/fuzzing.py` makes long runs."""

from __future__ import annotations

from fuzzing import SETTINGS, fuzz, sources
from mutations import MADE, MUTATIONS
from service import running_service


def test_mutated_documents_get_a_clear_answer(tmp_path):
    kinds = len(MADE) + len(MUTATIONS) * len(sources())
    with running_service(tmp_path / "log.jsonl", **SETTINGS) as service:
        outcome = fuzz(service, kinds, seed=1)
    assert outcome.wrong == []
    assert len(outcome.counts) >= 4  # mutants get far enough to be told different things
