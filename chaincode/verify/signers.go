package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// signers are the organisations whose roots a proof brings along. Every certificate must be valid at the time.
type signers struct {
	at    time.Time
	roots map[string]*x509.Certificate
	used  map[string]bool
}

// member is who signed something.
type member struct{ msp, name, unit string }

func (m member) String() string { return say("%s (%s %s)", m.msp, m.unit, m.name) }

var units = []string{"admin", "client", "orderer", "peer"}

func newSigners(roots map[string]string, at time.Time) *signers {
	s := &signers{at, map[string]*x509.Certificate{}, map[string]bool{}}
	for mspID, text := range roots {
		require(plainMSP.MatchString(mspID),
			"an organisation's name is of letters, digits, dots and dashes, at most 64")
		root, err := x509.ParseCertificate(unbase64(text))
		requireNo(err, "the root of %s is not a certificate", mspID)
		require(root.IsCA && root.SignatureAlgorithm == x509.ECDSAWithSHA256 && isP256(root.PublicKey),
			"the root of %s is not that of an authority with ECDSA P-256 and SHA-256", mspID)
		s.checkIssued(root, root, "the root of "+mspID)
		s.roots[mspID] = root
	}
	return s
}

// check gives the member, of one of the units allowed, whose signature of data this is; creator is its
// msp.SerializedIdentity.
func (s *signers) check(creator, signature, data []byte, what string, allowed ...string) member {
	identity := new(msp.SerializedIdentity)
	requireNo(proto.Unmarshal(creator, identity), "the identity under %s cannot be read", what)
	block, _ := pem.Decode(identity.GetIdBytes())
	require(block != nil && block.Type == "CERTIFICATE", "the identity under %s is not a certificate in PEM", what)
	certificate, err := x509.ParseCertificate(block.Bytes)
	requireNo(err, "the certificate under %s cannot be read", what)
	root := s.roots[identity.GetMspid()]
	require(root != nil,
		"%s is signed by a member of %q, whose root the proof does not have", what, identity.GetMspid())
	s.checkIssued(certificate, root, "the certificate under "+what)
	// One unit, named once or more; a certificate of two kinds of node is of neither.
	named := slices.DeleteFunc(slices.Clone(certificate.Subject.OrganizationalUnit), func(unit string) bool {
		return !slices.Contains(units, unit)
	})
	slices.Sort(named)
	named = slices.Compact(named)
	require(len(named) == 1 && slices.Contains(allowed, named[0]) && !certificate.IsCA,
		"the certificate under %s is of unit %q; %s is wanted", what, named, strings.Join(allowed, " or "))
	checkECDSA(certificate.PublicKey, signature, data, what)
	s.used[identity.GetMspid()] = true
	return member{identity.GetMspid(), certificate.Subject.CommonName, named[0]}
}

func (s *signers) checkIssued(certificate, issuer *x509.Certificate, whose string) {
	require(bytes.Equal(certificate.RawIssuer, issuer.RawSubject),
		"%s was not issued by the root in the proof: it names another", whose)
	requireNo(certificate.CheckSignatureFrom(issuer), "%s was not issued by the root in the proof", whose)
	require(!s.at.Before(certificate.NotBefore) && !s.at.After(certificate.NotAfter),
		"%s was not valid at the transaction's time: only from %s to %s",
		whose, certificate.NotBefore, certificate.NotAfter)
}

// checkECDSA wants DER and low S, as Fabric does: of the two signatures that fit, one is refused.
func checkECDSA(key any, signature, data []byte, what string) {
	require(isP256(key), "the key under %s is not an ECDSA P-256 key", what)
	var parts struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(signature, &parts)
	require(err == nil && len(rest) == 0, "the signature of %s is not DER", what)
	require(parts.S.Cmp(new(big.Int).Rsh(elliptic.P256().Params().N, 1)) <= 0,
		"the signature of %s has a high S, which Fabric refuses", what)
	sum := sha256.Sum256(data)
	require(ecdsa.VerifyASN1(key.(*ecdsa.PublicKey), sum[:], signature), "the signature of %s does not fit", what)
}

func isP256(key any) bool {
	public, ok := key.(*ecdsa.PublicKey)
	return ok && public.Curve == elliptic.P256()
}

// unbase64 takes the one spelling of its bytes: standard alphabet, padded, no line ends, no idle bits.
func unbase64(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	require(err == nil && base64.StdEncoding.EncodeToString(data) == text, "a field is not canonical base64")
	return data
}
