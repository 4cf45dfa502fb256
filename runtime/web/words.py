"""The words of the pages: codes of the product in the language of the people who read them."""

from __future__ import annotations

from collections.abc import Mapping

from reminders.holds import HoldCode
from runtime.web.action_words import ACTIONS

HOLDS: Mapping[str, str] = {
    HoldCode.SETTLED: "Already settled",
    HoldCode.IN_FLIGHT: "A payment is on its way",
    HoldCode.PROBABLY_PAID: "Probably paid, a person is asked",
    HoldCode.CREDIT_AVAILABLE: "The customer's own credit covers it",
    HoldCode.DISPUTED: "The customer contests it",
    HoldCode.PROMISED: "The customer promised a day",
    HoldCode.PLAN: "A payment plan is running",
    HoldCode.REPLY_UNREAD: "A reply waits to be read",
    HoldCode.REFUND_REVIEW: "Money that went back waits for a decision",
    HoldCode.CHARGEBACK_OPEN: "A chargeback is open",
    HoldCode.DISCOUNT: "An early-payment discount waits for approval",
    HoldCode.LEGAL: "With a lawyer, a court or an agency",
    HoldCode.PAUSED: "Paused by a person",
    HoldCode.NOT_FINAL: "Not a final invoice",
    HoldCode.CONTACT: "No message just now",
    HoldCode.STALE: "Evidence too old",
}

SYSTEMS: Mapping[str, str] = {
    "xero": "Xero",
    "quickbooks": "QuickBooks Online",
    "salesforce": "Salesforce",
    "stripe": "Stripe",
    "bank": "Bank",
    "ledger": "Ledger",
    "write_off": "Written off",
}

# Who did something, where it was no person of the organisation.
ACTORS: Mapping[str, str] = {**SYSTEMS, "customer": "The customer"}

MEMBER_ROLES: Mapping[str, str] = {
    "owner": "Owner",
    "accountant": "Accountant",
    "collector": "Collector",
    "viewer": "Viewer",
    "auditor": "Auditor",
}

PERMISSIONS: Mapping[str, str] = {
    "see": "see every page",
    "match": "say what money is for",
    "chase": "answer payers",
    "agree": "settle what two systems say differently",
    "configure": "set policies, words and how things are booked",
    "switch": "switch sending and paying on",
    "connect": "connect systems",
    "people": "invite and remove people",
    "export": "take data away as files",
}

PROVIDERS: Mapping[str, str] = {"xero": "Xero", "quickbooks": "Intuit"}

ROLES: Mapping[str, str] = {
    "ledger": "Accounting",
    "crm": "Customer relations",
    "processor": "Card and debit payments",
}

CONNECTION_STATES: Mapping[str, str] = {
    "connected": "Connected",
    "broken": "Connection lost: connect again",
    "disconnected": "Disconnected",
}

# Messages that an organisation may write in its own words: what they are called, what is edited, what is added.
COPY_KINDS: Mapping[str, str] = {
    "email": "E-mails and letters",
    "text": "Texts",
    "call": "Calls",
    "thanks": "Thank-yous",
}
COPY_PARTS: Mapping[str, str] = {
    "email": "Subject, opening and closing, with a line of --- between them",
    "text": "What the text says",
    "call": "What is said on the telephone",
    "thanks": "Subject, opening and closing, with a line of --- between them",
}
COPY_FRAMES: Mapping[str, str] = {
    "email": "Amounts, invoices, links and the way to unsubscribe are added by themselves.",
    "text": "Your name comes first and the link and how to stop come last by themselves. The total has to be named.",
    "call": "Nothing is added: it has to say who calls and the total.",
    "thanks": "The paid invoices, the link to the account and the way to unsubscribe are added by themselves.",
}

STANDINGS: Mapping[str, str] = {
    "in_step": "In step",
    "first_reading": "First reading",
    "behind": "Behind",
    "reconnect": "Reconnect needed",
    "off": "Off",
}

DOCUMENT_STATES: Mapping[str, str] = {"draft": "Draft", "open": "Open", "paid": "Paid", "void": "Voided"}

