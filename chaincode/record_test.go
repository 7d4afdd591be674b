package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const incident = "01939c2a-7f00-7abc-8def-0123456789ab"

var (
	hashA = strings.Repeat("ab", 32)
	hashB = strings.Repeat("0c", 32)
)

func wantWrite(t *testing.T, got outcome, key, event, value string) {
	t.Helper()
	want := outcome{status: 200, payload: value, writes: map[string]string{key: value},
		events: map[string]string{event: value}, transaction: got.transaction}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func wantRead(t *testing.T, got outcome, value string) {
	t.Helper()
	if got.status != 200 || got.payload != value || len(got.writes)+len(got.events) != 0 {
		t.Fatalf("got %+v, want status 200, no write, no event and\n%s", got, value)
	}
}

// wantFailure also sees to it that a failed call has written and told nothing, whatever the peer would do with it.
func wantFailure(t *testing.T, got outcome, code string, words ...string) {
	t.Helper()
	if got.status != 500 || !strings.HasPrefix(got.message, code) || len(got.writes)+len(got.events) != 0 || got.payload != "" {
		t.Fatalf("got %+v, want status 500, %q, no payload, no write and no event", got, code)
	}
	for _, word := range words {
		if !strings.Contains(got.message, word) {
			t.Errorf("%q does not say %q", got.message, word)
		}
	}
}

func TestARecordIsWrittenOnce(t *testing.T) {
	general, campus := newChannel("general"), newAuthority(t, "CampusMSP").creator(t, "recorder")
	first := general.call(t, campus, "Record", incident, hashA, "1", "high")
	value := fmt.Sprintf(`{"commitment":"%s","id":"%s","msp":"CampusMSP","schema_version":1,"severity":"high","transaction":"%s"}`,
		hashA, incident, first.transaction)
	wantWrite(t, first, "inc~"+incident, "recorded", value)
	wantRead(t, general.call(t, campus, "Record", incident, hashA, "1", "high"), value)
	wantRead(t, general.call(t, campus, "Get", incident), value)
	wantFailure(t, general.call(t, campus, "Record", incident, hashB, "1", "high"), "CONFLICT: ", incident, first.transaction)
	wantFailure(t, general.call(t, campus, "Record", incident, hashA, "1", "low"), "CONFLICT: ")
	wantRead(t, general.call(t, campus, "Get", incident), value)
}

func TestABatchIsWrittenOnce(t *testing.T) {
	police, campusSec := newChannel("police"), newAuthority(t, "CampusSecMSP").creator(t, "recorder")
	first := police.call(t, campusSec, "RecordBatch", incident, hashB, "1000000", "1")
	value := fmt.Sprintf(`{"id":"%s","leaves":1000000,"msp":"CampusSecMSP","root":"%s","schema_version":1,"transaction":"%s"}`,
		incident, hashB, first.transaction)
	wantWrite(t, first, "batch~"+incident, "batch", value)
	wantRead(t, police.call(t, campusSec, "RecordBatch", incident, hashB, "1000000", "1"), value)
	wantRead(t, police.call(t, campusSec, "GetBatch", incident), value)
	wantFailure(t, police.call(t, campusSec, "RecordBatch", incident, hashA, "1000000", "1"), "CONFLICT: ", incident)
	wantFailure(t, police.call(t, campusSec, "RecordBatch", incident, hashB, "999999", "1"), "CONFLICT: ", first.transaction)
}

func TestRecordsAndBatchesDoNotMeet(t *testing.T) {
	general, campus := newChannel("general"), newAuthority(t, "CampusMSP").creator(t, "recorder")
	general.call(t, campus, "Record", incident, hashA, "1", "low")
	wantFailure(t, general.call(t, campus, "GetBatch", incident), "NOTFOUND: ", "batch", incident, "general")
	general.call(t, campus, "RecordBatch", incident, hashA, "1", "1")
	if len(general.state) != 2 {
		t.Errorf("state has %d keys, want 2", len(general.state))
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	general, police := newChannel("general"), newAuthority(t, "PoliceMSP").creator(t, "police")
	for _, function := range []string{"Get", "GetBatch", "Acknowledge", "History"} {
		wantFailure(t, general.call(t, police, function, incident), "NOTFOUND: ", incident, "channel general")
	}
}

func TestThePeersTroubleHasNoCode(t *testing.T) {
	campus, police := newAuthority(t, "CampusMSP").creator(t, "recorder"), newAuthority(t, "PoliceMSP").creator(t, "police")
	record := []string{"Record", incident, hashA, "1", "low"}
	for _, test := range []struct {
		broken    string
		creator   []byte
		arguments []string
	}{
		{"GetState", campus, record}, {"GetState", campus, []string{"RecordBatch", incident, hashA, "3", "1"}},
		{"GetState", campus, []string{"Get", incident}}, {"GetState", campus, []string{"GetBatch", incident}},
		{"GetState", police, []string{"Acknowledge", incident}},
		{"GetHistoryForKey", police, []string{"History", incident}}, {"NextHistory", police, []string{"History", incident}},
		{"GetStateByRange", police, []string{"History", incident}}, {"Next", police, []string{"History", incident}},
	} {
		t.Run(test.broken+" "+test.arguments[0], func(t *testing.T) {
			general := newChannel("general")
			general.call(t, campus, record...)
			general.call(t, police, "Acknowledge", incident)
			general.broken = test.broken
			wantFailure(t, general.call(t, test.creator, test.arguments...), "the peer ", incident, "out of order")
		})
	}
}

func TestAPeerThatCannotWriteMakesTheCallFail(t *testing.T) {
	for _, broken := range []string{"PutState", "SetEvent"} {
		general, campus := newChannel("general"), newAuthority(t, "CampusMSP").creator(t, "recorder")
		general.broken = broken
		got := general.call(t, campus, "Record", incident, hashA, "1", "low")
		if got.status != 500 || !strings.HasPrefix(got.message, "the peer could not take ") {
			t.Errorf("%s: got %+v", broken, got)
		}
	}
}

func TestForeignStateIsNamed(t *testing.T) {
	general, campus := newChannel("general"), newAuthority(t, "CampusMSP").creator(t, "recorder")
	general.state["inc~"+incident] = []byte("not ours")
	for _, call := range [][]string{{"Get", incident}, {"Record", incident, hashA, "1", "low"}} {
		wantFailure(t, general.call(t, campus, call...), "what is stored under inc~"+incident)
	}
}

func TestInitHasNothingToDo(t *testing.T) {
	if response := (Contract{}).Init(nil); response.GetStatus() != 200 {
		t.Errorf("status %d", response.GetStatus())
	}
}
