package main

import (
	"encoding/json"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Record is one incident's commitment. Who wrote it, and in which transaction, is said with it.
type Record struct {
	Commitment    string `json:"commitment"`
	ID            string `json:"id"`
	MSP           string `json:"msp"`
	SchemaVersion int    `json:"schema_version"`
	Severity      string `json:"severity"`
	Transaction   string `json:"transaction"`
}

func recordKey(id string) string { return "inc~" + id }

// putRecord writes a record once. The same again gives what is stored and writes nothing; anything else under the same
// id is a conflict.
func putRecord(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error) {
	msp, err := recorder(stub)
	if err != nil {
		return nil, err
	}
	wanted := Record{ID: arguments[0], Commitment: arguments[1], SchemaVersion: 1, Severity: arguments[3],
		MSP: msp, Transaction: stub.GetTxID()}
	var stored Record
	switch found, err := read(stub, recordKey(wanted.ID), &stored); {
	case err != nil:
		return nil, err
	case !found:
		return write(stub, recordKey(wanted.ID), "recorded", wanted)
	case stored.Commitment != wanted.Commitment || stored.Severity != wanted.Severity ||
		stored.SchemaVersion != wanted.SchemaVersion:
		return nil, conflict("record %s stands with other content, written by transaction %s", stored.ID, stored.Transaction)
	}
	return json.Marshal(stored)
}

func getRecord(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error) {
	var stored Record
	found, err := read(stub, recordKey(arguments[0]), &stored)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, noRecord(stub, arguments[0])
	}
	return json.Marshal(stored)
}

func noRecord(stub shim.ChaincodeStubInterface, id string) error {
	return notFound("channel %s has no record %s", stub.GetChannelID(), id)
}