INVOICE_FILTERS: Mapping[str, str] = {
    "open": "Open",
    "overdue": "Overdue",
    "due": "Truly due",
    "held": "Held back",
    "reminded": "All reminders sent",
    "paid": "Paid",
    "draft": "Drafts",
    "void": "Voided",
    "all": "All",
}

RECEIPT_STATES: Mapping[str, str] = {
    "new": "Arrived, not looked at yet",
    "suggested": "Waiting for your decision",
    "unidentified": "Payer or purpose unknown",
    "applied": "Applied",
    "undone": "Application taken back",
    "payout": "Payout of the processor",
    "recorded": "Recorded in the ledger already",
    "awaited": "Waiting whether another app books it",
    "coded": "Booked to an account in the ledger",
    "returned": "Went back to the payer",
}

RECEIPT_GROUPS: Mapping[str, str] = {
    "matched": "Matched",
    "waiting": "Waiting",
    "unmatched": "Unmatched",
    "back": "Went back",
}
PAYOUT_STATES: Mapping[str, str] = {
    "paid": "Paid",
    "pending": "On its way",
    "in_transit": "On its way",
    "failed": "Came back",
    "canceled": "Cancelled",
}
PAYOUT_LINES: Mapping[str, str] = {
    "charge": "Card payments",
    "payment": "Other payments",
    "refund": "Refunds",
    "payment_refund": "Refunds of other payments",
    "payment_failure_refund": "Payments that failed late",
    "refund_failure": "Refunds that failed",
    "adjustment": "Disputes and adjustments",
    "stripe_fee": "Fees by themselves",
}
CASH_MOVEMENTS: Mapping[str, str] = {
    "funded": "arrived",
    "applied_to_payment": "applied to a payment",
    "unapplied_from_payment": "taken off a payment",
    "refunded_from_payment": "refunded from a payment",
    "return_initiated": "sent back",
    "return_canceled": "not sent back after all",
    "funding_reversed": "taken back by the bank",
    "transferred_to_balance": "moved to your balance",
    "adjusted_for_overdraft": "made up for from your balance",
}

RECEIPT_STATUS: Mapping[str, str] = {
    "in_flight": "On its way",
    "received": "Received",
    "failed": "Failed",
    "refunded": "Refunded",
    "reversed": "Taken back by the bank",
}

REMINDER_STATES: Mapping[str, str] = {
    "planned": "Planned",
    "sending": "Being sent",
    "handing": "Being sent",
    "sent": "Sent",
    "withdrawn": "Withdrawn",
    "held": "Held back",
    "failed": "Could not be sent",
    "in_doubt": "Perhaps sent, to be checked",
    "undelivered": "Reached nobody",
    "no_answer": "Nobody answered",
}

CALL_STATES: Mapping[str, str] = {**REMINDER_STATES, "planned": "To be done", "handing": "Begun", "sent": "Done"}

OUTCOMES_OF_CALLS: Mapping[str, str] = {
    "reached": "I reached them",
    "promised": "They named a day",
    "disputed": "They contest it",
    "no_answer": "Nobody answered",
    "wrong_number": "It is the wrong number",
}

CHANNELS: Mapping[str, str] = {
    "email": "E-mail",
    "sms": "Text message",
    "letter": "Letter",
    "call_task": "Call by a person",
    "hand_over": "Handing over",
}

# How likely a customer is to pay late.
RISKS: Mapping[str, str] = {"low": "Low", "medium": "Medium", "high": "High", "unknown": "Not known yet"}

# What a customer wants no more of: a channel, or all of them.
OPT_OUTS: Mapping[str, str] = {
    "email": "Want no e-mails",
    "sms": "Want no texts",
    "letter": "Want no letters",
    "call_task": "Want no calls",
    "all": "Want no messages at all",
}

CHANNEL_HELP: Mapping[str, str] = {
    "sms": "Texts go to mobiles noted on a customer's page. Whoever answers STOP gets no more, from that moment.",
    "letter": "Letters are made as PDF, with the address where envelopes have their window and a code to pay by.",
}

CARRIERS: Mapping[str, str] = {
    "smtp": "Mail server",
    "twilio": "Twilio",
    "lob": "Lob",
    "print": "Print folder",
    "person": "A person",
}

