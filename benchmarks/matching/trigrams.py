"""The usual answer of a database: PostgreSQL's pg_trgm over numbers and names, within a quarter of the amount."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from benchmarks.matching.files import Row
from benchmarks.matching.peers import Answers, Peer
from tests import postgres

STATEMENT_SECONDS = 120
_TABLE = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE item (item_id text, currency text, amount numeric, said text);
"""
_INDEX = """
CREATE INDEX ON item USING gin (said gin_trgm_ops);
CREATE INDEX ON item (currency, amount);
ANALYZE item;
"""
_QUERY = """
SELECT item_id FROM item
WHERE currency = %(currency)s AND amount BETWEEN 0.75 * %(amount)s AND 1.25 * %(amount)s AND said %% %(said)s
ORDER BY similarity(said, %(said)s) - abs(amount - %(amount)s) / %(amount)s DESC, item_id LIMIT 1
"""


def trigrams(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """The item whose number and name are most like the receipt's text and payer. The seconds are of the clock."""
    answers: Answers = {}
    with postgres.server() as server, server.database() as name, psycopg.connect(server.url(name)) as db:
        db.execute(f"SET statement_timeout = {STATEMENT_SECONDS * 1_000}")
        begun = time.perf_counter()
        db.execute(_TABLE)
        with db.cursor().copy("COPY item FROM STDIN") as copy:
            for item in items:
                said = f"{item['number']} {item['references'].replace('|', ' ')} {item['customer_name']}"
                copy.write_row((item["item_id"], item["currency"], item["amount_open"], said))
        db.execute(_INDEX)
        start = time.perf_counter()
        for receipt in receipts:
            amount = float(receipt["amount"]) + float(receipt["fee"] or 0)
            said = f"{receipt['remittance']} {receipt['payer_name']}"
            found = db.execute(_QUERY, {"currency": receipt["currency"], "amount": amount, "said": said}).fetchone()
            answers[receipt["receipt_id"]] = {found[0]} if found else set()
        taken = time.perf_counter() - start
    return Peer("PostgreSQL pg_trgm", answers, taken / len(receipts), start - begun)
