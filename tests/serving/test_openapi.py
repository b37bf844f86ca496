"""The API does what its description says: schemathesis asks it, soundly and unsoundly, with all its checks."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

_EVERY = 80
"""Requests of one key: fewer than the rate limit lets through."""


@pytest.fixture(scope="session", params=["service", "ocr_service"])
def api(request):
    service = request.getfixturevalue(request.param)
    config = schemathesis.Config.from_path(Path(__file__).parents[2] / "schemathesis.toml")
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json", config=config)


@pytest.fixture(scope="session")
def token(keys):
    """A function that gives a key with some of its rate left."""
    made = count()
    current = ""

    def give() -> str:
        nonlocal current
        if next(made) % _EVERY == 0:
            _, current = keys.create("schemathesis", frozenset({"extract", "batches", "ocr"}))
        return current

    return give


@schemathesis.serializer("application/pdf", "image/png", "image/jpeg", "image/tiff")
def as_bytes(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=str)
def test_the_api_is_as_it_is_described(api, token, mode):
    operations = [operation.ok() for operation in api.get_all_operations()]
    assert len(operations) >= 5
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def is_as_described(case):
            case.call_and_validate(headers={"Authorization": f"Bearer {token()}"})

        try:
            is_as_described()
        except Unsatisfiable:  # nothing about the request of this operation can be wrong
            assert mode is schemathesis.GenerationMode.NEGATIVE


def test_a_path_names_all_its_methods(client):
    answer = client.put(f"/v1/batches/{'0' * 32}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")
