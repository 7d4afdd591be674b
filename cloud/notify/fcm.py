"""Push by Firebase Cloud Messaging (HTTP v1): Apprise's plug-in, with the answer to the request kept."""

from typing import Any

import requests
from apprise import NotifyType
from apprise.plugins.fcm import NotifyFCM

from cloud.notify.outcome import Outcome, from_status
from cloud.notify.transport import transport_error
from contract.errors import Unavailable
from contract.ports import Accepted

# https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode: no operator can make these go through.
PERMANENT = frozenset({"UNREGISTERED", "INVALID_ARGUMENT", "SENDER_ID_MISMATCH"})


class FcmPush(NotifyFCM):
    """One notification to one device. After notify(), `outcome` says what Google answered."""

    outcome: Outcome = Unavailable("FCM was not asked")

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **_: Any) -> bool:
        self.outcome = self._ask(body, title)
        return isinstance(self.outcome, Accepted)

    def _ask(self, body: str, title: str) -> Outcome:
        token = self.access_token
        if not token:
            return Unavailable(
                "Google gave no access token",
                hint="check keyfile in fcm_url and that its token_uri can be reached",
            )
        message = {
            "token": self.targets[0],
            "notification": {"title": title, "body": body},
            "android": {"priority": "high"},
        }
        try:
            answer = requests.post(
                self.notify_oauth2_url.format(project=self.project),
                json={"message": message},
                headers={"Authorization": f"Bearer {token}", "User-Agent": self.app_id},
                verify=self.verify_certificate,
                timeout=self.request_timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return transport_error("FCM", error)
        try:
            document = answer.json()
        except ValueError:
            document = {}
        return outcome_of(
            answer.status_code, document if isinstance(document, dict) else {}, answer.headers.get("Retry-After")
        )


def outcome_of(status: int, answer: dict[str, Any], header: str | None = None) -> Outcome:
    """Return what FCM's answer to messages:send means."""
    if status == 200:
        name = answer.get("name")
        if not name:
            return Unavailable("FCM answered without a message name", ambiguous=True)
        return Accepted(str(name))
    error = answer.get("error")
    error = error if isinstance(error, dict) else {}
    codes = {detail["errorCode"] for detail in error.get("details", []) if "errorCode" in detail}
    code = next(iter(codes), error.get("status", ""))
    said = f"{error.get('message', 'no explanation')} ({code})" if code else "no explanation"
    return from_status("FCM", status, said, header, permanent=code in PERMANENT)
