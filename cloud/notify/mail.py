"""E-mail: Apprise builds the message; the SMTP dialogue is ours, so that its answer is kept."""

import re
import smtplib
from typing import Any

from apprise import NotifyType
from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController

from cloud.notify.outcome import REASON_LIMIT, Outcome
from contract.errors import Rejected, Unavailable
from contract.ports import Accepted


class Mail(NotifyEmail):
    """One message to one address. After notify(), `outcome` says what the mail server answered.

    The Message-ID follows from `key`, so a mail system that gets the one resend can tell that it is the same.
    """

    outcome: Outcome = Unavailable("the mail server was not asked")

    def __init__(self, key: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.message_id = f"<{key}@{self.from_addr[1].split('@')[1]}>"

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **_: Any) -> bool:
        self.outcome = self._hand_over(body, title)
        return isinstance(self.outcome, Accepted)

    def _hand_over(self, body: str, title: str) -> Outcome:
        recipient = self.targets[0][1]
        text = self._message(body, title)
        sending = False
        try:
            with KeepingSmtp(
                host=self.smtp_host,
                port=self.port,
                secure_mode=self.secure_mode,
                user=self.user,
                password=self.password,
                verify_certificate=self.verify_certificate,
                socket_connect_timeout=self.socket_connect_timeout,
            ) as connection:
                connection.address(self.from_addr[1], recipient)
                sending = True
                connection.content(text)
        except smtplib.SMTPResponseException as error:
            return refusal(error)
        except (OSError, smtplib.SMTPException) as error:
            what = "did not answer after the message was sent" if sending else "cannot be reached"
            return Unavailable(f"the mail server {self.smtp_host} {what}: {type(error).__name__}", ambiguous=sending)
        return Accepted(self.message_id)

    def _message(self, body: str, title: str) -> str:
        prepared = next(
            iter(
                self.prepare_emails(
                    subject=title,
                    body=body,
                    from_addr=self.from_addr,
                    to=self.targets,
                    smtp_host=self.smtp_host,
                    notify_format="text",
                    headers={"Auto-Submitted": "auto-generated"},
                    names=self.names,
                )
            )
        )
        return re.sub(r"(?m)^Message-ID: .*$", f"Message-ID: {self.message_id}", prepared.body, count=1)


class KeepingSmtp(AppriseSMTPController):
    """Apprise's connection (TLS, log-in), with the answers raised instead of logged."""

    def address(self, sender: str, recipient: str) -> None:
        """Send the envelope. Raises smtplib.SMTPResponseException with the server's refusal."""
        smtp = self._socket
        smtp.ehlo_or_helo_if_needed()
        for code, said in (smtp.mail(sender), smtp.rcpt(recipient)):
            if code not in (250, 251):
                raise smtplib.SMTPResponseException(code, said)

    def content(self, message: str) -> None:
        """Send the message itself. From here on a lost connection leaves it open whether the server has it."""
        code, said = self._socket.data(message)
        if code != 250:
            raise smtplib.SMTPResponseException(code, said)


def refusal(error: smtplib.SMTPResponseException) -> Rejected | Unavailable:
    """Return the error of a refusing answer: 5xx is final, except for a refused log-in, which an operator can mend; 4xx
    may pass later.
    """
    said = error.smtp_error
    if isinstance(said, bytes):
        said = said.decode("utf-8", "replace")
    detail = f"the mail server answered {error.smtp_code}: {said}"[:REASON_LIMIT]
    if isinstance(error, smtplib.SMTPAuthenticationError) or error.smtp_code in (530, 535):
        return Unavailable(detail, hint="check user and password in email_url")
    return Rejected(detail) if error.smtp_code >= 500 else Unavailable(detail)
