package main

import (
	"encoding/json"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Batch is the Merkle root (RFC 6962) over many records that are themselves kept elsewhere.
type Batch struct {
	ID            string `json:"id"`
	Leaves        int    `json:"leaves"`
	MSP           string `json:"msp"`
	Root          string `json:"root"`
	SchemaVersion int    `json:"schema_version"`
	Transaction   string `json:"transaction"`
}

func batchKey(id string) string { return "batch~" + id }

// putBatch writes a batch once, by the rules of putRecord.
func putBatch(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error) {
	msp, err := recorder(stub)
	if err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(arguments[2])
	if err != nil {
		return nil, badArguments("the number of leaves: %w", err)
	}
	wanted := Batch{ID: arguments[0], Root: arguments[1], Leaves: count, SchemaVersion: 1,
		MSP: msp, Transaction: stub.GetTxID()}
	var stored Batch
	switch found, err := read(stub, batchKey(wanted.ID), &stored); {
	case err != nil:
		return nil, err
	case !found:
		return write(stub, batchKey(wanted.ID), "batch", wanted)
	case stored.Root != wanted.Root || stored.Leaves != wanted.Leaves || stored.SchemaVersion != wanted.SchemaVersion:
		return nil, conflict("batch %s stands with other content, written by transaction %s", stored.ID, stored.Transaction)
	}
	return json.Marshal(stored)
}

func getBatch(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error) {
	var stored Batch
	found, err := read(stub, batchKey(arguments[0]), &stored)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("channel %s has no batch %s", stub.GetChannelID(), arguments[0])
	}
	return json.Marshal(stored)
}
