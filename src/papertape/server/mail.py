"""Mail to users, where the operator named a server for it."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

import structlog

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes out; `user` None logs in nowhere. Without TLS only to this machine."""

    host: str
    port: int
    sender: str
    implicit_tls: bool = False
    start_tls: bool = True
    user: str | None = None
    password: str = ""


class Mailer:
    """Sends mail; blocks while it does. A failure is logged, and whoever asked is told nothing."""

    def __init__(self, server: MailServer, product_url: str) -> None:
        self._server = server
        self._product_url = product_url.rstrip("/")

    def send_reset_token(self, address: str, username: str, token: str) -> None:
        """The mail for a forgotten password."""
        self._send(
            address,
            "Your Papertape password",
            f"Somebody, hopefully you, asked for a new password of {username} at\n"
            f"{self._product_url or 'Papertape'}.\n\n"
            f"This token sets one, once, within an hour:\n\n    {token}\n\n"
            "Send it with the new password to POST /api/v1/auth/password-reset as\n"
            '{"token": ..., "new_password": ...}. If it was not you, do nothing.\n',
        )

    def _send(self, address: str, subject: str, text: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._server.sender, address, subject
        message.set_content(text)
        try:
            with self._connect() as connection:
                connection.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            structlog.get_logger().error("mail_not_sent", reason=repr(error))

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        tls = ssl.create_default_context()
        if server.implicit_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=tls
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
            if server.start_tls:
                connection.starttls(context=tls)
        if server.user is not None:
            connection.login(server.user, server.password)
        return connection
