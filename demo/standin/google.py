"""Google's OAuth2 token endpoint (JWT grant) and Firebase Cloud Messaging's HTTP v1 send.

After https://developers.google.com/identity/protocols/oauth2/service-account and
https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

import asyncio
import base64
import json
import re
import secrets
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from demo.standin.arrivals import Arrivals
from demo.standin.credentials import PROJECT, TOKEN_URI, ProviderAccounts
from demo.standin.faults import Faults

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SKEW = 300.0
TOKEN_SECONDS = 3599
TOKEN_LIMIT = 1000
MESSAGE_LIMIT = 4096
DEVICE_TOKEN = re.compile(r"[\w-]{10,}:[\w-]{80,}")
MESSAGE_FIELDS = {"name", "data", "notification", "android", "webpush", "apns", "fcm_options", "token", "topic"}
NOTIFICATION_FIELDS = {"title", "body", "image"}


class BadAssertion(Exception):
    """The token request is refused; args are OAuth's `error` and `error_description`."""


class AccessTokens:
    """Bearer tokens given out, each valid for an hour."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}

    def issue(self) -> str:
        if len(self._ends) >= TOKEN_LIMIT:
            del self._ends[next(iter(self._ends))]
        token = "ya29." + secrets.token_urlsafe(64)
        self._ends[token] = time.monotonic() + TOKEN_SECONDS
        return token

    def valid(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        return kind == "Bearer" and self._ends.get(token, 0.0) > time.monotonic()


def check_assertion(assertion: str, key: rsa.RSAPublicKey, accounts: ProviderAccounts, now: float) -> None:
    """Refuses, as Google does, any JWT that this service account did not just sign for FCM. `now` is Unix time."""
    parts = assertion.split(".")
    if len(parts) != 3:
        raise BadAssertion("invalid_grant", "Bad Request: the assertion is not a JWT.")
    try:
        header, claims = (json.loads(_unbase64(part)) for part in parts[:2])
        signature = _unbase64(parts[2])
        issued, ends = float(claims["iat"]), float(claims["exp"])
        issuer, audience, scope = str(claims["iss"]), claims["aud"], str(claims.get("scope", ""))
        algorithm, key_id = header.get("alg"), header.get("kid")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadAssertion("invalid_grant", "Bad Request: the assertion is not a JWT.") from error
    if algorithm != "RS256" or key_id != accounts.key_id or issuer != accounts.client_email:
        raise BadAssertion("invalid_grant", "Invalid grant: account not found")
    try:
        key.verify(signature, ".".join(parts[:2]).encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise BadAssertion("invalid_grant", "Invalid JWT Signature.") from None
    if audience != TOKEN_URI:
        raise BadAssertion("invalid_grant", "Invalid JWT: Failed audience check.")
    if issued > now + SKEW or ends < now or ends - issued > 3600:
        raise BadAssertion(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        )
    if SCOPE not in scope.split():
        raise BadAssertion("invalid_scope", "Invalid OAuth scope or ID token audience provided.")


def fcm_error(status: int, name: str, message: str, code: str | None = None) -> JSONResponse:
    """Return google.rpc.Status in JSON, with FCM's own code in the details."""
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if code:
        error["details"] = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    return JSONResponse({"error": error}, status)


def message_fault(document: Any) -> str | None:
    """Return why FCM would call this request body INVALID_ARGUMENT, or None."""
    message = document.get("message") if isinstance(document, dict) else None
    if not isinstance(message, dict):
        return "Invalid JSON payload received: message is missing"
    if unknown := set(message) - MESSAGE_FIELDS:
        return f'Invalid JSON payload received. Unknown name "{min(unknown)}" at \'message\': Cannot find field.'
    if "topic" in message or not isinstance(message.get("token"), str):
        return "Recipient of the message is not set."
    notification = message.get("notification", {})
    if not isinstance(notification, dict) or set(notification) - NOTIFICATION_FIELDS:
        return "Invalid value at 'message.notification'"
    data = message.get("data", {})
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return "Invalid value at 'message.data' (TYPE_STRING)"
    if len(json.dumps({"notification": notification, "data": data}).encode()) > MESSAGE_LIMIT:
        return "Message is too big"
    if not DEVICE_TOKEN.fullmatch(message["token"]):
        return "The registration token is not a valid FCM registration token"
    return None


def router(accounts: ProviderAccounts, key: rsa.RSAPublicKey, arrivals: Arrivals, faults: Faults) -> APIRouter:
    """Return the routes POST /token and POST /v1/projects/{project}/messages:send."""
    routes = APIRouter()
    tokens = AccessTokens()

    @routes.post("/token")
    async def token(request: Request) -> Response:
        form = await request.form()
        fault = faults.take("oauth")
        if fault:
            if fault.mode == "timeout-after-accept":
                await asyncio.sleep(fault.seconds)
            elif fault.mode == "reject":
                return JSONResponse(
                    {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}, 400
                )
            else:
                return JSONResponse({"error": "internal_failure"}, int(fault.mode))
        if form.get("grant_type") != GRANT:
            return JSONResponse(
                {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400
            )
        try:
            check_assertion(str(form.get("assertion", "")), key, accounts, time.time())
        except BadAssertion as refusal:
            error, description = refusal.args
            return JSONResponse({"error": error, "error_description": description}, 400)
        return JSONResponse({"access_token": tokens.issue(), "expires_in": TOKEN_SECONDS, "token_type": "Bearer"})

    @routes.post("/v1/projects/{project}/messages:send")
    async def send(project: str, request: Request) -> Response:
        if not tokens.valid(request.headers.get("Authorization", "")):
            return fcm_error(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other"
                " valid authentication credential.",
            )
        if project != PROJECT:
            return fcm_error(403, "PERMISSION_DENIED", f"Permission denied on project '{project}'.")
        fault = faults.take("fcm")
        if fault and fault.mode == "429":
            response = fcm_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for messages.", "QUOTA_EXCEEDED")
            response.headers["Retry-After"] = "60"
            return response
        if fault and fault.mode == "500":
            return fcm_error(500, "INTERNAL", "Internal error encountered.", "INTERNAL")
        try:
            document = await request.json()
        except ValueError:
            document = None
        if reason := message_fault(document):
            return fcm_error(400, "INVALID_ARGUMENT", reason, "INVALID_ARGUMENT")
        message = document["message"]
        if message["token"] not in accounts.devices or (fault and fault.mode == "reject"):
            return fcm_error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        name = f"projects/{PROJECT}/messages/{secrets.token_hex(8)}"
        notification = message.get("notification", {})
        arrivals.add(
            channel="push",
            provider="fcm",
            sender=PROJECT,
            to=message["token"],
            title=str(notification.get("title", "")),
            text=str(notification.get("body", "")),
            id=name,
        )
        if fault:
            await asyncio.sleep(fault.seconds)
        return JSONResponse({"name": name})

    return routes


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
