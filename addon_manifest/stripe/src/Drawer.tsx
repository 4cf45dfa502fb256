import type { ExtensionContextValue } from "@stripe/ui-extension-sdk/context";
import { Badge, Box, ContextView, Divider, Inline, Link, List, ListItem, Spinner } from "@stripe/ui-extension-sdk/ui";
import React, { useEffect, useState } from "react";

import { ask, type Invoice, type Subject, type Told } from "./beside";

function Standing({ invoice }: { invoice: Invoice }) {
  return (
    <Box css={{ stack: "y", rowGap: "xsmall" }}>
      <Box css={{ stack: "x", distribute: "space-between" }}>
        <Link href={invoice.link} target="_blank" external>
          {invoice.number}
        </Link>
        <Inline css={{ font: "bodyEmphasized" }}>{invoice.open}</Inline>
      </Box>
      <Box css={{ stack: "x", distribute: "space-between", alignY: "center" }}>
        <Inline css={{ color: "secondary", font: "caption" }}>Due {invoice.due}</Inline>
        <Badge type={invoice.due_now ? "urgent" : "neutral"}>{invoice.state}</Badge>
      </Box>
      {invoice.reminded ? (
        <Inline css={{ color: "secondary", font: "caption" }}>Last reminded {invoice.reminded}</Inline>
      ) : null}
      {invoice.why.length > 0 ? (
        <List aria-label={`Why ${invoice.number} is not reminded now`}>
          {invoice.why.map((reason) => (
            <ListItem key={reason} title={reason} />
          ))}
        </List>
      ) : null}
      <Divider />
    </Box>
  );
}

/** What was told, as the drawer shows it; a spinner until it is. */
export function Shown({ told }: { told: Told | null }) {
  if (told === null) return <Spinner size="large" />;
  return (
    <Box css={{ stack: "y", rowGap: "medium" }}>
      {told.customer ? <Inline css={{ font: "heading" }}>{told.customer}</Inline> : null}
      {told.said ? <Inline>{told.said}</Inline> : null}
      {(told.invoices ?? []).map((invoice) => (
        <Standing key={invoice.link} invoice={invoice} />
      ))}
      {told.more ? <Inline css={{ color: "secondary" }}>There are more: open them in TrueDue.</Inline> : null}
      {told.link ? (
        <Link href={told.link} target="_blank" external>
          Open in TrueDue
        </Link>
      ) : null}
    </Box>
  );
}

type Props = { context: ExtensionContextValue; subjectOf: () => Promise<Subject> };

/** The drawer beside a page: finds out what the page is about, asks, and shows what was told. */
export function Drawer({ context, subjectOf }: Props) {
  const [told, setTold] = useState<Told | null>(null);
  const page = context.environment.objectContext?.id;
  useEffect(() => {
    let left = false;
    setTold(null);
    subjectOf()
      .then((subject) => ask(subject, context))
      .catch(() => ({ said: "Stripe did not show what this page is about." }))
      .then((found) => {
        if (!left) setTold(found);
      });
    return () => {
      left = true;
    };
  }, [page]);
  return (
    <ContextView title="In the books" description="What is truly due, and what holds reminders back">
      <Shown told={told} />
    </ContextView>
  );
}
