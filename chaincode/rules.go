package main

import (
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Who may write. Any member of a channel may read: the peer has checked that before it asks us.

const roleAttribute = "sentrybox.role"

// recorders says which organisation records on which channel; on any other channel nobody does. The police channel's
// writer has an MSP of its own because a channel's policies cannot tell one campus client from another.
var recorders = map[string]string{"general": "CampusMSP", "police": "CampusSecMSP"}

// An organisation's name becomes part of keys and values, so it is held to plain characters.
var plainMSP = matches(`[A-Za-z0-9.-]{1,64}`)

// recorder gives the caller's organisation if it may record on this channel.
func recorder(stub shim.ChaincodeStubInterface) (string, error) {
	wanted, recording := recorders[stub.GetChannelID()]
	if !recording {
		return "", forbidden("nobody records on this channel: records go on the channels general and police")
	}
	msp, err := callerWith(stub, "recorder")
	if err != nil {
		return "", err
	}
	if msp != wanted {
		return "", forbidden("%s does not record on channel %s: only %s does", msp, stub.GetChannelID(), wanted)
	}
	return msp, nil
}

// acknowledger gives the caller's organisation if it may acknowledge. The campus's own CAs could issue the role police
// to anybody, so its organisations are refused whatever their certificates say.
func acknowledger(stub shim.ChaincodeStubInterface) (string, error) {
	msp, err := callerWith(stub, "police")
	if err != nil {
		return "", err
	}
	for _, campus := range recorders {
		if msp == campus {
			return "", forbidden("%s records, so it does not acknowledge: that is for the police organisations", msp)
		}
	}
	return msp, nil
}

// callerWith gives the caller's organisation if its certificate carries the role.
func callerWith(stub shim.ChaincodeStubInterface, role string) (string, error) {
	caller, err := cid.New(stub)
	if err != nil {
		return "", forbidden("the caller's identity cannot be read: an X.509 certificate in PEM is wanted")
	}
	msp, err := caller.GetMSPID()
	if err != nil || !plainMSP(msp) {
		return "", forbidden("the caller's organisation must have a name of letters, digits, dots and dashes, at most 64")
	}
	value, found, err := caller.GetAttributeValue(roleAttribute)
	switch {
	case err != nil || !found:
		return "", forbidden("the caller's certificate from %s has no attribute %s; %s is wanted", msp, roleAttribute, role)
	case value != role:
		return "", forbidden("the caller's certificate from %s has another %s; %s is wanted", msp, roleAttribute, role)
	}
	return msp, nil
}
