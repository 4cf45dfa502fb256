"""Files that payers sent with a dispute, as downloads: a page of ours never shows what a stranger made."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import HTTPException
from starlette.responses import Response

from runtime.operations.payers.dispute_files import dispute_file
from runtime.web.access import SEE, routes
from runtime.web.running import Running

DOWNLOAD_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
ROUTES = routes("dispute files")


@ROUTES.get("/o/{organisation_id}/invoices/{document_id}/files/{file_id}", dependencies=[SEE])
def give_file(app: Running, organisation_id: str, document_id: str, file_id: str) -> Response:
    """Give a file that came with a dispute of an invoice, to be kept by whoever asks."""
    with app.store.read() as db:
        file = dispute_file(db, organisation_id, document_id, file_id)
    if file is None:
        raise HTTPException(404)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": DOWNLOAD_POLICY,
    }
    return Response(file.content, media_type=file.media_type, headers=headers)
