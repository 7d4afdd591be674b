"""What pages and health say of the connection."""

from police.link import SETTLED_S, ChannelLink


class Seconds:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_it_is_cut_off_until_a_peer_answers_and_again_when_none_does():
    link = ChannelLink()
    assert link.state().problem and link.state().height is None
    link.answered(5)
    assert link.state().problem == "" and link.state().height == 5
    link.cut_off("no peer")
    first = link.state()
    link.cut_off("still none")
    assert link.state().problem == "still none" and link.state().since == first.since
    assert link.state().height == 5, "what was known last"


def test_a_refusal_outlives_answers_and_cuts_until_a_stream_stays_open():
    clock = Seconds()
    link = ChannelLink(clock)
    link.opened()
    link.refused("another channel")
    link.answered(5)
    link.cut_off("no peer")
    assert (link.state().problem, link.state().refused) == ("another channel", True)
    link.opened()
    link.answered(6)
    assert link.state().refused, "it may be refused again in a moment"
    clock.at += SETTLED_S
    link.answered(7)
    assert link.state().problem == "" and not link.state().refused


def test_reading_lifts_everything():
    link = ChannelLink()
    link.refused("another channel")
    link.reading()
    assert link.state().problem == "" and not link.state().refused
