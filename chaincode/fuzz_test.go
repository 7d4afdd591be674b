package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// The only shapes that may ever get into the state, spelled out again and apart from the code: key, event, value.
const (
	uuid    = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	sha     = `[0-9a-f]{64}`
	mspName = `[A-Za-z0-9.-]{1,64}`
)

var shapes = regexp.MustCompile(`^(` +
	`inc~` + uuid + ` recorded \{"commitment":"` + sha + `","id":"` + uuid + `","msp":"Campus(Sec)?MSP","schema_version":1,"severity":"(low|medium|high|critical)","transaction":"` + sha + `"\}` +
	`|batch~` + uuid + ` batch \{"id":"` + uuid + `","leaves":[1-9][0-9]{0,6},"msp":"Campus(Sec)?MSP","root":"` + sha + `","schema_version":1,"transaction":"` + sha + `"\}` +
	`|ack~` + uuid + `~` + mspName + ` acknowledged \{"id":"` + uuid + `","msp":"` + mspName + `","transaction":"` + sha + `"\}` +
	`)$`)

// examine holds one outcome to what must be true of every call, whatever was sent.
func examine(t *testing.T, got outcome) {
	t.Helper()
	if len(got.writes) > 1 || len(got.events) != len(got.writes) {
		t.Fatalf("%d writes and %d events", len(got.writes), len(got.events))
	}
	for key, value := range got.writes {
		for event, payload := range got.events {
			if !shapes.MatchString(key+" "+event+" "+value) || payload != value || got.payload != value {
				t.Fatalf("wrote %q = %q with event %q %q, answered %q", key, value, event, payload, got.payload)
			}
		}
	}
	if got.status == 200 && !json.Valid([]byte(got.payload)) {
		t.Fatalf("answered %q", got.payload)
	}
	if got.status != 200 && (got.status != 500 || len(got.message) > 300 || !utf8.ValidString(got.message) || len(got.writes) > 0) {
		t.Fatalf("failed with %+v", got)
	}
	// A text that is no UTF-8 would end the stream to the peer instead of one call.
	if _, err := proto.Marshal(&peer.Response{Message: got.message, Payload: []byte(got.payload)}); err != nil {
		t.Fatal(err)
	}
}

// FuzzInvoke calls any function with any arguments (separated by |) on a channel that already holds something.
func FuzzInvoke(f *testing.F) {
	for _, call := range [][]string{record, batch, {"Get", incident}, {"GetBatch", incident}, {"Acknowledge", incident},
		{"History", incident}, {"Record", incident, hashB, "1", "high"}, {"Record", "Jane Doe", "fell", "1", "high"}, {""},
		{"RecordBatch", incident, hashA, "1000001", "1"}, {"Record\x00", incident}, {"\xff\xfe", "\xc3\x28"}} {
		for caller := range byte(4) {
			f.Add(strings.Join(call, "|"), caller, caller%2 == 0)
		}
	}
	callers := [][]byte{newAuthority(f, "CampusMSP").creator(f, "recorder"), newAuthority(f, "CampusSecMSP").creator(f, "recorder"),
		newAuthority(f, "PoliceMSP").creator(f, "police"), newAuthority(f, "CampusMSP").creator(f, "police")}
	f.Fuzz(func(t *testing.T, call string, caller byte, empty bool) {
		on := newChannel([]string{"general", "police"}[caller>>2%2])
		if !empty {
			for _, creator := range callers {
				for _, before := range [][]string{record, batch, {"Acknowledge", incident}} {
					examine(t, on.call(t, creator, before...))
				}
			}
		}
		for range 2 {
			examine(t, on.call(t, callers[caller%4], strings.Split(call, "|")...))
		}
	})
}

// FuzzArguments fills in single arguments of a call that is right otherwise, so that it gets past the first checks.
func FuzzArguments(f *testing.F) {
	for _, text := range []string{incident, hashA, "1", "high", "1000000", "", "Jane Doe fell", "0", "\xff", incident + "\n", "\u0661"} {
		for position := range byte(9) {
			f.Add(position, text)
		}
	}
	campus, police := newAuthority(f, "CampusMSP").creator(f, "recorder"), newAuthority(f, "PoliceMSP").creator(f, "police")
	f.Fuzz(func(t *testing.T, position byte, text string) {
		general := newChannel("general")
		calls := append(append([]string{}, record...), batch...)
		calls[int(position)%len(calls)] = text
		examine(t, general.call(t, campus, calls[:len(record)]...))
		examine(t, general.call(t, campus, calls[len(record):]...))
		for _, function := range []string{"Get", "GetBatch", "Acknowledge", "History"} {
			examine(t, general.call(t, police, function, text))
		}
	})
}

// FuzzCreator lets anything call, under any organisation's name. Reading certificates does not always take the same way
// through the library, so give -fuzzminimizetime 5x: by default nearly all the time goes into making inputs smaller.
func FuzzCreator(f *testing.F) {
	certified := newAuthority(f, "PoliceMSP").creator(f, "police")
	f.Add(certified)
	f.Add(serialized(f, "Jane Doe", []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")))
	f.Add([]byte{})
	campus := newAuthority(f, "CampusMSP").creator(f, "recorder")
	f.Fuzz(func(t *testing.T, creator []byte) {
		general := newChannel("general")
		examine(t, general.call(t, campus, record...))
		for _, call := range [][]string{record, batch, {"Acknowledge", incident}, {"History", incident}} {
			examine(t, general.call(t, creator, call...))
		}
	})
}
