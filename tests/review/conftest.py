"""The firms of the tests of operations."""

from __future__ import annotations

from tests.operations.conftest import any_firm, firm, shared_database, shared_firm, unconnected

__all__ = ["any_firm", "firm", "shared_database", "shared_firm", "unconnected"]
