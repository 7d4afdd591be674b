"""`sentrybox users enrol`: a person is sent to the box with contacts on every channel there is."""

import json
from email import message_from_bytes
from typing import get_args

import httpx
import pytest

from contract.profile import CHANNELS, Channel
from sentrybox import users
from sentrybox.cli import main


@pytest.mark.parametrize("channel", get_args(Channel))
def test_enrol_takes_contacts_of_every_channel(channel, tmp_path, monkeypatch, capsys):
    sent = {}

    def box(request):
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        for part in message_from_bytes(head + request.read()).get_payload():
            sent[part.get_param("name", header="content-disposition")] = part.get_payload(decode=True).decode()
        return httpx.Response(201, json={"id": "1", "name": "Ada"})

    monkeypatch.setattr(users, "client", lambda _options: httpx.Client(
        base_url="http://box", transport=httpx.MockTransport(box)))
    (tmp_path / "ada.jpg").write_bytes(b"photo")
    address = CHANNELS[channel].example
    assert main(["users", "enrol", "Ada", str(tmp_path / "ada.jpg"), "--consent-by", "Ada",
                 f"--{channel}", address]) == 0
    assert json.loads(sent["contacts"]) == [{"channel": channel, "address": address}]
    assert capsys.readouterr().out == "1  Ada\n"
