"""Sessions of `requests` for the SDKs that use it."""

from __future__ import annotations

import os

import requests
from requests.utils import get_environ_proxies

_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # as requests itself looks for them


def session_for(url: str) -> requests.Session:
    """Return a session for calls of `url`, which asks the environment once for proxies and authorities.

    Of itself `requests` would also look for a .netrc and put a password from there in the place of our token.
    """
    session = requests.Session()
    session.proxies.update(get_environ_proxies(url))
    session.verify = next((path for name in _AUTHORITIES if (path := os.environ.get(name))), True)
    session.trust_env = False
    return session
