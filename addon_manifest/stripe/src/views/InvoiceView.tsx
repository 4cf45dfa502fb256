import type { ExtensionContextValue } from "@stripe/ui-extension-sdk/context";
import { createHttpClient, STRIPE_API_KEY } from "@stripe/ui-extension-sdk/http_client";
import React from "react";
import Stripe from "stripe";

import { Drawer } from "../Drawer";
import type { Subject } from "../beside";

const stripe = new Stripe(STRIPE_API_KEY, { httpClient: createHttpClient() });

/** Beside an invoice: the ledger's invoice of the same number, else what its customer has open. */
export default function InvoiceView(context: ExtensionContextValue) {
  const id = context.environment.objectContext?.id ?? "";
  const subjectOf = async (): Promise<Subject> => {
    const invoice = await stripe.invoices.retrieve(id);
    const customer = typeof invoice.customer === "string" ? invoice.customer : (invoice.customer?.id ?? "");
    return { customer, number: invoice.number ?? "" };
  };
  return <Drawer context={context} subjectOf={subjectOf} />;
}
