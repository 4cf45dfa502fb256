"""How the stand-in refuses: one error of the API, in the form in which Salesforce writes it."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.exceptions import HTTPException

from sandbox.standin import json_response


class Refused(HTTPException):
    """One error of the API: an error code such as INVALID_FIELD, a message, and the fields it is about."""

    def __init__(self, error_code: str, message: str, fields: Iterable[str] = (), *, status: int = 400) -> None:
        self.error_code = error_code
        self.message = message
        self.fields = list(fields)
        body = {"message": message, "errorCode": error_code, **({"fields": self.fields} if status == 400 else {})}
        super().__init__(f"{error_code}: {message}", response=json_response([body], status))
