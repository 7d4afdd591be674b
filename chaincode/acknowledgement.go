package main

import (
	"encoding/json"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Acknowledgement is a police organisation's word that it has seen a record. There is one per record and organisation.
type Acknowledgement struct {
	ID          string `json:"id"`
	MSP         string `json:"msp"`
	Transaction string `json:"transaction"`
}

func acknowledgementsPrefix(id string) string { return "ack~" + id + "~" }

// putAcknowledgement writes it once; the same again gives what is stored and writes nothing.
func putAcknowledgement(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error) {
	msp, err := acknowledger(stub)
	if err != nil {
		return nil, err
	}
	var record Record
	found, err := read(stub, recordKey(arguments[0]), &record)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, noRecord(stub, arguments[0])
	}
	key := acknowledgementsPrefix(record.ID) + msp
	var stored Acknowledgement
	found, err = read(stub, key, &stored)
	if err != nil {
		return nil, err
	}
	if !found {
		return write(stub, key, "acknowledged", Acknowledgement{ID: record.ID, MSP: msp, Transaction: stub.GetTxID()})
	}
	return json.Marshal(stored)
}
