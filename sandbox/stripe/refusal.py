"""Stripe's error answers."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException

from sandbox.standin import json_response


class Refused(HTTPException):
    """One error: {"error": {type, message, code, param, …}} with its HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,  # noqa: ANN401 - objects that an error carries
    ) -> None:
        facts = {"type": type, "message": message, "code": code, "param": param, **more}
        self.status = status
        self.error = {name: value for name, value in facts.items() if value is not None}
        super().__init__(message, response=json_response({"error": self.error}, status))

    @classmethod
    def missing(cls, kind: str, id: str, *, param: str, status: int = 400) -> Refused:
        """Build the error for an id that the account does not have."""
        return cls(f"No such {kind}: '{id}'", code="resource_missing", param=param, status=status)

    @classmethod
    def unexpected_state(cls, intent: dict[str, Any]) -> Refused:
        """Build the error for a payment intent that cannot take this step."""
        message = f"This PaymentIntent's status is {intent['status']} and does not allow this operation."
        return cls(message, code="payment_intent_unexpected_state", payment_intent=intent)
