"""SMS by Twilio: Apprise's plug-in, with the answer to the request kept instead of reduced to yes or no."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from apprise import NotifyType
from apprise.plugins.twilio import NotifyTwilio

from cloud.notify.outcome import Outcome, from_status
from cloud.notify.transport import transport_error
from contract.errors import Rejected, Unavailable
from contract.ports import Accepted

# Codes about the sender or the account: an operator can mend these, and the same message will then be taken.
OPERATORS_TO_MEND = frozenset({20003, 20404, 21210, 21212, 21408, 21603, 21606, 21607, 21608, 21659, 21660})
DEAD = frozenset({"failed", "undelivered", "canceled"})
LOOK_BACK = timedelta(days=2)


class TwilioSms(NotifyTwilio):
    """One text to one number. After notify(), `outcome` says what Twilio answered."""

    outcome: Outcome = Unavailable("Twilio was not asked")

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **_: Any) -> bool:
        self.throttle()
        payload = {"From": self.source, "To": self.targets[0][1], "Body": body}
        try:
            answer = self._ask("POST", data=payload)
            self.outcome = outcome_of(answer.status_code, _json(answer), answer.headers.get("Retry-After"))
        except requests.RequestException as error:
            self.outcome = transport_error("Twilio", error)
        return isinstance(self.outcome, Accepted)

    def find(self, mark: str) -> Accepted | None:
        """Return the newest message to this number whose text holds `mark`. Raises Unavailable."""
        since = (datetime.now(UTC) - LOOK_BACK).date().isoformat()
        query = {"To": self.targets[0][1], "DateSent>": since, "PageSize": "50"}
        try:
            answer = self._ask("GET", params=query)
        except requests.RequestException as error:
            # Asking sends nothing to anybody, so this is never ambiguous.
            raise Unavailable(transport_error("Twilio", error).detail) from error
        if answer.status_code != 200:
            raise Unavailable(f"Twilio answered {answer.status_code} when asked for the messages to a number")
        found = [
            message["sid"]
            for message in _json(answer).get("messages", [])
            if mark in message.get("body", "") and message.get("status") not in DEAD
        ]
        return Accepted(found[0]) if found else None

    def _ask(self, method: str, **content: Any) -> requests.Response:
        return requests.request(
            method,
            self.notify_sms_url.format(sid=self.account_sid),
            **content,
            auth=(self.apikey or self.account_sid, self.auth_token),
            verify=self.verify_certificate,
            timeout=self.request_timeout,
            allow_redirects=False,
            headers={"User-Agent": self.app_id, "Accept": "application/json"},
        )


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def outcome_of(status: int, answer: dict[str, Any], header: str | None = None) -> Outcome:
    """Return what Twilio's answer to a POST of Messages.json means. A 201 may hold a failed message."""
    code = answer.get("code") or answer.get("error_code")
    said = str(answer.get("message") or answer.get("error_message") or "no explanation")
    if code:
        said = f"{said} (code {code})"
    if status in (200, 201):
        if answer.get("status") in DEAD:
            return Rejected(f"Twilio took the message and failed it: {said}")
        if not answer.get("sid"):
            # The answer did not come from Twilio, so nobody knows whether Twilio has the message.
            return Unavailable("Twilio answered without a message id", ambiguous=True)
        return Accepted(str(answer["sid"]))
    return from_status("Twilio", status, said, header, permanent=status == 400 and code not in OPERATORS_TO_MEND)
