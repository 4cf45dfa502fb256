import assert from "node:assert/strict";
import { test } from "node:test";

import { getMockContextProps } from "@stripe/ui-extension-sdk/testing/mockData";
import { render } from "@stripe/ui-extension-sdk/testing/render"; // its index wants jest
import { Badge, Link, ListItem } from "@stripe/ui-extension-sdk/ui";
import React from "react";

import { body } from "../src/beside";
import { Shown } from "../src/Drawer";

const context = getMockContextProps({
  userContext: { id: "usr_1", account: { id: "acct_1" } },
  environment: { constants: { TRUEDUE_URL: "https://truedue.example" } },
});

test("the text that is sent is the text that Stripe signs", () => {
  // The same text is signed and sent in tests/web/test_stripe_app.py.
  const signed = '{"customer":"cus_1","number":"INV-5","user_id":"usr_1","account_id":"acct_1"}';
  assert.equal(body({ customer: "cus_1", number: "INV-5" }, context), signed);
});

test("an invoice is shown with its state, why it is held, and the way to it", () => {
  const invoice = {
    number: "INV-5",
    link: "https://truedue.example/o/org/invoices/inv-5",
    open: "£2,000.00",
    due: "10 Nov 2025",
    state: "Overdue, held back",
    due_now: false,
    why: ["A payment is on its way."],
    reminded: "8 Mar 2026, 10:00",
  };
  const { wrapper } = render(<Shown told={{ said: "", customer: "Bolt & Sons", more: false, invoices: [invoice] }} />);
  assert.equal(wrapper.find(Badge)?.text, "Overdue, held back");
  assert.equal(wrapper.find(Link)?.prop("href"), invoice.link);
  assert.equal(wrapper.find(ListItem)?.prop("title"), "A payment is on its way.");
  for (const words of ["Bolt & Sons", "£2,000.00", "Due 10 Nov 2025", "Last reminded 8 Mar 2026, 10:00"])
    assert.ok(wrapper.text.includes(words), words);
});

test("where there is nothing to show, a sentence says why", () => {
  const { wrapper } = render(<Shown told={{ said: "This Stripe account is not connected to TrueDue." }} />);
  assert.ok(wrapper.text.includes("not connected"));
  assert.equal(wrapper.find(Link), null);
});
