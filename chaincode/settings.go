package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// settings is what the service is started with.
type settings struct {
	id, address string
	tls         shim.TLSProperties
}

// readSettings takes everything from the environment. Each thing that is missing or unusable is an error that names its
// variable: the shim itself would serve without asking for a client certificate when no client CA is given.
func readSettings(getenv func(string) string) (settings, error) {
	id, idErr := required(getenv, "CHAINCODE_ID", "the package id, as `peer lifecycle chaincode queryinstalled` prints it")
	address, addressErr := required(getenv, "CHAINCODE_SERVER_ADDRESS", "where to listen, as 127.0.0.1:9999")
	cert, certErr := file(getenv, "CHAINCODE_TLS_CERT", "the server's certificate")
	key, keyErr := file(getenv, "CHAINCODE_TLS_KEY", "the server's private key")
	clientCA, caErr := file(getenv, "CHAINCODE_TLS_CLIENT_CA", "the CA whose clients may connect")
	if err := errors.Join(idErr, addressErr, certErr, keyErr, caErr); err != nil {
		return settings{}, err
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return settings{}, fmt.Errorf("CHAINCODE_SERVER_ADDRESS is not host:port: %w", err)
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return settings{}, fmt.Errorf("CHAINCODE_TLS_CERT and CHAINCODE_TLS_KEY are not a pair: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(clientCA) {
		return settings{}, errors.New("CHAINCODE_TLS_CLIENT_CA holds no PEM certificate")
	}
	return settings{id, address, shim.TLSProperties{Cert: cert, Key: key, ClientCACerts: clientCA}}, nil
}

func required(getenv func(string) string, name, meaning string) (string, error) {
	value := getenv(name)
	if value == "" {
		return "", fmt.Errorf("%s is not set: %s", name, meaning)
	}
	return value, nil
}

func file(getenv func(string) string, name, meaning string) ([]byte, error) {
	path, err := required(getenv, name, "the path of a PEM file, "+meaning)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return content, nil
}
