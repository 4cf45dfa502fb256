"""Files on an invoice, for people of the organisation: what its customer sees online does not show them.

Source: Xero's reference, Attachments: ten to a document, 3 MB each; one of the same name takes the place of the other.
"""

from __future__ import annotations

import re
import unicodedata

from connectors.errors import Absent
from connectors.intents import AttachFile, Done
from connectors.ledgers.xero.client import Json, XeroClient
from receivables.identity import stable_id

FILES_SCOPE = "accounting.attachments"
_MARK_CHARACTERS = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")  # in an address: Xero takes brackets and the like in one way alone


class Attachments:
    """Attachments of one tenant."""

    def __init__(self, client: XeroClient) -> None:
        self._client = client

    def write(self, intent: AttachFile) -> Done:
        """Attach the file."""
        answer = self._client.put(
            self._client.api.create_invoice_attachment_by_file_name,
            intent.document_external_id,
            file_name(intent),
            intent.content,
            key=stable_id("td", intent.key),
            include_online="false",  # as text: the SDK would write a bool as Python does
        )
        return Done((_identity(answer["Attachments"][0]),))

    def find(self, intent: AttachFile) -> Done | None:
        """Look the file up by its name, which no other has."""
        operation = self._client.api.get_invoice_attachments
        try:
            shown = self._client.get(operation, intent.document_external_id, urgent=True).get("Attachments") or []
        except Absent:
            return None
        wanted = file_name(intent)
        return next((Done((_identity(each),)) for each in shown if each.get("FileName") == wanted), None)


def file_name(intent: AttachFile) -> str:
    """The name in letters that any address takes, with a short mark of the key before its ending."""
    plain = unicodedata.normalize("NFKD", intent.name).encode("ascii", "ignore").decode()
    stem, _, ending = plain.rpartition(".")
    mark = stable_id("", intent.key)[1 : _MARK_CHARACTERS + 1]
    return f"{_UNSAFE.sub('-', stem).strip('-.') or 'file'}-{mark}.{ending}"


def _identity(attachment: Json) -> str:
    return str(attachment["AttachmentID"])
