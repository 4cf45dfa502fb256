"""A business with many open invoices, what was paid and reminded before, and a full review queue, made by PostgreSQL.

The server makes the rows itself: a million invoices with what belongs to them take a minute.
"""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

ORGANISATION = "org"
NOW = datetime(2026, 11, 17, 10, tzinfo=UTC)  # a Tuesday
INVOICES_A_CUSTOMER = 10
WAITING = 200  # proposals that wait for a person
PAID_ONE_IN, REMINDED_ONE_IN = 5, 4  # receipts and reminders of the past for so many open invoices

_ORGANISATION = """
INSERT INTO organisation (id, name, base_currency, time_zone, country, sending_on, created_at)
VALUES ('org', 'Bulk', 'GBP', 'Europe/London', 'GB', true, %(now)s);
INSERT INTO organisation (id, name, base_currency, time_zone, country, sending_on, created_at)
VALUES ('other', 'Other', 'GBP', 'Europe/London', 'GB', true, %(now)s)
"""
_ROWS = (
    """
INSERT INTO customer (id, organisation_id, name, email, country, changed_at)
SELECT 'cus-' || n, 'org', 'Customer ' || n || ' Ltd', 'c' || n || '@example.com', 'GB', %(now)s
FROM generate_series(0, %(count)s / %(each)s - 1) AS n""",
    """
INSERT INTO document (id, organisation_id, customer_id, kind, number, "references", currency, total_minor,
    balance_minor, issued_on, due_on, status, sent, disputed, read_at, changed_at)
SELECT 'doc-' || n, 'org', 'cus-' || n / %(each)s, 'invoice', 'INV-' || n, '[]', 'GBP', 5000 + n * 7907 %% 900000,
    5000 + n * 7907 %% 900000, due - 30, due, 'open', true, n %% 37 = 0, %(now)s, %(now)s
FROM (SELECT n, %(now)s::date + 60 - (n * 7919 %% 181)::int AS due
      FROM generate_series(0::bigint, %(count)s - 1) AS n) AS numbered""",
    """
INSERT INTO link (organisation_id, system, kind, external_id, local_id, version, surpassed, base, read_at)
SELECT 'org', 'xero', 'document', 'x-' || n, 'doc-' || n, '2026-11-01T00:00:00', false, '{}', %(now)s
FROM generate_series(0, %(count)s - 1) AS n""",
    """
INSERT INTO receipt (id, organisation_id, source, source_account, external_id, received_on, currency, amount_minor,
    unapplied_minor, refunded_minor, dispute, payer_name, payer_account, payer_account_key, remittance, customer_id,
    hints, status, state, method, applications, noticed_at, changed_at)
SELECT 'rcp-' || n, 'org', 'bank', 'GB00', 'line-' || n, %(now)s::date - (n %% 300)::int, 'GBP', 9000 + n, 0, 0,
    '', 'CUSTOMER ' || n, '', '', 'INV-' || n, 'cus-' || n %% greatest(%(count)s / %(each)s, 1), '{}', 'received',
    CASE WHEN n < %(waiting)s THEN 'suggested' ELSE 'applied' END, 'bank', 1, %(now)s, %(now)s
FROM generate_series(0, %(count)s / %(paid)s - 1) AS n""",
    """
INSERT INTO proposal (receipt_id, organisation_id, decision, state, body, plausible, proposed_at)
SELECT 'rcp-' || n, 'org', CASE WHEN n < %(waiting)s THEN 'suggest' ELSE 'apply' END,
    CASE WHEN n < %(waiting)s THEN 'pending' ELSE 'applied' END,
    json_build_object('customer_id', 'cus-' || n / %(each)s, 'reasons', json_build_array('It names the invoice.'),
        'runner_up', null, 'best', json_build_object('explanation', 'exact', 'confidence', 0.87,
            'residuals', json_build_array(), 'unapplied', json_build_object('minor', 0, 'currency', 'GBP'),
            'allocations', json_build_array(json_build_object('item_id', 'doc-' || n, 'is_credit', false,
                'amount', json_build_object('minor', 4000, 'currency', 'GBP'))))),
    json_build_array('doc-' || n), %(now)s
FROM generate_series(0, %(count)s / %(paid)s - 1) AS n""",
    """
INSERT INTO ledger_payment (id, organisation_id, external_id, customer_id, received_on, currency, amount_minor,
    unapplied_minor, reference, lines, coded, payer_name, deleted, receipt_id, read_at)
SELECT 'pay-' || n, 'org', 'p-' || n, 'cus-' || n %% greatest(%(count)s / %(each)s, 1),
    %(now)s::date - (n %% 300)::int, 'GBP', 9000 + n, 0, 'INV-' || n, '[]', false, '', false,
    CASE WHEN n %% 2 = 0 THEN 'rcp-' || n END, %(now)s
FROM generate_series(%(waiting)s, %(count)s / %(paid)s - 1) AS n""",
    """
INSERT INTO reminder (id, organisation_id, customer_id, level, channel, state, recipient, subject, body_text,
    body_html, planned_at, sent_at, why)
SELECT 'rem-' || n, 'org', 'cus-' || n / %(each)s, 1, 'email', 'sent', 'c@example.com', 'A reminder', '', '',
    %(now)s - make_interval(days => (n %% 60)::int), %(now)s - make_interval(days => (n %% 60)::int), ''
FROM generate_series(0, %(count)s - 1, %(reminded)s) AS n""",
    """
INSERT INTO reminder_item (reminder_id, document_id, organisation_id, level, currency, amount_minor, state)
SELECT 'rem-' || n, 'doc-' || n, 'org', 1, 'GBP', 5000, 'sent'
FROM generate_series(0, %(count)s - 1, %(reminded)s) AS n""",
    """
INSERT INTO hold (id, organisation_id, document_id, code, reason, placed_by, placed_at)
SELECT 'hld-' || n, 'org', 'doc-' || n, 'paused', 'a person paused it', 'dana', %(now)s
FROM generate_series(0, %(count)s - 1, 101) AS n""",
    # The sums that a worker counts ahead: what a page takes does not depend on what they are.
    """
INSERT INTO open_figures (organisation_id, body, counted_at, took_seconds)
SELECT 'org', json_build_object('minor', json_build_object('GBP', json_build_array(1, 2, 3, 4, 5)),
    'counts', json_build_object('GBP', json_build_array(1, 2, 3, 4, 5)), 'due', json_build_object('GBP', 9),
    'held', json_build_object('GBP', 5), 'numbers', json_build_object('due', 9, 'held', 5),
    'codes', json_build_object('paused', 5), 'gaps', json_build_array(), 'ranks', json_build_object('GBP',
        (SELECT json_agg('cus-' || n) FROM generate_series(0, least(200, %(count)s / %(each)s) - 1) AS n))),
    %(now)s, 300""",
)


def fill(url: str, count: int) -> None:
    """Fill a migrated database with `count` open invoices and what belongs to them."""
    given = {
        "now": NOW,
        "count": count,
        "each": INVOICES_A_CUSTOMER,
        "waiting": WAITING,
        "paid": PAID_ONE_IN,
        "reminded": REMINDED_ONE_IN,
    }
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET truedue.organisation = '*'")
        db.execute("SET synchronous_commit = off")
        for statement in (*_ORGANISATION.split(";"), *_ROWS):
            db.execute(statement, given)
        db.execute("VACUUM ANALYZE")