CONTACTS: Mapping[str, str] = {
    "sms": "Mobile for texts",
    "call_task": "Telephone for calls",
    "letter": "Address for letters",
}

BASES: Mapping[str, str] = {
    "contract": "The contract with them",
    "legitimate_interest": "Our legitimate interest",
    "express_consent": "Their express consent",
    "none": "No right is noted",
}

FATES: Mapping[str, str] = {
    "accepted": "Taken by the carrier",
    "sent": "On its way",
    "delivered": "Delivered",
    "undelivered": "Came back",
}

EXPLANATIONS: Mapping[str, str] = {
    "exact": "Pays it exactly",
    "references": "Names the invoices",
    "subset": "Pays several invoices together",
    "partial": "Pays a part",
    "instalment": "An instalment",
    "overpayment": "Pays more than is open",
    "fee": "Less a fee",
    "discount": "Less a discount",
    "withholding": "Less tax withheld",
    "credit_offset": "Set off against a credit note",
    "fx": "Paid in another currency",
    "duplicate": "Paid a second time",
    "reversal": "A payment taken back",
    "unrelated": "Pays no invoice",
    "chosen": "Chosen by a person",
}

RESIDUALS: dict[str, str] = {
    "processor_fee": "Fee of the processor",
    "bank_fee": "Bank fee",
    "discount": "Discount",
    "withholding": "Tax withheld",
    "rounding": "Rounding",
    "fx": "Exchange difference",
    "write_off": "Written off",
}

# What the settings name an account for.
TREATMENTS: Mapping[str, str] = RESIDUALS | {
    "income": "Income of draft invoices",
    "late_charge": "Late charges (interest and fixed sums)",
}

PLAN_STATES: Mapping[str, str] = {"running": "Running", "kept": "Paid", "broken": "Not kept", "ended": "Ended"}

MANDATE_STATES: Mapping[str, str] = {"begun": "Begun", "on": "On", "paused": "Paused", "ended": "Ended"}
AUTOMATIC_STATES: Mapping[str, str] = {
    "announced": "Announced",
    "promised": "Being taken",
    "taken": "On its way",
    "paid": "Paid",
    "failed": "Failed",
    "left": "Not taken",
}
MEANS: Mapping[str, str] = {
    "card": "Card",
    "sepa_debit": "SEPA direct debit",
    "bacs_debit": "Bacs direct debit",
    "us_bank_account": "Bank account (ACH)",
}
DISCOUNT_STATES: Mapping[str, str] = {
    "offered": "Offered",
    "waiting": "Waits for a decision",
    "granted": "Granted",
    "refused": "Refused",
}

CHARGE_STATES: Mapping[str, str] = {"approved": "Approved, being posted", "posted": "Posted", "waived": "Waived"}

OUTCOMES: Mapping[str, str] = {"clear": "Does not apply", "holds": "Holds", "reported": "Seen, not held on"}
VERDICTS: Mapping[str, str] = {"remind": "Remind", "held": "Do not remind", "not_due": "No reminder due"}
DECLARATIONS: Mapping[str, str] = {
    "live_feed": "Live feed",
    "statement": "Statement files",
    "attested": "Attested by a person",
}
# What a column of a statement file can be.
COLUMNS: Mapping[str, str] = {
    "booked_on": "Date of booking",
    "value_on": "Value date",
    "amount": "Amount, in one column",
    "credit": "Money in",
    "debit": "Money out",
    "direction": "Whether it came or left (C/D, Af/Bij)",
    "balance": "Balance after the line",
    "currency": "Currency",
    "account": "Your account",
    "counterparty": "Payer or payee",
    "counterparty_account": "Their account",
    "description": "Text of the payment",
    "reference": "Reference",
    "bank_reference": "The bank's own number of the line",
}
DATE_ORDERS: Mapping[str, str] = {
    "": "As the file shows",
    "dmy": "Day, month, year",
    "mdy": "Month, day, year",
    "ymd": "Year, month, day",
}
DECIMAL_MARKS: Mapping[str, str] = {"": "As the file shows", ".": "Point: 1,234.50", ",": "Comma: 1.234,50"}
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "German", "fr": "French"}
OWNERS: Mapping[str, str] = {"ledger": "Ledger", "shared": "Both", "crm": "CRM"}
FIELDS: Mapping[str, str] = {
    "due_on": "Due date",
    "purchase_order": "Purchase order",
    "note": "Note",
    "total": "Amount",
    "balance": "Open balance",
    "issued_on": "Date of issue",
    "status": "State",
    "email": "E-mail address",
    "disputed": "Contested",
    "dispute_reason": "Reason of the dispute",
    "promised_on": "Promised day",
    "opted_out": "Wants no messages",
    "parent_id": "Parent customer",
    "name": "Name",
    "number": "Number",
}

