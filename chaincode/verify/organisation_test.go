package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// when everything in the tests happens: certificates are judged by the transaction's time, never by the clock.
var when = time.Date(2026, 11, 23, 20, 0, 1, 0, time.UTC)

// organisation is a Fabric organisation's certificate authority.
type organisation struct {
	msp  string
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// signer is somebody with a certificate. highS signs as OpenSSL may and Fabric must not.
type signer struct {
	creator []byte
	key     *ecdsa.PrivateKey
	highS   bool
}

func newOrganisation(mspID string, changes ...func(*x509.Certificate)) *organisation {
	key := newKey(elliptic.P256())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca." + mspID}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: when.AddDate(-1, 0, 0), NotAfter: when.AddDate(9, 0, 0)}
	for _, change := range changes {
		change(template)
	}
	return &organisation{mspID, issue(template, template, key, key), key}
}

func (o *organisation) member(unit string, changes ...func(*x509.Certificate)) signer {
	return o.memberWith(newKey(elliptic.P256()), unit, changes...)
}

func (o *organisation) memberWith(key *ecdsa.PrivateKey, unit string, changes ...func(*x509.Certificate)) signer {
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: when.Add(-time.Hour), NotAfter: when.Add(time.Hour),
		Subject: pkix.Name{CommonName: unit + "0", OrganizationalUnit: []string{unit}}, KeyUsage: x509.KeyUsageDigitalSignature}
	for _, change := range changes {
		change(template)
	}
	certificate := issue(template, o.root, key, o.key)
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	return signer{creator: marshal(&msp.SerializedIdentity{Mspid: o.msp, IdBytes: block}), key: key}
}

func (s signer) sign(data []byte) []byte {
	sum := sha256.Sum256(data)
	r, low, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	check(err)
	order := s.key.Params().N
	if high := new(big.Int).Sub(order, low); (low.Cmp(high) > 0) != s.highS {
		low = high
	}
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{r, low})
	check(err)
	return signature
}

func issue(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	check(err)
	certificate, err := x509.ParseCertificate(der)
	check(err)
	return certificate
}

func newKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	check(err)
	return key
}

func marshal(message proto.Message) []byte {
	data, err := proto.Marshal(message)
	check(err)
	return data
}

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// check is for what cannot fail in a builder; a test's own expectations are told to its testing.T.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func TestSignersDifferInNothingButS(t *testing.T) {
	caller := newOrganisation("CampusMSP").member("client")
	for _, caller.highS = range []bool{false, true} {
		signature, sum := caller.sign([]byte("data")), sha256.Sum256([]byte("data"))
		failed := rejected(func() { checkECDSA(&caller.key.PublicKey, signature, []byte("data"), "it") })
		if !ecdsa.VerifyASN1(&caller.key.PublicKey, sum[:], signature) || (failed != nil) != caller.highS {
			t.Errorf("high S %v: %v", caller.highS, failed)
		}
	}
}
