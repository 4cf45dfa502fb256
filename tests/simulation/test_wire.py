"""HTTP without a network: what the clients send arrives, what goes wrong comes out as a socket's error would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import requests
import urllib3

from runtime.simulation.wire import Answered, Sent, Wire
from sandbox.estate import Estate
from sandbox.world import DEMO_START

SECONDS = 3.0


@pytest.fixture
def wire() -> Iterator[tuple[Wire, str]]:
    wire = Wire()
    with Estate(clock=lambda: DEMO_START, couriers=False, reach=wire.connect) as estate, wire.laid():
        yield wire, estate.environment["TRUEDUE_XERO_API_URL"]


def test_a_request_is_answered_by_its_stand_in(wire: tuple[Wire, str]) -> None:
    _, url = wire
    answer = requests.get(f"{url}/connections", headers={"Authorization": "Bearer nobody"}, timeout=SECONDS)
    assert answer.status_code == 401
    assert answer.json()["Status"] == 401


def heard(laid: Wire) -> list[Sent]:
    """What is sent from now on; it is answered as ever."""
    seen: list[Sent] = []

    def listen(sent: Sent, answer: Callable[[], Answered]) -> Answered:
        seen.append(sent)
        return answer()

    laid.passage = listen
    return seen


def test_a_redirect_and_a_query_travel(wire: tuple[Wire, str]) -> None:
    laid, url = wire
    seen = heard(laid)
    requests.post(f"{url}/connect/token", data={"grant_type": "a b"}, params={"x": "1 2"}, timeout=SECONDS)
    (sent,) = seen
    assert (sent.system, sent.method, sent.path, sent.query) == ("xero", "POST", "/connect/token", "x=1+2")
    assert sent.body == b"grant_type=a+b"
    assert sent.patience == SECONDS


def test_a_client_is_as_patient_as_it_says_however_slow_the_machine_is(wire: tuple[Wire, str]) -> None:
    laid, url = wire
    seen = heard(laid)
    with urllib3.PoolManager() as pool:  # what passes between connecting and asking counts by the machine's clock
        pool.request("GET", url, timeout=urllib3.Timeout(total=SECONDS), redirect=False)
    assert [sent.patience for sent in seen] == [SECONDS]


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [(ConnectionResetError("cut"), requests.ConnectionError), (TimeoutError("slow"), requests.Timeout)],
)
def test_trouble_on_the_way_is_a_clients_error(
    wire: tuple[Wire, str], trouble: Exception, expected: type[Exception]
) -> None:
    laid, url = wire

    def fail(_sent: Sent, _answer: Callable[[], Answered]) -> Answered:
        raise trouble

    laid.passage = fail
    with pytest.raises(expected):
        requests.get(url, timeout=SECONDS)


@pytest.mark.usefixtures("wire")
def test_where_nobody_listens_the_connection_is_refused() -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9", timeout=SECONDS)


def test_the_wire_is_taken_up_again() -> None:
    wire = Wire()
    with Estate(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), couriers=False, reach=wire.connect) as estate:
        url = estate.environment["TRUEDUE_STRIPE_API_URL"]
        with wire.laid():
            assert requests.get(f"{url}/v1/events", timeout=SECONDS).status_code == 401
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/v1/events", timeout=SECONDS)
