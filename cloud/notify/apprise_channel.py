"""The AlertChannel port over Apprise. Adding a provider is adding its Apprise URL to the configuration."""

from typing import Any
from urllib.parse import unquote

from apprise import Apprise, AppriseResult, NotifyFormat
from apprise.exception import AppriseImproperlyConfigured
from apprise.plugins import url_to_dict

from cloud.notify.fcm import FcmPush
from cloud.notify.mail import Mail
from cloud.notify.transport import CONNECT_TIMEOUT, READ_TIMEOUT
from cloud.notify.twilio import TwilioSms
from contract.errors import Rejected, Unavailable
from contract.ports import Accepted, Alert
from contract.profile import CHANNELS, Channel

MAIL = ("mailto", "mailtos")
OWN = (TwilioSms, FcmPush, Mail)


class AppriseChannel:
    """Sends by one Apprise URL without recipients; the recipient of each alert is put in its place.

    twilio://, fcm:// and mailto(s):// keep the provider's answer. Of any other service Apprise tells only yes or
    no, and no is not "not sent", so every failure there counts as ambiguous. `rto` and `cto` in the URL set the
    seconds to wait for an answer and for a connection.
    """

    def __init__(self, url: str) -> None:
        """Take the URL. Raises Rejected when Apprise cannot read the URL; the URL holds secrets and is not repeated."""
        settings = url_to_dict(url)
        if settings is None:
            raise Rejected("Apprise does not understand this URL", hint="see https://appriseit.com/services/")
        self.scheme = settings["schema"]
        # SMTP knows one time limit for every step of the dialogue, and Apprise takes it from `cto`.
        connect = READ_TIMEOUT / 2 if self.scheme in MAIL else CONNECT_TIMEOUT
        self._settings = {"rto": str(READ_TIMEOUT), "cto": str(connect), **settings, "retry": "0"}

    def send(self, alert: Alert) -> Accepted:
        """See contract.ports.AlertChannel."""
        service = self._service(alert.key, alert.address)
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
        """See contract.ports.AlertChannel. Found again by the key, which the text holds (links.py)."""
        service = self._service(alert.key, alert.address)
        return service.find(alert.key.replace("-", "")) if isinstance(service, TwilioSms) else None

    def check(self, address: str) -> None:
        """Raise Rejected when this URL could not be used to write to `address`. Nothing is sent.

        Without a recipient Apprise may take the host for one, and then writes to the service's public server.
        """
        service = self._service("check", address)
        host = unquote(self._settings.get("host") or "").lower()
        if isinstance(service, OWN) or not host:
            return
        place = unquote(service.url(privacy=False).partition("://")[2].partition("?")[0])
        if host not in place.replace(address, "").lower():
            raise Rejected(
                f"Apprise would not write to the host of this {self.scheme} URL: it takes the host for a recipient",
                hint=f"mend it in [alerts] of the cloud's configuration: give the host and no recipient, and where "
                     f"{self.scheme} knows modes the one of a server of your own (ntfy: ?mode=private)",
            )

    def _service(self, key: str, address: str) -> Any:
        settings = {**self._settings, "targets": [address]}
        try:
            if self.scheme == "twilio":
                return TwilioSms(**settings)
            if self.scheme == "fcm":
                return FcmPush(**settings)
            if self.scheme in MAIL:
                return Mail(key=key, **settings)
            return Apprise.instantiate(settings, suppress_exceptions=False)
        except (AppriseImproperlyConfigured, TypeError) as error:
            # Apprise's own words quote the token or password that it does not like.
            raise Rejected(
                f"the {self.scheme} URL is not complete, or {address!r} is no address for it",
                hint="mend it in [alerts] of the cloud's configuration",
            ) from error


def _outcome_of(result: AppriseResult, scheme: str) -> Accepted | Unavailable:
    if result:
        return Accepted(None)
    return Unavailable(f"{scheme} did not confirm the message", ambiguous=True)


def channels_from(urls: dict[Channel, str]) -> dict[Channel, AppriseChannel]:
    """Return one channel per configured URL; what is not configured is absent, and its deliveries say so.

    Raises Rejected, naming the channel, for a URL that could not send anything.
    """
    channels: dict[Channel, AppriseChannel] = {}
    for name, url in urls.items():
        try:
            channels[name] = AppriseChannel(url)
            channels[name].check(CHANNELS[name].example)
        except Rejected as error:
            raise Rejected(f"the URL for {name} alerts: {error.detail}", hint=error.hint) from error
    return channels
