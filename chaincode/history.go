package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Event is one thing that happened to a record; time is the transaction's own, as its client gave it.
type Event struct {
	Entry       any    `json:"entry"`
	Kind        string `json:"kind"`
	Time        int64  `json:"time"`
	Transaction string `json:"transaction"`
}

// history tells what happened to a record, oldest first: the record itself, then its acknowledgements by their time.
// Clocks differ between organisations, so an acknowledgement stays behind its record whatever its time says.
func history(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error) {
	events, err := keyHistory(stub, recordKey(arguments[0]), "record", func() any { return new(Record) })
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, noRecord(stub, arguments[0])
	}
	keys, err := acknowledgementKeys(stub, arguments[0])
	if err != nil {
		return nil, err
	}
	var acknowledgements []Event
	for _, key := range keys {
		more, err := keyHistory(stub, key, "acknowledgement", func() any { return new(Acknowledgement) })
		if err != nil {
			return nil, err
		}
		acknowledgements = append(acknowledgements, more...)
	}
	slices.SortStableFunc(acknowledgements, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
	return json.Marshal(append(events, acknowledgements...))
}

// acknowledgementKeys reads a range, which is safe only because History writes nothing: a range read in a writing
// transaction is invalidated by any key that is added to it meanwhile.
func acknowledgementKeys(stub shim.ChaincodeStubInterface, id string) (keys []string, err error) {
	prefix := acknowledgementsPrefix(id)
	end := prefix[:len(prefix)-1] + "\x7f" // the character after the prefix's ~
	found, err := stub.GetStateByRange(prefix, end)
	if err != nil {
		return nil, fmt.Errorf("the peer could not list the acknowledgements of %s: %w", id, err)
	}
	defer found.Close()
	for found.HasNext() {
		next, err := found.Next()
		if err != nil {
			return nil, fmt.Errorf("the peer could not list the acknowledgements of %s: %w", id, err)
		}
		keys = append(keys, next.GetKey())
	}
	return keys, nil
}

// keyHistory gives all values a key ever had, oldest first (the peer tells them newest first).
func keyHistory(stub shim.ChaincodeStubInterface, key, kind string, newEntry func() any) ([]Event, error) {
	found, err := stub.GetHistoryForKey(key)
	if err != nil {
		return nil, fmt.Errorf("the peer has no history of %s: %w", key, err)
	}
	defer found.Close()
	var events []Event
	for found.HasNext() {
		next, err := found.Next()
		if err != nil {
			return nil, fmt.Errorf("the peer has no history of %s: %w", key, err)
		}
		entry := newEntry()
		if err := json.Unmarshal(next.GetValue(), entry); err != nil {
			return nil, fmt.Errorf("what was stored under %s is not an entry of this contract: %w", key, err)
		}
		events = append(events, Event{entry, kind, next.GetTimestamp().GetSeconds(), next.GetTxId()})
	}
	slices.Reverse(events)
	return events, nil
}
