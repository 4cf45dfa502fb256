"""Whole numbers that requests bring, no larger than a database counts: a larger one is bad input, not a failure."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Path, Query

MOST = 2**63 - 1  # of SQLite's INTEGER and PostgreSQL's BIGINT

RowId = Annotated[int, Path(ge=0, le=MOST)]
Asked = Annotated[int, Query(ge=0, le=MOST)]
Given = Annotated[int, Form(ge=-MOST, le=MOST)]
