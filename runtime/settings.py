"""Settings from the environment (`TRUEDUE_…`), with defaults that are safe on one machine."""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.contract import Endpoint

KEY_BYTES = 32


class SettingsError(ValueError):
    """A setting is missing or unusable; the text names it and says what to set."""


class SignInRule(StrEnum):
    """Who sees staff pages without signing in. Through any other name than loopback everybody signs in, always."""

    LOOPBACK = "loopback"  # whoever sits at this machine
    REQUIRED = "required"  # nobody


class SignUp(StrEnum):
    """Who may begin to use this installation."""

    INVITED = "invited"
    ANYONE = "anyone"  # whoever signs in may make an organisation, and owns it


class Settings(BaseSettings):
    """Every setting of the product. Vendor addresses are overridden to reach stand-ins."""

    model_config = SettingsConfigDict(env_prefix="TRUEDUE_", extra="ignore")

    database_url: str = "sqlite:///var/truedue.sqlite3"
    broker_url: str = "memory://"
    public_url: str = "http://127.0.0.1:8000"
    key: SecretStr = SecretStr("")
    old_keys: SecretStr = SecretStr("")
    sign_in: SignInRule = SignInRule.LOOPBACK
    sign_up: SignUp = SignUp.INVITED
    statement_folder: str = ""
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = True
    reply_to: str = ""  # where answers to reminders go; the sender's own address where it is empty
    imap_host: str = ""
    imap_port: int = Field(default=993, ge=1, le=65535)
    imap_user: str = ""
    imap_password: SecretStr = SecretStr("")
    imap_folder: str = "INBOX"
    imap_tls: bool = True
    inbound_mail_secret: SecretStr = SecretStr("")
    mail_from: str = ""

    xero_api_url: str = ""
    xero_identity_url: str = ""
    xero_client_id: str = ""
    xero_client_secret: SecretStr = SecretStr("")
    xero_webhook_secret: SecretStr = SecretStr("")
    xero_payment_services: bool = False  # whether Xero has certified the app as a payment service
    quickbooks_api_url: str = ""
    quickbooks_identity_url: str = ""
    quickbooks_client_id: str = ""
    quickbooks_client_secret: SecretStr = SecretStr("")
    quickbooks_webhook_secret: SecretStr = SecretStr("")
    salesforce_url: str = ""
    salesforce_client_id: str = ""
    salesforce_client_secret: SecretStr = SecretStr("")
    salesforce_webhook_secret: SecretStr = SecretStr("")
    stripe_api_url: str = ""
    stripe_client_id: str = ""
    stripe_client_secret: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_app_secret: SecretStr = SecretStr("")  # signs what the view in Stripe's dashboard asks
    twilio_api_url: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_from_number: str = ""
    print_folder: str = ""
    lob_api_url: str = ""
    lob_api_key: SecretStr = SecretStr("")

    def endpoint(self, system: str) -> Endpoint:
        """Return where `system` answers and who we are to it; SettingsError when the client is not set."""
        own = _VENDORS[system]
        client_id = str(getattr(self, f"{system}_client_id"))
        secret: SecretStr = getattr(self, f"{system}_client_secret")
        if not client_id or not secret.get_secret_value():
            name = f"TRUEDUE_{system.upper()}"
            raise SettingsError(f"{name}_CLIENT_ID and {name}_CLIENT_SECRET are not set: register an app at the vendor")
        api_url = str(getattr(self, f"{system}_api_url", "") or getattr(self, f"{system}_url", ""))
        identity_url = str(getattr(self, f"{system}_identity_url", "") or api_url)
        return Endpoint(
            api_url=api_url or own.api_url,
            identity_url=identity_url or own.identity_url,
            client_id=client_id,
            client_secret=secret.get_secret_value(),
            authorize_url=identity_url or own.authorize_url,
            revoke_url=identity_url or own.revoke_url,
            person_url=identity_url or own.person_url,
            more_scopes=self.offers_payment(system),
        )

    def offers_payment(self, system: str) -> bool:
        """Whether `system` lets this installation's app put a pay-now button on its invoices."""
        return bool(getattr(self, f"{system}_payment_services", False))

    def of(self, name: str) -> dict[str, str]:
        """Return the settings whose names begin with `name`, without it, and where the outside world reaches us."""
        prefix = f"{name}_"
        values = {field: getattr(self, field) for field in type(self).model_fields if field.startswith(prefix)}
        plain = {field.removeprefix(prefix): _plain(value) for field, value in values.items()}
        return plain | {"public_url": self.public_url.rstrip("/")}

    def webhook_secret(self, system: str) -> str:
        """Return the secret that `system` signs its webhooks with; empty when there is none."""
        secret: SecretStr = getattr(self, f"{system}_webhook_secret")
        return secret.get_secret_value()

    def encryption_key(self) -> bytes:
        """Return the 32 bytes of TRUEDUE_KEY (base64); SettingsError when it is missing or of another length."""
        key = _key_bytes(self.key.get_secret_value())
        if key is None:
            raise SettingsError("TRUEDUE_KEY must be 32 random bytes in base64; make one with: truedue key new")
        return key

    def old_encryption_keys(self) -> tuple[bytes, ...]:
        """Return the keys of TRUEDUE_OLD_KEYS (base64, separated by commas): what they sealed still opens."""
        keys = [_key_bytes(text.strip()) for text in self.old_keys.get_secret_value().split(",") if text.strip()]
        if None in keys:
            raise SettingsError("TRUEDUE_OLD_KEYS must be keys as TRUEDUE_KEY is, separated by commas")
        return tuple(key for key in keys if key is not None)

    def sqlite_file(self) -> Path | None:
        """Return the file of an SQLite database, None for any other."""
        prefix = "sqlite:///"
        return Path(self.database_url.removeprefix(prefix)) if self.database_url.startswith(prefix) else None


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _key_bytes(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


# The vendors' own hosts, for whoever does not override them.
_VENDORS = {
    "xero": Endpoint(
        api_url="https://api.xero.com",
        identity_url="https://identity.xero.com",
        authorize_url="https://login.xero.com",
        revoke_url="https://identity.xero.com",
        client_id="",
        client_secret="",
    ),
    "quickbooks": Endpoint(
        api_url="https://quickbooks.api.intuit.com",
        identity_url="https://oauth.platform.intuit.com",
        authorize_url="https://appcenter.intuit.com",
        revoke_url="https://developer.api.intuit.com",
        person_url="https://accounts.platform.intuit.com",
        client_id="",
        client_secret="",
    ),
    "salesforce": Endpoint(
        api_url="https://login.salesforce.com",
        identity_url="https://login.salesforce.com",
        client_id="",
        client_secret="",
    ),
    "stripe": Endpoint(
        api_url="https://api.stripe.com",
        identity_url="https://api.stripe.com",
        authorize_url="https://marketplace.stripe.com",
        revoke_url="https://api.stripe.com",
        client_id="",
        client_secret="",
    ),
}


def load() -> Settings:
    """Read the environment; SettingsError names the first variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRUEDUE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg']}") from None
