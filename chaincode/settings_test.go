package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// writePair certifies a new key for the loopback address and writes both as PEM files.
func (a *authority) writePair(t *testing.T, folder, name string) (certificate, key string) {
	t.Helper()
	private := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: name},
		NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: a.certificate.ExtKeyUsage, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")
	writePEM(t, certificate, "CERTIFICATE", sign(t, template, a.certificate, private, a.key).Raw)
	writePEM(t, key, "PRIVATE KEY", der)
	return certificate, key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func environment(t *testing.T, ca *authority, folder string) map[string]string {
	t.Helper()
	certificate, key := ca.writePair(t, folder, "server")
	path := filepath.Join(folder, "ca.pem")
	writePEM(t, path, "CERTIFICATE", ca.certificate.Raw)
	return map[string]string{"CHAINCODE_ID": "sentrybox_1:00", "CHAINCODE_SERVER_ADDRESS": "127.0.0.1:0",
		"CHAINCODE_TLS_CERT": certificate, "CHAINCODE_TLS_KEY": key, "CHAINCODE_TLS_CLIENT_CA": path}
}

func TestEachMissingSettingIsNamed(t *testing.T) {
	folder := t.TempDir()
	complete := environment(t, newAuthority(t, "CampusMSP"), folder)
	if _, err := readSettings(func(name string) string { return complete[name] }); err != nil {
		t.Fatal(err)
	}
	for missing := range complete {
		for _, value := range []string{"", "/nowhere/at/all", folder} {
			if value != "" && !strings.HasPrefix(missing, "CHAINCODE_TLS") {
				continue
			}
			_, err := readSettings(func(name string) string {
				if name == missing {
					return value
				}
				return complete[name]
			})
			if err == nil || !strings.Contains(err.Error(), missing) || strings.Count(err.Error(), "CHAINCODE_") != 1 {
				t.Errorf("%s = %q: %v", missing, value, err)
			}
		}
	}
}

func TestUnusableSettingsAreNamed(t *testing.T) {
	complete := environment(t, newAuthority(t, "CampusMSP"), t.TempDir())
	_, otherKey := newAuthority(t, "CampusMSP").writePair(t, t.TempDir(), "other")
	for name, value := range map[string]string{"CHAINCODE_SERVER_ADDRESS": "9999", "CHAINCODE_TLS_KEY": otherKey,
		"CHAINCODE_TLS_CLIENT_CA": complete["CHAINCODE_TLS_KEY"], "CHAINCODE_TLS_CERT": complete["CHAINCODE_TLS_KEY"]} {
		_, err := readSettings(func(asked string) string {
			if asked == name {
				return value
			}
			return complete[asked]
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnlyCertifiedPeersConnect serves as main does and dials with and without a certificate of the right authority.
func TestOnlyCertifiedPeersConnect(t *testing.T) {
	folder, ca, stranger := t.TempDir(), newAuthority(t, "CampusMSP"), newAuthority(t, "CampusMSP")
	complete := environment(t, ca, folder)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	complete["CHAINCODE_SERVER_ADDRESS"] = free.Addr().String()
	free.Close()
	got, err := readSettings(func(name string) string { return complete[name] })
	if err != nil {
		t.Fatal(err)
	}
	server := &shim.ChaincodeServer{CCID: got.id, Address: got.address, CC: Contract{}, TLSProps: got.tls}
	go func() { _ = server.Start() }() // ends with the test's process: the shim has no way to stop it

	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	dial := func(certificates ...tls.Certificate) error {
		dialer := &net.Dialer{Timeout: 5 * time.Second}
		raw, err := dialer.Dial("tcp", got.address)
		for try := 0; err != nil && try < 100; try++ { // until it listens: 100 tries of 50 ms
			time.Sleep(50 * time.Millisecond)
			raw, err = dialer.Dial("tcp", got.address)
		}
		if err != nil {
			return err
		}
		defer raw.Close()
		connection := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Certificates: certificates, NextProtos: []string{"h2"}})
		// TLS 1.3: a refused client learns it only by reading. An accepted one reads the server's HTTP/2 settings.
		if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		_, err = connection.Read(make([]byte, 1))
		return err
	}
	load := func(authority *authority, name string) tls.Certificate {
		pair, err := tls.LoadX509KeyPair(authority.writePair(t, folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	if err := dial(load(ca, "peer")); err != nil {
		t.Errorf("a peer of the organisation was refused: %v", err)
	}
	for name, err := range map[string]error{"no certificate": dial(), "a stranger": dial(load(stranger, "stranger"))} {
		if err == nil || !strings.Contains(err.Error(), "tls: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
