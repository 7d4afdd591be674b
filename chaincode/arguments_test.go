package main

import (
	"strings"
	"testing"
)

func TestEachArgumentIsHeldToItsForm(t *testing.T) {
	good := map[string][]string{"Record": record[1:], "RecordBatch": batch[1:], "Get": {incident}, "GetBatch": {incident},
		"Acknowledge": {incident}, "History": {incident}}
	bad := map[string][]string{
		"id": {"", "x", strings.ToUpper(incident), incident + "\n", " " + incident[1:], strings.ReplaceAll(incident, "-", "a"),
			incident[:35], incident + "0", "../" + incident[3:], incident[:35] + "\x00", incident[:34] + "\u00e9", incident[:35] + "\xff"},
		"commitment":     {"", hashA[:63], hashA + "0", strings.ToUpper(hashA), hashA[:63] + "g", hashA[:63] + "\n", "0x" + hashA[2:]},
		"root":           {"", hashA[:63], hashA + "0", strings.ToUpper(hashA)},
		"schema version": {"", "0", "2", "01", "1 ", "1.0", "\u0661"},
		"severity":       {"", "High", "none", "high ", "high\n", "lowmedium", "criticall"},
		"leaves":         {"", "0", "-1", "+1", "01", "1000001", "1e3", "1 ", "1_0", "9999999", "99999999999999999999", "\u0661"},
	}
	seen := 0
	for name, called := range functions {
		for index, wanted := range called.parameters {
			for _, value := range bad[wanted.name] {
				arguments := append([]string{name}, good[name]...)
				arguments[index+1] = value
				// Bad arguments are told to anybody: the form of a call is no secret.
				got := newChannel("general").call(t, nil, arguments...)
				wantFailure(t, got, "BADARGS: ", "the "+wanted.name, wanted.allowed, "in "+name)
				if len(value) > 8 && strings.Contains(got.message, value) {
					t.Errorf("%q repeats what was sent", got.message)
				}
				seen++
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d bad arguments were tried", seen)
	}
}

func TestTheNumberOfArgumentsIsExact(t *testing.T) {
	for name, called := range functions {
		for _, count := range []int{0, len(called.parameters) - 1, len(called.parameters) + 1, 100} {
			if count == len(called.parameters) {
				continue
			}
			call := append([]string{name}, make([]string, count)...)
			wantFailure(t, newChannel("general").call(t, nil, call...), "BADARGS: ", "are wanted: id", "in "+name)
		}
	}
}

func TestUnknownFunctionsAreNamedNeverRepeated(t *testing.T) {
	for _, name := range []string{"", "record", "Delete", "Init", "Jane Doe fell at the pool", "\xff\xfe", strings.Repeat("x", 1<<20)} {
		got := newChannel("general").call(t, nil, name)
		wantFailure(t, got, "BADARGS: ", "Record, RecordBatch, Get, GetBatch, Acknowledge, History")
		if len(got.message) > 200 || len(name) > 6 && strings.Contains(got.message, name) {
			t.Errorf("%.300q repeats what was sent", got.message)
		}
	}
	wantFailure(t, newChannel("general").call(t, nil), "BADARGS: ", "no function was named")
}

func TestTheLargestNumbersAreTaken(t *testing.T) {
	campus := newAuthority(t, "CampusMSP").creator(t, "recorder")
	for _, count := range []string{"1", "10", "999999", "1000000"} {
		got := newChannel("general").call(t, campus, "RecordBatch", incident, hashA, count, "1")
		if got.status != 200 || !strings.Contains(got.payload, `"leaves":`+count+",") {
			t.Errorf("%s leaves: %+v", count, got)
		}
	}
}
