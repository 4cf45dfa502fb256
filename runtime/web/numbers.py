"""Numbers that requests bring: whole ones no larger than a database counts, and amounts as people write them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Path, Query

MOST = 2**63 - 1  # of SQLite's INTEGER and PostgreSQL's BIGINT

RowId = Annotated[int, Path(ge=0, le=MOST)]
Asked = Annotated[int, Query(ge=0, le=MOST)]
AmountText = Annotated[str, Form(max_length=20)]  # read where its currency is known
Given = Annotated[int, Form(ge=-MOST, le=MOST)]
