"""The accounting API: entities, queries, batches and change data capture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial

from werkzeug.wrappers import Request, Response

from sandbox.pdf import one_page
from sandbox.quickbooks import company
from sandbox.quickbooks import query as queries
from sandbox.quickbooks.books import QuickBooksBooks
from sandbox.quickbooks.entities import ENTITIES, NAMES, TAXES
from sandbox.quickbooks.identity import IdentityRoutes
from sandbox.quickbooks.values import Fault, Record, missing, not_found, read_instant, respond, stamp
from sandbox.standin import Replays, route

COMPANY = "/v3/company/<realm_id>"
BY_PATH = {name.lower(): name for name in ENTITIES}
MAX_BATCH_ITEMS = 30
CDC_DAYS = 30
CDC_OBJECTS = 1_000


class ApiRoutes(IdentityRoutes):
    """Everything under /v3/company."""

    replays: Replays

    @route("GET", f"{COMPANY}/companyinfo/<_id>")
    def company_info(self, _request: Request, realm_id: str, _id: str) -> Response:
        """The company."""
        return self._timed({"CompanyInfo": company.info(self.companies[realm_id])})

    @route("GET", f"{COMPANY}/preferences")
    def preferences(self, _request: Request, realm_id: str) -> Response:
        """The company's preferences, book close date among them."""
        return self._timed({"Preferences": company.preferences(self.companies[realm_id])})

    @route("GET", f"{COMPANY}/query")
    @route("POST", f"{COMPANY}/query")
    def query(self, request: Request, realm_id: str) -> Response:
        """Run a query given as parameter or as body."""
        text = request.args.get("query") or request.get_data(as_text=True)
        return self._guarded(lambda: {"QueryResponse": _query(self.companies[realm_id], text)})

    @route("GET", f"{COMPANY}/cdc")
    def changes(self, request: Request, realm_id: str) -> Response:
        """What changed since an instant, deleted things included."""
        books = self.companies[realm_id]
        return self._guarded(lambda: {"CDCResponse": [{"QueryResponse": _changes(books, request)}]})

    @route("POST", f"{COMPANY}/batch")
    def batch(self, request: Request, realm_id: str) -> Response:
        """Do up to 30 operations, each with its own outcome."""
        books = self.companies[realm_id]

        def perform() -> Record:
            items = _body(request).get("BatchItemRequest") or []
            if not 1 <= len(items) <= MAX_BATCH_ITEMS:
                raise Fault("1040", "Batch size exceeded", f"A batch holds 1 to {MAX_BATCH_ITEMS} items")
            return {"BatchItemResponse": [_batch_item(books, item) for item in items]}

        return self._write(request, books, perform)

    @route("GET", f"{COMPANY}/<any({', '.join(BY_PATH)}):path>/<object_id>")
    def read(self, request: Request, realm_id: str, path: str, object_id: str) -> Response:
        """One entity."""
        name = BY_PATH[path]
        record = self.companies[realm_id].entities[name].get(object_id)

        def answer() -> Record:
            if record is None:
                raise not_found()
            return {name: {**record, **_pay_link(request, name, record)}}

        return self._guarded(answer)

    @route("POST", f"{COMPANY}/<any({', '.join(BY_PATH)}):path>")
    def write(self, request: Request, realm_id: str, path: str) -> Response:
        """Create, update, delete or void, by body and `operation`."""
        books, name = self.companies[realm_id], BY_PATH[path]
        operation = request.args.get("operation", "")
        if operation == "update" and request.args.get("include") == "void":
            operation = "void"
        return self._write(request, books, lambda: {name: _change(books, name, _body(request), operation)})

    @route("GET", f"{COMPANY}/invoice/<object_id>/pdf")
    def printed(self, _request: Request, realm_id: str, object_id: str) -> Response:
        """An invoice as PDF."""
        books = self.companies[realm_id]
        record = books.invoices.get(object_id)
        if record is None:
            return self._timed({"Fault": not_found().body}, not_found().status)
        lines = [books.name, "", f"INVOICE {record.get('DocNumber', '')}", f"To {record['CustomerRef']['name']}", ""]
        lines += [f"{line.get('Description', '')}   {line.get('Amount', '')}" for line in record.get("Line", [])]
        return Response(
            one_page([*lines, "", f"Balance due {record['CurrencyRef']['value']} {record['Balance']}"]),
            content_type="application/pdf",
        )

    @route("POST", f"{COMPANY}/invoice/<object_id>/send")
    def send(self, request: Request, realm_id: str, object_id: str) -> Response:
        """Have QuickBooks e-mail an invoice."""
        books = self.companies[realm_id]

        def perform() -> Record:
            record = books.invoices.get(object_id)
            if record is None:
                raise not_found()
            record["EmailStatus"] = "EmailSent"
            record["DeliveryInfo"] = {"DeliveryType": "Email", "DeliveryTime": stamp(books.now())}
            books.touch("Invoice", record, "updated")
            return {"Invoice": record}

        return self._write(request, books, perform)

    def _timed(self, body: Record, status: int = 200) -> Response:
        return respond({**body, "time": stamp(self.clock())}, status)

    def _guarded(self, answer: Callable[[], Record]) -> Response:
        try:
            return self._timed(answer())
        except Fault as fault:
            return self._timed({"Fault": fault.body}, fault.status)

    def _write(self, request: Request, books: QuickBooksBooks, perform: Callable[[], Record]) -> Response:
        def once() -> Response:
            response = self._guarded(perform)
            books.flush()
            return response

        return self.replays.answer(
            account=books.realm_id,
            key=request.args.get("requestid"),
            fingerprint=b"",  # Intuit answers a known request id with the first answer, whatever the body
            conflict=once,
            perform=once,
        )


