"""The AlertChannel port over Apprise. Adding a provider is adding its Apprise URL to the configuration."""

import logging
from typing import Any

from apprise import Apprise, AppriseResult, NotifyFormat
from apprise.exception import AppriseImproperlyConfigured
from apprise.plugins import url_to_dict

from cloud.notify.fcm import FcmPush
from cloud.notify.mail import Mail
from cloud.notify.transport import CONNECT_TIMEOUT, READ_TIMEOUT
from cloud.notify.twilio import TwilioSms
from contract.errors import Rejected, Unavailable
from contract.ports import Accepted, Alert, AlertChannel
from contract.profile import Channel

log = logging.getLogger(__name__)


class AppriseChannel:
    """Sends by one Apprise URL without recipients; the recipient of each alert is put in its place.

    twilio://, fcm:// and mailto(s):// keep the provider's answer. Of any other service Apprise tells only yes
    or no, and no is not "not sent", so every failure there counts as ambiguous.
    """

    def __init__(self, url: str) -> None:
        """Raises Rejected when Apprise cannot read the URL; the URL holds secrets and is not repeated."""
        settings = url_to_dict(url)
        if settings is None:
            raise Rejected("Apprise does not understand this URL", hint="see https://appriseit.com/services/")
        self._settings = {**settings, "retry": "0", "rto": str(READ_TIMEOUT), "cto": str(CONNECT_TIMEOUT)}
        self.scheme = settings["schema"]

    def send(self, alert: Alert) -> Accepted:
        """As contract.ports.AlertChannel."""
        service = self._service(alert)
        messenger = Apprise()
        messenger.add(service)
        # A text carries no subject, and Apprise would put the title in front of it.
        title = "" if alert.channel == "sms" else alert.title
        result = messenger.notify(title=title, body=alert.text, body_format=NotifyFormat.TEXT)
        outcome = getattr(service, "outcome", None) or _outcome_of(result, self.scheme)
        if isinstance(outcome, Accepted):
            return outcome
        raise outcome

    def find(self, alert: Alert) -> Accepted | None:
        """As contract.ports.AlertChannel. Found again by the key, which the text holds (links.py)."""
        service = self._service(alert)
        return service.find(alert.key.replace("-", "")) if isinstance(service, TwilioSms) else None

    def _service(self, alert: Alert) -> Any:
        settings = {**self._settings, "targets": [alert.address]}
        try:
            if self.scheme == "twilio":
                return TwilioSms(**settings)
            if self.scheme == "fcm":
                return FcmPush(**settings)
            if self.scheme in ("mailto", "mailtos"):
                # SMTP knows one time limit for every step of the dialogue, and Apprise takes it from `cto`.
                return Mail(key=alert.key, **{**settings, "cto": str(READ_TIMEOUT / 2)})
            return Apprise.instantiate(settings, suppress_exceptions=False)
        except (AppriseImproperlyConfigured, TypeError) as error:
            raise Unavailable(
                f"{self.scheme} is not set up rightly: {error}", hint="mend [alerts] in the cloud's configuration"
            ) from error


def _outcome_of(result: AppriseResult, scheme: str) -> Accepted | Unavailable:
    if result:
        return Accepted(None)
    return Unavailable(f"{scheme} did not confirm the message", ambiguous=True)


def channels_from(urls: dict[Channel, str]) -> dict[Channel, AlertChannel]:
    """One channel per configured URL; what is not configured is absent, and its deliveries say so."""
    channels: dict[Channel, AlertChannel] = {}
    for name, url in urls.items():
        try:
            channels[name] = AppriseChannel(url)
        except Rejected as error:
            raise Rejected(f"the URL for {name} alerts: {error.detail}", hint=error.hint) from error
    return channels
