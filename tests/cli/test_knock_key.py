"""`truedue key knock`: the key of one org's package."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from connectors.crm.salesforce.knock import key_of
from runtime.cli.keys import key
from runtime.operations.errors import InputError

ORG = "00D000000000001EAA"


def test_the_key_is_the_orgs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUEDUE_SALESFORCE_WEBHOOK_SECRET", "not-a-real-secret")
    printed = CliRunner().invoke(key, ["knock", ORG]).output.strip()
    assert printed == key_of("not-a-real-secret", ORG) == key_of("not-a-real-secret", ORG[:15])
    assert printed != key_of("not-a-real-secret", "00D000000000002EAA")


@pytest.mark.parametrize(
    ("arguments", "secret", "says"),
    [
        ([ORG], "", "TRUEDUE_SALESFORCE_WEBHOOK_SECRET is not set"),
        (["00D'; --"], "s", "no org's id"),
        ([ORG, "--system", "xero"], "s", "no package of ours"),
    ],
)
def test_what_makes_no_key_is_said(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], secret: str, says: str
) -> None:
    monkeypatch.setenv("TRUEDUE_SALESFORCE_WEBHOOK_SECRET", secret)
    result = CliRunner().invoke(key, ["knock", *arguments])
    assert isinstance(result.exception, InputError) and says in str(result.exception)
