"""Answers of the providers, as their documentation shows them, and what they mean for the caller."""

import smtplib

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from cloud.notify import fcm, mail, twilio
from cloud.notify.outcome import Later, retry_after
from cloud.notify.transport import transport_error
from contract.errors import Rejected, Unavailable
from contract.ports import Accepted


def kind(outcome):
    if isinstance(outcome, Unavailable):
        return "ambiguous" if outcome.ambiguous else "later" if isinstance(outcome, Later) else "unavailable"
    return "rejected" if isinstance(outcome, Rejected) else outcome


@pytest.mark.parametrize(("status", "answer", "header", "wanted"), [
    (201, {"sid": "SM1", "status": "queued", "error_code": None}, None, Accepted("SM1")),
    (201, {"sid": "SM1", "status": "failed", "error_code": 30003, "error_message": "off"}, None, "rejected"),
    (201, {}, None, "ambiguous"),
    (400, {"code": 21211, "message": "Invalid 'To'"}, None, "rejected"),
    (400, {"code": 21610, "message": "unsubscribed"}, None, "rejected"),
    (400, {"code": 21606, "message": "From is not yours"}, None, "unavailable"),
    (401, {"code": 20003, "message": "Authenticate"}, None, "unavailable"),
    (404, {"code": 20404, "message": "no such account"}, None, "unavailable"),
    (429, {"code": 20429, "message": "Too many"}, "30", "later"),
    (429, {"code": 20429, "message": "Too many"}, None, "unavailable"),
    (500, {"code": 20500, "message": "oops"}, None, "unavailable"),
    (503, {}, "5", "later"),
    (502, {}, None, "ambiguous"),
    (504, {}, None, "ambiguous"),
    (302, {}, None, "unavailable"),
])
def test_twilio(status, answer, header, wanted):
    assert kind(twilio.outcome_of(status, answer, header)) == wanted


def test_a_refusal_keeps_the_providers_words():
    outcome = twilio.outcome_of(400, {"code": 21211, "message": "Invalid 'To' Phone Number"})
    assert outcome.detail == "Twilio answered 400: Invalid 'To' Phone Number (code 21211)"


def fcm_error(status, code=None):
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    return {"error": {"code": 404, "message": "Requested entity was not found.", "status": status, "details": details}}


@pytest.mark.parametrize(("status", "answer", "header", "wanted"), [
    (200, {"name": "projects/p/messages/1"}, None, Accepted("projects/p/messages/1")),
    (200, {}, None, "ambiguous"),
    (404, fcm_error("NOT_FOUND", "UNREGISTERED"), None, "rejected"),
    (400, fcm_error("INVALID_ARGUMENT"), None, "rejected"),
    (403, fcm_error("PERMISSION_DENIED", "SENDER_ID_MISMATCH"), None, "rejected"),
    (403, fcm_error("PERMISSION_DENIED"), None, "unavailable"),
    (401, fcm_error("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), None, "unavailable"),
    (429, fcm_error("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "60", "later"),
    (500, fcm_error("INTERNAL", "INTERNAL"), None, "unavailable"),
    (503, fcm_error("UNAVAILABLE", "UNAVAILABLE"), "10", "later"),
    (404, {"error": "an odd shape"}, None, "unavailable"),
])
def test_fcm(status, answer, header, wanted):
    assert kind(fcm.outcome_of(status, answer, header)) == wanted


@pytest.mark.parametrize(("error", "wanted"), [
    (smtplib.SMTPResponseException(550, b"no such user"), "rejected"),
    (smtplib.SMTPResponseException(451, b"greylisted"), "unavailable"),
    (smtplib.SMTPAuthenticationError(535, b"bad password"), "unavailable"),
    (smtplib.SMTPResponseException(554, "refused as text"), "rejected"),
])
def test_mail(error, wanted):
    assert kind(mail.refusal(error)) == wanted


@pytest.mark.parametrize(("error", "wanted"), [
    (requests.ConnectTimeout(), "unavailable"),
    (requests.exceptions.ProxyError(), "unavailable"),
    (requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused"))), "unavailable"),
    (requests.exceptions.SSLError(MaxRetryError(None, "/", Exception("CERTIFICATE_VERIFY_FAILED"))), "unavailable"),
    (requests.ReadTimeout(), "ambiguous"),
    (requests.ConnectionError(ProtocolError("Connection aborted.")), "ambiguous"),
    (requests.exceptions.ChunkedEncodingError(), "ambiguous"),
])
def test_below_http(error, wanted):
    assert kind(transport_error("Twilio", error)) == wanted


@pytest.mark.parametrize(("header", "seconds"), [
    (None, None), ("", None), ("12", 12.0), (" 3 ", 3.0), ("-1", None), ("1.5", None), ("999999", 3600.0),
    ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("٣", None)])
def test_retry_after_headers(header, seconds):
    assert retry_after(header) == seconds
