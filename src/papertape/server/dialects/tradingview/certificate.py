"""The client certificate of TradingView, as a proxy tells it.

TLS ends at the proxy, which asks for the certificate, checks it, and writes the subject's name into
a header that it takes from nobody else. Here only the name is looked at.
"""

COMMON_NAME = "TradingView Webhooks"


def is_tradingview(subject: str | None) -> bool:
    """Whether a distinguished name (RFC 4514 text) has TradingView's common name."""
    if not subject:
        return False
    return any(
        name.strip().upper() in {"CN", "2.5.4.3"} and value.strip() == COMMON_NAME
        for name, value in _attributes(subject)
    )


def _attributes(subject: str) -> list[tuple[str, str]]:
    """Names and values; an escaped or quoted comma ends none, so that no value can fake a name."""
    parts = [""]
    quoted = escaped = False
    for letter in subject:
        if escaped:
            parts[-1] += letter
        elif letter == '"':
            quoted = not quoted
        elif letter in ",+;" and not quoted:
            parts.append("")
        elif letter != "\\":
            parts[-1] += letter
        escaped = letter == "\\" and not escaped
    named = [part.partition("=") for part in parts]
    return [(name, value) for name, sign, value in named if sign]
