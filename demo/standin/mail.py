"""A mail submission server (RFC 6409): STARTTLS first, then AUTH, then senders of one's own domain only."""

import asyncio
import hmac
import html
import re
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from demo.standin.arrivals import Arrivals
from demo.standin.credentials import ProviderAccounts
from demo.standin.faults import Faults

SIZE_LIMIT = 1024 * 1024
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
LINE_ENDS = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h\d)>", re.IGNORECASE)
TAGS = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Mailbox:
    """aiosmtpd's handler: checks the envelope, keeps what arrives."""

    def __init__(self, accounts: ProviderAccounts, arrivals: Arrivals, faults: Faults) -> None:
        self._accounts = accounts
        self._arrivals = arrivals
        self._faults = faults

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Check a log-in; aiosmtpd's authenticator callback."""
        known = f"{self._accounts.mail_user}\0{self._accounts.mail_password}".encode()
        good = isinstance(data, LoginPassword) and hmac.compare_digest(data.login + b"\0" + data.password, known)
        return AuthResult(success=good, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.lower().rpartition("@")[2] != self._accounts.mail_user.rpartition("@")[2]:
            return "553 5.7.1 Sender address rejected: not of the authenticated user's domain"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not ADDRESS.fullmatch(address):
            return "501 5.1.3 Bad recipient address syntax"
        if address.lower().endswith(".invalid"):
            return "550 5.1.2 Recipient address rejected: domain not found"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self._faults.take("smtp")
        if fault and fault.mode == "429":
            return "451 4.7.1 Too many messages, try again later"
        if fault and fault.mode == "500":
            return "451 4.3.0 Requested action aborted: local error in processing"
        if fault and fault.mode == "reject":
            return "550 5.1.1 Recipient address rejected: user unknown"
        content = envelope.content or b""
        message = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.default)
        message_id = str(message.get("Message-ID", ""))
        for recipient in envelope.rcpt_tos:
            self._arrivals.add(
                channel="email",
                provider="smtp",
                sender=str(message.get("From", envelope.mail_from)),
                to=recipient,
                title=str(message.get("Subject", "")),
                text=readable(message),
                id=message_id,
            )
        if fault:
            await asyncio.sleep(fault.seconds)
        return f"250 2.0.0 Ok: queued as {message_id or 'unnamed'}"


def readable(message: EmailMessage) -> str:
    """Return the text a person would read: the plain part, or the HTML part without its tags."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    text = str(part.get_content())
    if part.get_content_type() == "text/html":
        text = html.unescape(TAGS.sub("", LINE_ENDS.sub("\n", text)))
    return text.strip()


def protocol(mailbox: Mailbox, context: ssl.SSLContext, loop: asyncio.AbstractEventLoop) -> SMTP:
    """Return one connection's protocol; the factory of loop.create_server."""
    return SMTP(
        mailbox,
        data_size_limit=SIZE_LIMIT,
        hostname="localhost",
        ident="stand-in mail",
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        auth_require_tls=True,
        authenticator=mailbox.authenticate,
        timeout=60,
        loop=loop,
    )
