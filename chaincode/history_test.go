package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestAnAcknowledgementIsWrittenOncePerOrganisation(t *testing.T) {
	police := newChannel("police")
	police.call(t, newAuthority(t, "CampusSecMSP").creator(t, "recorder"), record...)
	first, second := newAuthority(t, "PoliceMSP"), newAuthority(t, "SecondPoliceMSP")
	one := police.call(t, first.creator(t, "police"), "Acknowledge", incident)
	wantRead(t, police.call(t, first.creator(t, "police"), "Acknowledge", incident), one.payload)
	if two := police.call(t, second.creator(t, "police"), "Acknowledge", incident); two.payload == one.payload || len(two.writes) != 1 {
		t.Errorf("got %+v", two)
	}
}

func TestHistoryTellsTheOldestFirst(t *testing.T) {
	police, reader := newChannel("police"), newAuthority(t, "PoliceMSP").creator(t, "")
	recorded := police.call(t, newAuthority(t, "CampusSecMSP").creator(t, "recorder"), record...)
	event := func(value outcome, kind string, time int64) string {
		return fmt.Sprintf(`{"entry":%s,"kind":"%s","time":%d,"transaction":"%s"}`, value.payload, kind, time, value.transaction)
	}
	only := event(recorded, "record", 1_700_000_001)
	wantRead(t, police.call(t, reader, "History", incident), "["+only+"]")

	// By key, B comes before Z; by time Z acknowledged first.
	zed := police.call(t, newAuthority(t, "ZPolice").creator(t, "police"), "Acknowledge", incident)
	bee := police.call(t, newAuthority(t, "BPolice").creator(t, "police"), "Acknowledge", incident)
	all := "[" + only + "," + event(zed, "acknowledgement", 1_700_000_003) + "," + event(bee, "acknowledgement", 1_700_000_004) + "]"
	wantRead(t, police.call(t, reader, "History", incident), all)

	// Neighbours in the order of keys are not this record's acknowledgements.
	police.state["ack~"+incident+"\x7f"] = []byte("{}")
	police.state["ack~"+incident[:35]+"a~PoliceMSP"] = []byte("{}")
	wantRead(t, police.call(t, reader, "History", incident), all)
}

func TestAnAcknowledgementStaysBehindItsRecord(t *testing.T) {
	police := newChannel("police")
	police.call(t, newAuthority(t, "CampusSecMSP").creator(t, "recorder"), record...)
	police.clock -= 3600 // the police's clock is an hour behind
	caller := newAuthority(t, "PoliceMSP").creator(t, "police")
	acknowledged := police.call(t, caller, "Acknowledge", incident)
	got := police.call(t, caller, "History", incident).payload
	want := fmt.Sprintf(`"kind":"record","time":1700000001,"transaction":"%064x"},{"entry":%s,`, 1, acknowledged.payload)
	if !strings.Contains(got, want) {
		t.Errorf("%s\ndoes not have\n%s", got, want)
	}
}

func TestForeignHistoryIsNamed(t *testing.T) {
	police, reader := newChannel("police"), newAuthority(t, "PoliceMSP").creator(t, "")
	police.call(t, newAuthority(t, "CampusSecMSP").creator(t, "recorder"), record...)
	police.history["inc~"+incident][0].Value = nil // as after a deletion, which this contract has no way to make
	wantFailure(t, police.call(t, reader, "History", incident), "what was stored under inc~"+incident)
}
