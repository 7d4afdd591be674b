package main

import (
	"encoding/json"
	"fmt"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// What is stored, and answered, is JSON without spaces and with sorted keys: encoding/json writes fields in the order
// they have here, so keep it alphabetical. Values have no character that JSON or HTML escapes (arguments.go, rules.go).

// read fills entry from a key; absent keys leave it and say false.
func read(stub shim.ChaincodeStubInterface, key string, entry any) (bool, error) {
	stored, err := stub.GetState(key)
	if err != nil {
		return false, fmt.Errorf("the peer could not read %s: %w", key, err)
	}
	if len(stored) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(stored, entry); err != nil {
		return false, fmt.Errorf("what is stored under %s is not an entry of this contract: %w", key, err)
	}
	return true, nil
}

// write stores entry under key and tells the channel's listeners, by the one event that a transaction may have.
func write(stub shim.ChaincodeStubInterface, key, event string, entry any) ([]byte, error) {
	value, err := json.Marshal(entry)
	if err != nil {
		return nil, fmt.Errorf("%s could not be written as JSON: %w", key, err)
	}
	if err := stub.PutState(key, value); err != nil {
		return nil, fmt.Errorf("the peer could not take %s: %w", key, err)
	}
	if err := stub.SetEvent(event, value); err != nil {
		return nil, fmt.Errorf("the peer could not take the event %s: %w", event, err)
	}
	return value, nil
}
