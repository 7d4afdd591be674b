// Sentrybox's smart contract: random ids, commitments and Merkle roots, and who acknowledged them. Nothing else.
//
// It runs as a service that the organisation's peer dials (chaincode as a service), under mutual TLS and under nothing
// less. Everything it is told comes by the environment; see settings.go.
package main

import (
	"fmt"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

func main() {
	settings, err := readSettings(os.Getenv)
	if err != nil {
		fmt.Fprintf(os.Stderr, "sentrybox-chaincode: %v\n", err)
		os.Exit(2)
	}
	server := &shim.ChaincodeServer{CCID: settings.id, Address: settings.address, CC: Contract{}, TLSProps: settings.tls}
	fmt.Fprintf(os.Stderr, "sentrybox-chaincode: serving %s on %s\n", settings.id, settings.address)
	if err := server.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "sentrybox-chaincode: cannot serve on %s: %v\n", settings.address, err)
		os.Exit(1)
	}
}
