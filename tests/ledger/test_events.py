"""Events of the ledger: in order, none missed, none twice, whatever happens to the reader."""

from collections.abc import Callable

import grpc
import pytest

from cloud.ledger.gateway.events import BlockEnd, ChannelEvent, Checkpoint
from cloud.ledger.gateway.failures import GatewayError
from tests.support.ground import SETTLE_S, Client, Ground, Listener, killed, new_record


def transactions(items: list[ChannelEvent | BlockEnd]) -> list[str]:
    return [item.transaction for item in items if isinstance(item, ChannelEvent)]


def write_together(client: Client, count: int) -> list[str]:
    """Records that share a block where they can; their transactions in the order of the chain."""
    before = len(client.chain())
    all_of_them = [client.endorse("Record", *new_record()) for _ in range(count)]
    for endorsed in all_of_them:
        client.submit(endorsed)
    for endorsed in all_of_them:
        client.settle(endorsed)
    return client.valid(before)


def test_event_carries_what_was_stored(guarded: Client, police: Client) -> None:
    listener = Listener(police, police.newest())
    args = new_record("critical")
    record, commit = guarded.write("Record", *args)
    acknowledged, later = police.write("Acknowledge", args[0])
    items = listener.until(record.transaction, acknowledged.transaction)
    listener.close()
    genesis = police.newest().genesis
    assert items == [
        ChannelEvent(commit.block, record.transaction, "recorded", record.result,
                     Checkpoint(genesis, commit.block, record.transaction)),
        BlockEnd(commit.block, Checkpoint(genesis, commit.block + 1)),
        ChannelEvent(later.block, acknowledged.transaction, "acknowledged", acknowledged.result,
                     Checkpoint(genesis, later.block, acknowledged.transaction)),
        BlockEnd(later.block, Checkpoint(genesis, later.block + 1)),
    ]


def test_whole_channel_is_read_from_its_first_block(guarded: Client, police: Client) -> None:
    newest, _ = guarded.write("Record", *new_record())
    listener = Listener(police, None)
    items = listener.until(newest.transaction)
    listener.close()
    seen = transactions(items)
    assert len(seen) == len(set(seen))
    written = police.valid()
    assert seen == [transaction for transaction in written if transaction in set(seen)]
    ends = [item.block for item in items if isinstance(item, BlockEnd)]
    assert ends == sorted(set(ends))


def test_from_each_checkpoint_just_the_rest_comes(recorder: Client) -> None:
    start = recorder.newest()
    written = write_together(recorder, 5)
    listener = Listener(recorder, start)
    items = listener.until(*written)
    listener.close()
    assert transactions(items) == written
    assert len({item.block for item in items}) < len(written)  # some shared a block, so there is an inside of a block
    for place, item in enumerate(items, start=1):
        later, _ = recorder.write("Record", *new_record())
        resumed = Listener(recorder, item.checkpoint)
        rest = resumed.until(later.transaction)
        resumed.close()
        assert rest[:len(items) - place] == items[place:], item
        assert all(other.block > items[-1].block for other in rest[len(items) - place:])


def test_what_happens_while_nobody_listens_comes_later(recorder: Client) -> None:
    first, _ = recorder.write("Record", *new_record())
    listener = Listener(recorder, Checkpoint(recorder.newest().genesis, recorder.newest().block - 1))
    mark = listener.until(first.transaction)[-1].checkpoint
    listener.close()
    written = write_together(recorder, 3)
    listener = Listener(recorder, mark)
    assert transactions(listener.until(*written)) == written
    listener.close()


def test_transaction_without_effect_has_no_event(recorder: Client) -> None:
    start, args = recorder.newest(), new_record()
    twice = [recorder.endorse("Record", *args) for _ in range(2)]
    for endorsed in twice:
        recorder.submit(endorsed)
    states = {recorder.status(endorsed).name: endorsed.transaction for endorsed in twice}
    recorder.write("Record", *args)  # again the same: valid, nothing written, nothing announced
    last, _ = recorder.write("Record", *new_record())
    listener = Listener(recorder, start)
    assert transactions(listener.until(last.transaction)) == [states["VALID"], last.transaction]
    listener.close()


def test_close_ends_a_waiting_reader(police: Client) -> None:
    listener = Listener(police, police.newest())
    listener.close()
    with pytest.raises(StopIteration):
        listener.take()


def test_checkpoint_of_another_ledger_is_refused(recorder: Client, police: Client) -> None:
    other = recorder.newest()
    listener = Listener(police, Checkpoint(other.genesis, 0))
    with pytest.raises(GatewayError) as caught:
        listener.take()
    listener.close()
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert not caught.value.retry
    assert other.genesis in caught.value.message
    assert police.newest().genesis in caught.value.message


def test_checkpoint_with_an_unknown_transaction_is_an_error_not_silence(recorder: Client) -> None:
    _, commit = recorder.write("Record", *new_record())
    listener = Listener(recorder, Checkpoint(recorder.newest().genesis, commit.block, "ab" * 32))
    with pytest.raises(GatewayError) as caught:
        listener.take()
    listener.close()
    assert "ab" * 32 in caught.value.message
    assert not caught.value.retry


def test_stream_survives_the_death_of_its_peer(
    ground: Ground, guarded: Client, police: Client, member: Callable[..., Client]
) -> None:
    start = police.newest()
    listener = Listener(police, start)
    written = [guarded.write("Record", *new_record())[0].transaction for _ in range(3)]
    items = listener.until(*written)
    with killed(ground, "peer-police"):  # the first of the police's profile: the one that serves the stream
        during = [guarded.write("Record", *new_record())[0].transaction for _ in range(3)]
        items += listener.until(*during)
    after = [guarded.write("Record", *new_record())[0].transaction for _ in range(3)]
    with killed(ground, "peer-campus"):
        items += listener.until(*after)
    listener.close()
    assert transactions(items) == written + during + after
    alone = member("police", "listener", "police", peers=("PoliceMSP",))
    resumed = Listener(alone, items[len(items) // 2].checkpoint)
    assert transactions(resumed.until(after[-1])) == transactions(items[len(items) // 2 + 1:])
    resumed.close()


def test_stream_waits_for_its_only_peer(ground: Ground, guarded: Client, member: Callable[..., Client]) -> None:
    alone = member("police", "listener", "police", peers=("PoliceMSP",))
    listener = Listener(alone, alone.newest())
    with killed(ground, "peer-police"):
        during, _ = guarded.write("Record", *new_record())
    assert transactions(listener.until(during.transaction)) == [during.transaction]
    after, _ = guarded.write("Record", *new_record())
    item = listener.take(SETTLE_S)
    assert isinstance(item, ChannelEvent)
    assert item.transaction == after.transaction
    listener.close()
