/** What TrueDue tells of the invoices beside a page of the dashboard, asked for by a request that Stripe signs. */

import type { ExtensionContextValue } from "@stripe/ui-extension-sdk/context";
import { fetchStripeSignature } from "@stripe/ui-extension-sdk/utils";

export type Invoice = {
  number: string;
  link: string;
  open: string;
  due: string;
  state: string;
  due_now: boolean;
  why: string[];
  reminded: string;
};

export type Told = {
  said: string;
  customer?: string;
  link?: string;
  more?: boolean;
  invoices?: Invoice[];
};

/** Stripe's id of the customer and the number of the invoice; empty where the page has none. */
export type Subject = { customer: string; number: string };

const PATH = "/apps/stripe/beside";
const PATIENCE_MS = 10_000;

/** The text that Stripe signs: what is added first, then whose dashboard it is. The order matters. */
export function body(subject: Subject, { userContext }: ExtensionContextValue): string {
  return JSON.stringify({ ...subject, user_id: userContext.id, account_id: userContext.account.id });
}

/** Ask; the answer has a sentence in `said` where there is nothing to show. */
export async function ask(subject: Subject, context: ExtensionContextValue): Promise<Told> {
  const home = context.environment.constants?.["TRUEDUE_URL"];
  if (typeof home !== "string") return { said: "The app's manifest does not say where TrueDue is." };
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(`${home}${PATH}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Stripe-Signature": await fetchStripeSignature(subject) },
      body: body(subject, context),
      signal: stop.signal,
    });
    return (await answer.json()) as Told;
  } catch {
    return { said: "TrueDue does not answer just now. Open this page again in a moment." };
  } finally {
    clearTimeout(timer);
  }
}
