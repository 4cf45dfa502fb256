import type { ExtensionContextValue } from "@stripe/ui-extension-sdk/context";
import React from "react";

import { Drawer } from "../Drawer";

/** Beside a customer: what whoever they pay for has open. */
export default function CustomerView(context: ExtensionContextValue) {
  const customer = context.environment.objectContext?.id ?? "";
  return <Drawer context={context} subjectOf={async () => ({ customer, number: "" })} />;
}
