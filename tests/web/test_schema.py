"""What the description of our routes allows, tried by Schemathesis: no request makes the server fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from tests.web.access_ids import IDS
from tests.web.conftest import Site

EXAMPLES = 1  # of each operation, every day
MANY_EXAMPLES = 60
CALL_SECONDS = 60
Tried = schemathesis.Case[Any]
Operation = Any  # schemathesis types its operations by four parameters of its own


def _operations(site: Site, *, only_questions: bool) -> Iterator[Operation]:
    """Every operation that the served description names, or only those that take more than an address."""
    described = httpx.get(f"{site.address}/openapi.json", timeout=CALL_SECONDS).json()
    if only_questions:
        for path, operations in described["paths"].items():
            described["paths"][path] = {name: each for name, each in operations.items() if _takes_more(each)}
    for result in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(result, Ok), result
        yield result.ok()


def _takes_more(operation: dict[str, Any]) -> bool:
    return "requestBody" in operation or any(each["in"] == "query" for each in operation.get("parameters", ()))


def _try(site: Site, examples: int, *, only_questions: bool = False) -> Counter[int]:
    answered: Counter[int] = Counter()
    operations = list(_operations(site, only_questions=only_questions))
    assert len(operations) > 30
    for operation in operations:

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def tried(case: Tried) -> None:
            _name_what_exists(case, all_of_it=sum(answered.values()) % 2 == 0)
            answer = case.call(base_url=site.address, allow_redirects=False, timeout=CALL_SECONDS)
            answered[answer.status_code] += 1
            assert answer.status_code < 500, f"{case.method} {case.formatted_path}: {answer.text}"

        tried()
    return answered


def _name_what_exists(case: Tried, *, all_of_it: bool) -> None:
    """Put ids that exist into the address: what is made up alone would end at the first question."""
    for name in case.path_parameters or {}:
        if name in IDS and (all_of_it or name == "organisation_id"):
            case.path_parameters[name] = IDS[name]


def test_no_request_makes_the_server_fail(site: Site) -> None:
    answered = _try(site, EXAMPLES, only_questions=True)
    assert {200, 303, 400, 404} <= set(answered), answered


@pytest.mark.long
def test_no_request_of_many_makes_the_server_fail(site: Site) -> None:
    answered = _try(site, MANY_EXAMPLES)
    assert {200, 303, 400, 404, 409} <= set(answered), answered
