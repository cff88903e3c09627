"""The secret that a webhook may ask of its alerts, besides the token in its address."""

import hashlib
import hmac

from papertape.server.auth.store import AuthStore
from papertape.server.dialects.tradingview.store import Webhook

WRONG_SECRET = (
    "wrong_secret",
    "the secret of the webhook is missing in the alert, or wrong; send it as passphrase",
)


class SecretCheck:
    """Compares secrets with their Argon2id hashes; one that was right is remembered."""

    def __init__(self, auth: AuthStore) -> None:
        self._auth = auth
        self._known: dict[str, tuple[str, bytes]] = {}

    def hash(self, secret: str) -> str:
        """The text to store."""
        return self._auth.passwords.hash(secret)

    def fits(self, webhook: Webhook, secret: str | None) -> bool:
        """Whether the alert's secret is the webhook's; blocks for a while the first time."""
        stored = webhook.secret_hash
        if stored is None:
            return True
        digest = hashlib.sha256((secret or "").encode()).digest()
        known = self._known.get(webhook.webhook_id)
        if known is not None and known[0] == stored and hmac.compare_digest(known[1], digest):
            return True
        if not secret or not self._auth.passwords.fits(stored, secret):
            return False
        self._known[webhook.webhook_id] = (stored, digest)
        return True
