"""A served site for each test, filled, with its clock and a plain HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from runtime.app import App
from runtime.portal_links import PortalLinks
from tests.http_client import client_of
from tests.operations.firm import Firm
from tests.web.build import Time, filled, running, two_organisations
from tests.web.serving import serving


@dataclass
class Site:
    """A filled product (organisation `org-a`, and `org-b` beside it) that answers over HTTP."""

    app: App
    time: Time
    address: str
    http: httpx.Client

    def token(self, customer_id: str = "acme", organisation_id: str = "org-a") -> str:
        links = PortalLinks(self.app.settings.encryption_key(), self.time)
        return links.link(organisation_id, customer_id)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with (
        running(tmp_path, filled(two_organisations)) as (app, time),
        serving(app) as address,
        client_of(address) as http,
    ):
        yield Site(app, time, address, http)


@pytest.fixture
def http(served: tuple[Firm, str]) -> Iterator[httpx.Client]:
    """A client of the pages of a served firm, where a module serves one."""
    with client_of(served[1]) as client:
        yield client
