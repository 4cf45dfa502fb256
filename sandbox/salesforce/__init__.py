"""A stateful stand-in of Salesforce's REST API and sign-in."""

from sandbox.salesforce.api import SalesforceStandIn
from sandbox.salesforce.org import SalesforceOrg

__all__ = ["SalesforceOrg", "SalesforceStandIn"]