def _change(books: QuickBooksBooks, name: str, body: Record, operation: str) -> Record:
    operations: dict[str, Callable[[str, Record], Record]] = {"delete": books.delete, "void": books.void}
    if name in TAXES:
        raise Fault("500", "Unsupported Operation", f"{name} is set up in QuickBooks")
    default = books.update if body.get("Id") else books.create
    return operations.get(operation, default)(name, body)


def _batch_item(books: QuickBooksBooks, item: Record) -> Record:
    answer: Record = {"bId": item.get("bId")}
    try:
        if "Query" in item:
            return answer | {"QueryResponse": _query(books, str(item["Query"]))}
        name = next((key for key in item if key in ENTITIES), None)
        if name is None:
            raise Fault("500", "Unsupported Operation", "The batch item names no known entity")
        return answer | {name: _change(books, name, item[name], str(item.get("operation", "")))}
    except Fault as fault:
        return answer | {"Fault": fault.body}


def _query(books: QuickBooksBooks, text: str) -> Record:
    asked = queries.parse(text)
    name = next(
        (known for known in (*ENTITIES, "CompanyInfo", "Preferences") if known.lower() == asked.entity.lower()), None
    )
    if name is None:
        raise queries.error(f"Entity {asked.entity} is unknown")
    single = {"CompanyInfo": company.info, "Preferences": company.preferences}
    records = [single[name](books)] if name in single else _candidates(books.entities[name], asked)
    if name in NAMES and not any(condition.field == "Active" for condition in asked.conditions):
        records = [record for record in records if record["Active"]]  # inactive names only when asked for
    found = queries.run(asked, records)
    if asked.count:
        return {"totalCount": len(found)}
    page = found[asked.start - 1 : asked.start - 1 + asked.limit]
    if not page:
        return {}
    if asked.fields:
        page = [{field: record[field] for field in ("Id", *asked.fields) if field in record} for record in page]
    return {name: page, "startPosition": asked.start, "maxResults": len(page)}


def _candidates(entities: Mapping[str, Record], asked: queries.Query) -> list[Record]:
    """What a query can find at all: of a thousand records those that it names."""
    named = [each.values for each in asked.conditions if each.field == "Id" and each.operator == "in"]
    wanted = frozenset(named[0]) if named else entities.keys()
    return [record for key, record in entities.items() if key in wanted]


def _changes(books: QuickBooksBooks, request: Request) -> list[Record]:
    names = [name.strip() for name in request.args.get("entities", "").split(",") if name.strip()]
    if not names:
        raise missing("entities")
    try:
        since = read_instant(request.args.get("changedSince", ""))
    except ValueError:
        raise Fault("2010", "Request has invalid or unsupported property", "changedSince is no date") from None
    if since < books.now() - timedelta(days=CDC_DAYS):
        raise Fault(
            "2010", "Request has invalid or unsupported property", f"changedSince is more than {CDC_DAYS} days ago"
        )
    answer: list[Record] = []
    left = CDC_OBJECTS
    for name in names:
        if name not in ENTITIES:
            raise Fault("500", "Unsupported Operation", f"Entity {name} is unknown")
        recent = partial(_changed_since, since=stamp(since))
        found = [record for record in books.entities[name].values() if recent(record)]
        found += [_deleted(record) for record in books.gone[name].values() if recent(record)]
        found = sorted(found, key=lambda record: str(record["MetaData"]["LastUpdatedTime"]))[:left]
        left -= len(found)
        answer.append(
            {name: found, "startPosition": 1, "maxResults": len(found), "totalCount": len(found)} if found else {}
        )
    return answer


def _changed_since(record: Record, *, since: str) -> bool:
    return bool(record["MetaData"]["LastUpdatedTime"] >= since)  # one offset everywhere: text order is time order


def _deleted(record: Record) -> Record:
    return {
        "domain": "QBO",
        "status": "Deleted",
        "Id": record["Id"],
        "MetaData": {"LastUpdatedTime": record["MetaData"]["LastUpdatedTime"]},
    }


def _pay_link(request: Request, name: str, record: Record) -> Record:
    if name != "Invoice" or request.args.get("include") != "invoiceLink":
        return {}
    return {"InvoiceLink": f"https://connect.intuit.com/t/scs-v1-{record['Id']}"}


def _body(request: Request) -> Record:
    try:
        body = json.loads(request.get_data() or b"{}", parse_float=Decimal)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Fault("2010", "Request has invalid or unsupported property", "The request body is no JSON object")
    return body
