package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// authority is an organisation's certificate authority.
type authority struct {
	msp         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, mspID string) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca." + mspID},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	return &authority{mspID, sign(t, template, template, key, key), key}
}

// creator is the caller whom this authority has certified with a role, as a transaction names it. "" is no attribute.
func (a *authority) creator(t testing.TB, role string) []byte {
	t.Helper()
	attributes := map[string]string{}
	if role != "" {
		attributes["sentrybox.role"] = role
	}
	extension, err := json.Marshal(map[string]any{"attrs": attributes})
	if err != nil {
		t.Fatal(err)
	}
	return a.creatorWith(t, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}, Value: extension})
}

func (a *authority) creatorWith(t testing.TB, extensions ...pkix.Extension) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: a.certificate.NotBefore,
		NotAfter: a.certificate.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: extensions,
		Subject: pkix.Name{CommonName: "caller", OrganizationalUnit: []string{"client"}}}
	certificate := sign(t, template, a.certificate, newKey(t), a.key)
	return serialized(t, a.msp, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
}

func serialized(t testing.TB, mspID string, identity []byte) []byte {
	t.Helper()
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: identity})
	if err != nil {
		t.Fatal(err)
	}
	return creator
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
