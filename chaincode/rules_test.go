package main

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

var (
	record = []string{"Record", incident, hashA, "1", "high"}
	batch  = []string{"RecordBatch", incident, hashA, "12", "1"}
)

func TestWhoMayRecord(t *testing.T) {
	for _, test := range []struct {
		channel, msp, role string
		words              []string // of the refusal; none: allowed
	}{
		{"general", "CampusMSP", "recorder", nil},
		{"police", "CampusSecMSP", "recorder", nil},
		{"general", "CampusSecMSP", "recorder", []string{"CampusSecMSP", "channel general", "only CampusMSP"}},
		{"police", "CampusMSP", "recorder", []string{"CampusMSP", "channel police", "only CampusSecMSP"}},
		{"general", "PoliceMSP", "recorder", []string{"only CampusMSP"}},
		{"police", "PoliceMSP", "recorder", []string{"only CampusSecMSP"}},
		{"general", "CampusMSP", "police", []string{"another sentrybox.role", "recorder is wanted"}},
		{"general", "CampusMSP", "Recorder", []string{"another sentrybox.role"}},
		{"general", "CampusMSP", "recorder ", []string{"another sentrybox.role"}},
		{"general", "CampusMSP", "", []string{"no attribute sentrybox.role", "recorder is wanted"}},
		{"police", "CampusSecMSP", "", []string{"no attribute sentrybox.role"}},
		{"somewhere", "CampusMSP", "recorder", []string{"nobody records on this channel", "general and police"}},
		{"", "CampusMSP", "recorder", []string{"nobody records on this channel"}},
		{"General", "CampusMSP", "recorder", []string{"nobody records on this channel"}},
	} {
		for _, call := range [][]string{record, batch} {
			t.Run(fmt.Sprint(test.channel, test.msp, test.role, call[0]), func(t *testing.T) {
				got := newChannel(test.channel).call(t, newAuthority(t, test.msp).creator(t, test.role), call...)
				if test.words != nil {
					wantFailure(t, got, "FORBIDDEN: ", test.words...)
				} else if got.status != 200 || len(got.writes) != 1 || len(got.events) != 1 {
					t.Errorf("got %+v", got)
				}
			})
		}
	}
}

func TestARefusedCallerLearnsNothingOfAnotherRecord(t *testing.T) {
	general := newChannel("general")
	general.call(t, newAuthority(t, "CampusMSP").creator(t, "recorder"), record...)
	reader := newAuthority(t, "CampusMSP").creator(t, "")
	wantFailure(t, general.call(t, reader, "Record", incident, hashB, "1", "low"), "FORBIDDEN: ")
}

func TestWhoMayAcknowledge(t *testing.T) {
	for _, test := range []struct {
		msp, role string
		words     []string
	}{
		{"PoliceMSP", "police", nil},
		{"SecondPoliceMSP", "police", nil},
		{"PoliceMSP", "recorder", []string{"another sentrybox.role", "police is wanted"}},
		{"PoliceMSP", "", []string{"no attribute sentrybox.role"}},
		{"CampusMSP", "police", []string{"CampusMSP records, so it does not acknowledge"}},
		{"CampusSecMSP", "police", []string{"CampusSecMSP records, so it does not acknowledge"}},
		{"CampusMSP", "recorder", []string{"another sentrybox.role"}},
	} {
		t.Run(test.msp+test.role, func(t *testing.T) {
			police := newChannel("police")
			police.call(t, newAuthority(t, "CampusSecMSP").creator(t, "recorder"), record...)
			got := police.call(t, newAuthority(t, test.msp).creator(t, test.role), "Acknowledge", incident)
			if test.words != nil {
				wantFailure(t, got, "FORBIDDEN: ", test.words...)
				return
			}
			wantWrite(t, got, "ack~"+incident+"~"+test.msp, "acknowledged",
				fmt.Sprintf(`{"id":"%s","msp":"%s","transaction":"%s"}`, incident, test.msp, got.transaction))
		})
	}
}

func TestAnyMemberMayRead(t *testing.T) {
	police := newChannel("police")
	campusSec := newAuthority(t, "CampusSecMSP").creator(t, "recorder")
	police.call(t, campusSec, record...)
	police.call(t, campusSec, batch...)
	reader := newAuthority(t, "OtherMSP").creator(t, "")
	for _, function := range []string{"Get", "GetBatch", "History"} {
		if got := police.call(t, reader, function, incident); got.status != 200 || len(got.writes)+len(got.events) != 0 {
			t.Errorf("%s: %+v", function, got)
		}
	}
}

func TestStrangeCallersAreForbidden(t *testing.T) {
	campus := newAuthority(t, "CampusMSP")
	attribute := asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}
	callers := map[string][]byte{
		"no creator":             nil,
		"no protobuf":            []byte("\xff\xff\xff\xff"),
		"no certificate":         serialized(t, "CampusMSP", []byte("a name")),
		"broken certificate":     serialized(t, "CampusMSP", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})),
		"attributes not JSON":    campus.creatorWith(t, pkix.Extension{Id: attribute, Value: []byte("sentrybox.role=recorder")}),
		"role in another case":   campus.creatorWith(t, pkix.Extension{Id: attribute, Value: []byte(`{"attrs":{"Sentrybox.Role":"recorder"}}`)}),
		"role beside attributes": campus.creatorWith(t, pkix.Extension{Id: attribute, Value: []byte(`{"sentrybox.role":"recorder"}`)}),
		"role not text":          campus.creatorWith(t, pkix.Extension{Id: attribute, Value: []byte(`{"attrs":{"sentrybox.role":["recorder"]}}`)}),
		"another extension":      campus.creatorWith(t, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 2}, Value: []byte(`{"attrs":{"sentrybox.role":"recorder"}}`)}),
		"no extension":           campus.creatorWith(t),
	}
	for name, caller := range callers {
		t.Run(name, func(t *testing.T) {
			for _, call := range [][]string{record, batch, {"Acknowledge", incident}} {
				wantFailure(t, newChannel("general").call(t, caller, call...), "FORBIDDEN: ")
			}
		})
	}
}

func TestAnOrganisationsNameIsPlain(t *testing.T) {
	for _, name := range []string{"", "Police~MSP", "Police MSP", `Police"MSP`, "Police\nMSP", "Polizei\u00dfMSP", strings.Repeat("M", 65)} {
		general := newChannel("general")
		general.call(t, newAuthority(t, "CampusMSP").creator(t, "recorder"), record...)
		wantFailure(t, general.call(t, newAuthority(t, name).creator(t, "police"), "Acknowledge", incident),
			"FORBIDDEN: ", "letters, digits, dots and dashes")
	}
}

func TestAPeerThatDoesNotSayWhoCallsIsRefused(t *testing.T) {
	general := newChannel("general")
	general.broken = "GetCreator"
	wantFailure(t, general.call(t, newAuthority(t, "CampusMSP").creator(t, "recorder"), record...), "FORBIDDEN: ")
}