REPLY_KINDS: Mapping[str, str] = {
    "paid_already": "It is paid already",
    "promise": "They will pay on a day",
    "dispute": "Something is wrong with the invoice",
    "wrong_contact": "Somebody else should be written to",
    "send_again": "They need the invoice again",
    "out_of_office": "Nobody is there just now",
    "opt_out": "They want no more messages",
    "question": "They ask something",
    "nothing": "Nothing is to be done",
}

REPLY_STATES: Mapping[str, str] = {
    "waiting": "Waits for a person",
    "acted": "Done by itself",
    "settled": "Settled by a person",
    "all": "All",
}

REPLY_CHANNELS: Mapping[str, str] = {"email": "E-mail", "text": "Text message", "portal": "Their own page"}

ANSWER_STATES: Mapping[str, str] = {
    "prepared": "Answer, not sent yet",
    "handing": "Answer, being sent",
    "sent": "Answered",
    "failed": "Answer that was not sent",
    "in_doubt": "Answer, perhaps sent: look in the mail server's log",
}

PAYERS_CHANNELS: Mapping[str, str] = {
    "email": "E-mail",
    "sms": "Text message",
    "call_task": "Telephone call",
    "letter": "Letter",
}

FORMATS: Mapping[str, str] = {
    "pdf": "PDF, as the ledger prints it",
    "ubl": "UBL 2.1 (EN 16931)",
    "factur-x": "Factur-X (EN 16931)",
    "csv": "CSV, its lines as a table",
}

INVOICE_FORMATS: Mapping[str, str] = {
    "pdf": "PDF, as it was sent to you",
    "ubl": "UBL, a file for bookkeeping programs",
    "factur-x": "Factur-X (ZUGFeRD), a PDF with the data inside",
    "csv": "CSV, its lines as a table",
}

TASKS: Mapping[str, str] = {
    "read_reply": "Read a reply",
    "answer": "Answer a payer",
    "dispute": "Settle a dispute",
    "another_contact": "Find another contact",
    "broken_promise": "Call about a broken promise",
    "all_reminded": "Decide: every reminder was sent",
    "opted_out": "Ask who wants no messages",
    "refund": "Decide what a refund means",
    "chargeback": "Answer a chargeback",
    "call": "Call about a lost chargeback",
}

