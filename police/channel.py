"""The police channel as its member sees it: its events, its height, and our word about a record."""

import json
from typing import NamedTuple

from cloud.ledger.gateway.blocks import chain_info
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.events import Checkpoint, EventStream
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import Identity
from contract.policy import POLICE
from police.link import ChannelLink

CHANNEL = POLICE
SETTLE_S = 10.0
"""How long one try of an acknowledgement may take, in seconds: less than the patience of whoever stops the process."""


class Word(NamedTuple):
    """A transaction with our Acknowledge, ready to be sent. `standing`: the transaction that said it already, or ""."""

    transaction: str
    envelope: bytes
    standing: str = ""


class Channel(NamedTuple):
    """Every call raises GatewayError."""

    gateway: Gateway
    identity: Identity
    chaincode: str

    def events(self, checkpoint: Checkpoint | None) -> EventStream:
        """Return all events after the checkpoint; None: from the first block on."""
        return EventStream(self.gateway, self.identity, CHANNEL, self.chaincode, checkpoint)

    def word(self, record: str) -> Word:
        """Have our Acknowledge of a record endorsed and signed; nothing is sent."""
        made = self.gateway.endorse(self.identity, CHANNEL, self.chaincode, "Acknowledge", record)
        stored = json.loads(made.result)["transaction"]
        return Word(made.transaction, made.envelope, "" if stored == made.transaction else stored)

    def send(self, transaction: str, envelope: bytes) -> int:
        """Bring that very transaction into a block; return the block's number."""
        return self.gateway.settle(self.identity, CHANNEL, transaction, envelope, SETTLE_S).block

    def watch(self, link: ChannelLink) -> int:
        """Ask a peer how far the channel is, and note whether one answers. 0: never more to do at once."""
        try:
            link.answered(chain_info(self.gateway, self.identity, CHANNEL).height)
        except GatewayError as error:
            link.cut_off(error.message)
        return 0
