package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// profile is a connection profile of cloud/ledger/gateway/profile.py; its paths are relative to its file.
type profile struct {
	Chaincode string `json:"chaincode"`
	Peers     []struct {
		Address    string `json:"address"`
		TLSCA      string `json:"tls_ca"`
		ServerName string `json:"server_name"`
	} `json:"peers"`
	Channels map[string]struct {
		MSPID       string `json:"mspid"`
		Certificate string `json:"certificate"`
		Key         string `json:"key"`
	} `json:"channels"`
	home string
}

func readProfile(path string) (*profile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := &profile{home: filepath.Dir(path)}
	if err := json.Unmarshal(content, read); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(read.Peers) == 0 {
		return nil, fmt.Errorf("%s names no peer", path)
	}
	return read, nil
}

// connect goes to the first peer: a Gateway client has one connection.
func (p *profile) connect(channel string) (*client.Gateway, error) {
	who, known := p.Channels[channel]
	if !known {
		return nil, fmt.Errorf("the profile in %s has no identity for channel %q", p.home, channel)
	}
	certificatePEM, err := p.read(who.Certificate)
	if err != nil {
		return nil, err
	}
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who.Certificate, err)
	}
	caller, err := identity.NewX509Identity(who.MSPID, certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who.Certificate, err)
	}
	keyPEM, err := p.read(who.Key)
	if err != nil {
		return nil, err
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who.Key, err)
	}
	sign, err := identity.NewPrivateKeySign(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who.Key, err)
	}
	connection, err := p.dial()
	if err != nil {
		return nil, err
	}
	return client.Connect(caller, client.WithSign(sign), client.WithClientConnection(connection),
		client.WithEndorseTimeout(15*time.Second), client.WithSubmitTimeout(5*time.Second),
		client.WithCommitStatusTimeout(time.Minute))
}

func (p *profile) dial() (*grpc.ClientConn, error) {
	peer := p.Peers[0]
	authority, err := p.read(peer.TLSCA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no PEM certificate", peer.TLSCA)
	}
	return grpc.NewClient(peer.Address, grpc.WithTransportCredentials(
		credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: peer.ServerName, MinVersion: tls.VersionTLS12})))
}

func (p *profile) read(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.home, path)
	}
	return os.ReadFile(path)
}
