"""API keys, rates, and what every answer carries."""

from __future__ import annotations

import datetime as dt
import stat

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from invoicegen.console import app
from invoicegen.serving import ServiceOptions
from invoicegen.serving.app import create_app
from invoicegen.serving.keys import KeysError, KeyStore
from invoicegen.serving.ocr_app import create_ocr_app
from invoicegen.serving.options import OcrServiceOptions


def test_only_valid_keys_of_the_scope_are_let_in_and_changes_count_at_once(service, keys):
    key, token = keys.create("accounting", frozenset({"extract"}))
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    _, expired = keys.create("old", frozenset({"extract"}), expires=past)
    _, other = keys.create("other", frozenset({"batches"}))
    found = {
        name: service.client(given).get("/v1/schema").status_code
        for name, given in {
            "none": None,
            "wrong": token[:-1] + ("A" if token[-1] != "A" else "B"),
            "expired": expired,
            "other scope": other,
            "right": token,
        }.items()
    }
    assert found == {"none": 401, "wrong": 401, "expired": 401, "other scope": 403, "right": 200}
    keys.revoke(key.id)
    refused = service.client(token).get("/v1/schema")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_a_key_may_make_a_hundred_requests_a_minute(client, service, keys):
    answers = [client.get("/v1/schema") for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert answers[0].headers["ratelimit-remaining"] == "99"
    assert answers[-1].json()["type"] == "urn:invoicegen:problem:too-many-requests"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
    _, another = keys.create("another", frozenset({"extract"}))
    assert service.client(another).get("/v1/schema").status_code == 200


@pytest.mark.parametrize(
    ("options", "make_app"),
    [(ServiceOptions, create_app), (OcrServiceOptions, create_ocr_app)],
    ids=["extraction", "annotation"],
)
def test_the_description_asks_for_keys_where_there_are_some(tmp_path, options, make_app):
    chosen = {"batches": False} if options is ServiceOptions else {}
    guarded = make_app(options(**chosen, keys=tmp_path / "keys.json")).openapi()
    without = make_app(options(**chosen)).openapi()
    assert guarded["components"]["securitySchemes"]
    assert "securitySchemes" not in without["components"]
    of_one, of_other = (
        {
            (path, method): operation
            for path, methods in api["paths"].items()
            for method, operation in methods.items()
        }
        for api in (guarded, without)
    )
    assert of_one.keys() == of_other.keys()
    for place, operation in of_one.items():
        told = dict(of_other[place]["responses"])
        if operation.get("security"):
            told |= {status: operation["responses"][status] for status in ("401", "403")}
        assert told == operation["responses"]
        assert "security" not in of_other[place]


def test_keys_are_kept_as_hashes_for_their_owner_alone(tmp_path):
    path = tmp_path / "secret" / "keys.json"
    runner = CliRunner()
    made = runner.invoke(app, ["keys", "create", "--file", str(path), "--name", "shop", "--scope", "extract"])
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token.split("_", 2)[2] not in path.read_text()
    key = KeyStore(path).find(token)
    assert key is not None
    assert (key.name, key.scopes) == ("shop", {"extract"})
    assert key.id in runner.invoke(app, ["keys", "list", "--file", str(path)]).stdout
    assert runner.invoke(app, ["keys", "revoke", "--file", str(path), key.id]).exit_code == 0
    assert KeyStore(path).find(token) is None
    gone = runner.invoke(app, ["keys", "revoke", "--file", str(path), key.id])
    assert (gone.exit_code, "keys list" in gone.stderr) == (1, True)
    path.write_text("{}x")
    with pytest.raises(KeysError, match="is not a file of API keys"):
        KeyStore(path).listed()


def test_every_answer_has_an_id_and_security_headers(client):
    given = "0f8fad5bd9cb469fa16570867728950e"
    for path in ("/health", "/v1/nothing", "/docs"):
        answer = client.get(path, headers={"X-Request-ID": given})
        assert answer.headers["x-request-id"] == given
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert (
        client.get("/health", headers={"X-Request-ID": 'x" <script>'}).headers["x-request-id"]
        != 'x" <script>'
    )


def test_settings_come_from_files_of_secrets_and_are_checked(tmp_path, monkeypatch):
    (tmp_path / "INVOICEGEN_RATE_LIMIT_STORAGE").write_text("redis://:secret@cache:6379/0")
    monkeypatch.setenv("INVOICEGEN_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("INVOICEGEN_MAX_PAGES", "7")
    options = ServiceOptions()
    assert options.max_pages == 7
    assert options.rate_limit_storage.get_secret_value() == "redis://:secret@cache:6379/0"
    assert "secret@" not in repr(options)
    for wrong, message in (
        ({"host": "0.0.0.0"}, "invoicegen keys create"),
        ({"rate_limit": "often"}, "rate_limit"),
        ({"rate_limit_storage": "postgres://x"}, "redis://"),
        ({"max_page": 3}, "max_page"),
    ):
        with pytest.raises(ValidationError, match=message):
            ServiceOptions(**wrong)