# What a page says after a form was sent; an address can only name one of these.
NOTICES: Mapping[str, str] = {
    "answer_sent": "The answer was handed to the mail server, or says below why not.",
    "answers_on": "Answers to sure replies leave by themselves.",
    "answers_off": "A person sends each answer.",
    "mail_claimed": "Given. Its people find it among their replies.",
    "reply_settled": "Settled. What it held is free again, unless what it says holds it.",
    "task_given": "Noted whose it is.",
    "task_done": "Done.",
    "colleague_kept": "Kept. New tasks go by it.",
    "colleague_dropped": "Removed. Open tasks stay with them until you hand them on.",
    "confirmed": "Confirmed. The payment is applied and will be posted in the ledger.",
    "chosen": "Applied as chosen. It will be posted in the ledger.",
    "look_again": "Nothing is applied yet: the choice changed since its effect was shown. Look at it, then apply it.",
    "rejected": "Rejected. These invoices are free of this receipt, and the question is not asked again.",
    "reconsidered": "The decision is taken back. It waits again.",
    "undone": "Taken back. The invoices are open again, here and in the ledger.",
    "links_ended": "Ended. No link to the customer's page that was sent until now opens it.",
    "promise_noted": "Noted. Reminders of it wait for the day.",
    "dispute_noted": "Noted. Reminders of it wait until the dispute is settled, and somebody has a task.",
    "paused": "Paused. What was planned is withdrawn.",
    "all_paused": "Paused: every invoice that they have open. What was planned is withdrawn; later ones are not held.",
    "resumed": "Reminders go on. What is open is due again.",
    "due_again": "It is due again. It leaves in the customer's hours, once all that may hold a reminder was asked.",
    "statement_mailed": "Sent. The mail server took the statement over.",
    "settled": "The dispute is settled. What is open is due again.",
    "question_settled": "Noted that you have looked. What is open is due again.",
    "returned": "Taken back. What the payment had paid is open again, here and in the ledger.",
    "seen": "Noted. Reminders of what the payment had paid go on.",
    "not_returned": "Noted. The payment counts again, and this debit is not proposed for it any more.",
    "connected": "Connected. The first reading starts now and can take some minutes.",
    "reminder-sent": "The reminder counts as sent.",
    "reminder-not-sent": "What is still due of the reminder is planned again.",
    "looked_at": "Noted. It is settled.",
    "replayed": "Tried again. If it fails again, it comes back here.",
    "disconnected": "Disconnected. Nothing more is read, written or sent through it.",
    "created": "The organisation is there. Connect its ledger first.",
    "sending_on": "Sending is switched on.",
    "copy_set": "Kept. These words count from now on.",
    "thanks_on": "Payers who were reminded are thanked from now on.",
    "thanks_off": "Nobody is thanked any more.",
    "sending_off": "Sending is switched off. No reminder leaves.",
    "policies_set": "These policies count from now on. What was planned by others is planned anew.",
    "button_on": "The page behind the pay-now button is open.",
    "button_off": "The page behind the pay-now button is closed. A person removes the button in the ledger.",
    "button_partly": "The page behind the pay-now button is open. Branding themes that have another button keep it.",
    "links_on": "Open invoices in the ledger get a link to their page here.",
    "history_on": "The ledger's history of an invoice is told what happens to it from now on.",
    "history_off": "The ledger's history is told nothing more. Lines that stand there stay.",
    "links_off": "No more links are put on invoices in the ledger. Those that stand there stay.",
    "brand_changed": "Kept. Payers see it from now on.",
    "signature_changed": "Kept. Messages that leave from now on are signed so.",
    "format_chosen": "Thank you. Your invoices come in this format from now on, where it can be made.",
    "contact_wished": "Thank you. A person looks at it and asks you before anything is changed.",
    "credit_asked": "Thank you. A person sets your credit against the invoice.",
    "cards_on": "Payers are offered to pay by card.",
    "others_no": "Noted: nothing else reminds these customers.",
    "others_yes": "Noted: something else reminds these customers as well. Switch it off there, then say so here.",
    "cards_off": "Payers are not offered to pay by card any more.",
    "transfers_on": "Payers are offered to pay by bank transfer beside the card.",
    "transfers_off": "Payers are not offered to pay by bank transfer on Stripe's page any more.",
    "transferring": "Thank you. Your transfer shows here once it has arrived, usually in one to three banking days.",
    "paying": "Thank you. Your payment shows here as soon as it is confirmed, usually within seconds.",
    "declared": "Kept. It counts from now on.",
    "bank_linked": "Stripe reads the account at the bank now. Look at its first lines below in a few minutes.",
    "feeds_read": "Stripe was asked.",
    "feed_on": "Kept. What the bank books counts from now on.",
    "feed_ended": "The account is read no more. End the agreement at the bank as well, if you want none.",
    "discount_granted": "Granted. It is posted to the ledger now.",
    "discount_refused": "Refused. What is open of the invoice is owed as before.",
    "accounts_read": "The ledger's accounts and tax codes were read.",
    "limit_sharing_on": "Contacts are counted together with your other organisations that share it.",
    "limit_sharing_off": "Contacts are counted for this organisation alone.",
    "statements_on": "Whoever owes something gets a statement in the first days of each month.",
    "statements_off": "No statements are sent any more.",
    "approvals_on": "Messages wait for a person's approval from now on.",
    "approvals_off": "What is truly due leaves by itself.",
    "message_approved": "Approved. It leaves within a quarter of an hour, if everything still stands.",
    "message_rejected": "Rejected. It does not leave unless what it says changes.",
    "decision_taken_back": "Taken back. The message waits again.",
    "charges_on": "Late charges are proposed from now on. Each waits for your approval.",
    "charges_off": "Nothing is charged for lateness any more.",
    "charge_approved": "Approved. It is being posted in the ledger as an invoice of its own.",
    "charge_waived": "Waived. Nothing is asked for these days.",
    "channel_on": "The channel is switched on. Levels of policies that name it leave by it.",
    "channel_off": "The channel is switched off. Nothing leaves by it.",
    "contact_noted": "Kept. It counts from the next plan on.",
    "contact_forgotten": "Forgotten.",
    "call_begun": "Everything was asked again a moment ago: this is due now.",
    "handed_over": "Handed over. Nothing more is sent about these invoices.",
    "taken_back": "Taken back. What is open is due again.",
    "outcome_kept": "Kept. What follows from it is done.",
    "opt_out_noted": "Noted, in their words. Nothing more is sent to them that way.",
    "opt_out_taken_back": "Noted, with your reason. What is due is asked for again.",
    "text_read": "Noted. What is open is due again.",
    "restored": "Restored. The value goes to every system that shares the field.",
    "kept": "Settled. What stands here stands everywhere.",
    "linked": "Linked. What the customer owes is shown there from now on.",
    "separated": "Noted. They stay apart, and you are not asked again.",
    "owner_changed": "Kept. It counts for every change from now on.",
    "file_dropped": "The file is gone. Nothing of it was taken in.",
    "columns_forgotten": "Forgotten. The next file with these headings asks again.",
    "written_off": "Written off. It will be booked in the ledger.",
    "autopay_on": "Payers can set autopay up on their own page from now on.",
    "autopay_off": "Autopay is offered no more, and nothing is taken.",
    "autopay_stopped": "Switched off. Nothing more is taken from this customer, and Stripe forgets what they saved.",
    "autopay_ended": "Automatic payment is off. Nothing more is taken.",
    "means_saved": "Thank you. Automatic payment is on as soon as Stripe confirms it, usually within seconds.",
    "plan_agreed": "Thank you. The instalments are agreed, and you get no reminder while each arrives in time.",
    "plan_kept": "Kept. Reminders of its invoices wait while each instalment arrives.",
    "plan_ended": "Ended. What is open is due again.",
    "promised": "Thank you. We have noted the day and will not remind you before it.",
    "asked": "Thank you for asking. We will answer as soon as we can.",
    "answered": "Noted. What is open is due again.",
    "link_asked": "Thank you. If we may write to an address of yours, a new link is on its way to it.",
    "disputed": "Thank you. We will look into it, and you will get no reminders of this invoice meanwhile.",
    "signed_out": "You are signed out.",
    "invitation_withdrawn": "The invitation is over: its link opens nothing any more.",
    "role_changed": "Kept. It counts from the next page on.",
    "member_removed": "Removed. They see nothing any more.",
    "unsubscribed": "You will get no more messages from us about payments.",
}


def label(words: Mapping[str, str], code: str) -> str:
    """Return the words for a code; a code without words is shown as it is, readable."""
    return words.get(code) or code.replace("_", " ").capitalize()


def who(actor: str) -> str:
    """Return who did something, as pages name them: addresses and names as they are, systems and parts in words."""
    return actor if "@" in actor or not actor.islower() else label(ACTORS, actor)


def done(action: str) -> str:
    """Return what was done, as the history tells it."""
    return label(ACTIONS, action)


def told(detail: str, action: str) -> str:
    """Return the detail of a line of the history; a hold's code, which stands before its reason, in words."""
    code, colon, reason = detail.partition(": ")
    return f"{HOLDS[code]}: {reason}" if action == "hold_placed" and colon and code in HOLDS else detail
