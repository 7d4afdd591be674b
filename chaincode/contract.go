package main

import (
	"fmt"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// Contract answers the peer. It holds nothing: all state is the channel's.
type Contract struct{}

// function is one thing a client may call: its arguments in order, and what it does with them once they are valid.
type function struct {
	parameters []parameter
	run        func(stub shim.ChaincodeStubInterface, arguments []string) ([]byte, error)
}

var functions = map[string]function{
	"Record":      {[]parameter{id, commitment, schemaVersion, severity}, putRecord},
	"RecordBatch": {[]parameter{id, root, leaves, schemaVersion}, putBatch},
	"Get":         {[]parameter{id}, getRecord},
	"GetBatch":    {[]parameter{id}, getBatch},
	"Acknowledge": {[]parameter{id}, putAcknowledgement},
	"History":     {[]parameter{id}, history},
}

// Init has nothing to prepare.
func (Contract) Init(shim.ChaincodeStubInterface) *peer.Response {
	return shim.Success(nil)
}

// Invoke runs one function. A failure is status 500 and a message that begins with its code, see failure.go.
func (Contract) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	result, err := invoke(stub, stub.GetArgs())
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(result)
}

func invoke(stub shim.ChaincodeStubInterface, call [][]byte) ([]byte, error) {
	const names = "Record, RecordBatch, Get, GetBatch, Acknowledge, History"
	if len(call) == 0 {
		return nil, badArguments("no function was named; there are %s", names)
	}
	// What was sent is never repeated in a message: it may be anything, a name too, and messages end up in logs.
	called, known := functions[string(call[0])]
	if !known {
		return nil, badArguments("there is no such function; there are %s", names)
	}
	arguments, err := checked(called.parameters, call[1:])
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, call[0])
	}
	return called.run(stub, arguments)
}
