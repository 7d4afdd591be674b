"""Twilio's Messages resource, after https://www.twilio.com/docs/messaging/api/message-resource."""

import asyncio
import base64
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from demo.standin.arrivals import LIMIT, Arrivals
from demo.standin.faults import Faults
from demo.standin.settings import TwilioAccount

log = logging.getLogger(__name__)

E164 = re.compile(r"\+[1-9]\d{6,14}")
BODY_LIMIT = 1600
API_VERSION = "2010-04-01"
SENT_AFTER, DELIVERED_AFTER = 0.2, 0.6
"""Seconds after which a queued message counts as sent and as delivered."""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """An error in Twilio's shape: https://www.twilio.com/docs/api/errors"""

    status: int
    code: int
    message: str

    def response(self) -> JSONResponse:
        content = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else {}
        return JSONResponse(content, self.status, headers)


@dataclass(frozen=True, slots=True)
class Message:
    sid: str
    sender: str
    to: str
    body: str
    created: datetime
    clock: float

    def status(self, clock: float) -> str:
        """Return how far the message is at the monotonic time `clock`."""
        age = clock - self.clock
        if age < SENT_AFTER:
            return "queued"
        return "sent" if age < DELIVERED_AFTER else "delivered"


def router(account: TwilioAccount, arrivals: Arrivals, faults: Faults) -> APIRouter:
    """Return the routes POST and GET .../Messages.json and GET .../Messages/{sid}.json of one account."""
    routes = APIRouter(prefix=f"/{API_VERSION}/Accounts")
    messages: OrderedDict[str, Message] = OrderedDict()
    callbacks: set[asyncio.Task[None]] = set()

    def view(message: Message) -> dict[str, Any]:
        return _view(message, account.sid, message.status(time.monotonic()))

    @routes.post("/{sid}/Messages.json")
    async def create(sid: str, request: Request) -> Response:
        try:
            _authenticate(request, sid, account)
            form = {name: str(value) for name, value in (await request.form()).items()}
            fault = faults.take("twilio")
            if fault and fault.mode == "429":
                raise Refusal(429, 20429, "Too Many Requests")
            if fault and fault.mode == "500":
                raise Refusal(500, 20500, "Internal Server Error")
            _check(form, account)
            if fault and fault.mode == "reject":
                raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        except Refusal as refusal:
            return refusal.response()
        message = Message(
            "SM" + secrets.token_hex(16), form["From"], form["To"], form["Body"], datetime.now(UTC), time.monotonic()
        )
        messages[message.sid] = message
        if len(messages) > LIMIT:
            messages.popitem(last=False)
        arrivals.add(
            channel="sms",
            provider="twilio",
            sender=message.sender,
            to=message.to,
            title="",
            text=message.body,
            id=message.sid,
        )
        if form.get("StatusCallback"):
            task = asyncio.create_task(_report(form["StatusCallback"], message, account))
            callbacks.add(task)
            task.add_done_callback(callbacks.discard)
        if fault:
            await asyncio.sleep(fault.seconds)
        return JSONResponse(view(message), 201)

    @routes.get("/{sid}/Messages.json")
    async def search(sid: str, request: Request) -> Response:
        try:
            _authenticate(request, sid, account)
            size, keep = _filter(dict(request.query_params))
        except Refusal as refusal:
            return refusal.response()
        found = [view(message) for message in reversed(messages.values()) if keep(message)][:size]
        uri = f"/{API_VERSION}/Accounts/{sid}/Messages.json?PageSize={size}&Page=0"
        return JSONResponse(
            {
                "messages": found,
                "page": 0,
                "page_size": size,
                "start": 0,
                "end": max(0, len(found) - 1),
                "uri": uri,
                "first_page_uri": uri,
                "next_page_uri": None,
                "previous_page_uri": None,
            }
        )

    @routes.get("/{sid}/Messages/{message_sid}.json")
    async def fetch(sid: str, message_sid: str, request: Request) -> Response:
        try:
            _authenticate(request, sid, account)
        except Refusal as refusal:
            return refusal.response()
        if message_sid not in messages:
            return Refusal(404, 20404, f"The requested resource {request.url.path} was not found").response()
        return JSONResponse(view(messages[message_sid]))

    return routes


def _authenticate(request: Request, sid: str, account: TwilioAccount) -> None:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        user = password = ""
    known = hmac.compare_digest(f"{user}:{password}".encode(), f"{account.sid}:{account.token}".encode())
    if kind.lower() != "basic" or not known:
        raise Refusal(401, 20003, "Authenticate")
    if sid != account.sid:
        raise Refusal(404, 20404, f"The requested resource {request.url.path} was not found")


def _check(form: dict[str, str], account: TwilioAccount) -> None:
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not E164.fullmatch(to):
        raise Refusal(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not sender:
        raise Refusal(400, 21603, "A 'From' phone number is required.")
    if not E164.fullmatch(sender):
        raise Refusal(400, 21212, f"Invalid From Number (caller ID): {sender}")
    if sender != account.sender:
        raise Refusal(400, 21606, f"The 'From' phone number {sender} is not a valid, SMS-capable number of yours.")
    if to == sender:
        raise Refusal(400, 21266, "'To' and 'From' number cannot be the same")
    if not body:
        raise Refusal(400, 21602, "Message body is required.")
    if len(body) > BODY_LIMIT:
        raise Refusal(400, 21617, f"The concatenated message body exceeds the {BODY_LIMIT} character limit")


def _filter(query: dict[str, str]) -> tuple[int, Any]:
    """(page size, predicate) of the list's query: To, From, DateSent, DateSent>, DateSent<, PageSize."""
    try:
        size = min(1000, max(1, int(query.get("PageSize", "50"))))
        days = {
            name: datetime.fromisoformat(value).date() for name, value in query.items() if name.startswith("DateSent")
        }
    except ValueError as error:
        raise Refusal(400, 20001, f"Invalid query parameter: {error}") from error

    def keep(message: Message) -> bool:
        day = message.created.date()
        return (
            query.get("To", message.to) == message.to
            and query.get("From", message.sender) == message.sender
            and days.get("DateSent", day) == day
            and days.get("DateSent>", day) <= day
            and days.get("DateSent<", day) >= day
        )

    return size, keep


def _view(message: Message, account_sid: str, status: str) -> dict[str, Any]:
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}"
    created = format_datetime(message.created)
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": created,
        "date_sent": None if status == "queued" else created,
        "date_updated": created,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(max(1, -(-len(message.body) // 153))),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def signature(url: str, fields: dict[str, str], token: str) -> str:
    """Return the X-Twilio-Signature of a callback: https://www.twilio.com/docs/usage/security"""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


async def _report(url: str, message: Message, account: TwilioAccount) -> None:
    """Tells the client's StatusCallback when the message is sent and when it is delivered. Loopback only."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
        log.warning("StatusCallback %s is not on this machine: not called", url)
        return
    clock = message.clock
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        for status, after in (("sent", SENT_AFTER), ("delivered", DELIVERED_AFTER)):
            await asyncio.sleep(max(0.0, clock + after - time.monotonic()))
            fields = {
                "AccountSid": account.sid,
                "ApiVersion": API_VERSION,
                "From": message.sender,
                "MessageSid": message.sid,
                "MessageStatus": status,
                "SmsSid": message.sid,
                "SmsStatus": status,
                "To": message.to,
            }
            try:
                await client.post(
                    url, data=fields, headers={"X-Twilio-Signature": signature(url, fields, account.token)}
                )
            except httpx.HTTPError as error:
                log.warning("StatusCallback %s failed: %s", url, error)
