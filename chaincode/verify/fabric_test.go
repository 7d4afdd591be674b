package main

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

func wantAccepted(t *testing.T, p *proof, words ...string) {
	t.Helper()
	steps, unproven, err := verify(canonical(p), trust{})
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(append(steps, unproven...), "\n")
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("%q is not said in\n%s", word, said)
		}
	}
}

func wantRejected(t *testing.T, data []byte, words string) {
	t.Helper()
	if steps, _, err := verify(data, trust{}); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v %v, want a rejection that says %q", steps, err, words)
	}
}

func TestHonestTransactionsAreAccepted(t *testing.T) {
	p := honestProof()
	wantAccepted(t, newPlan(p).put(p), "block 200 of channel general holds exactly these 3", "CampusMSP (client client0), who signed it, dated 2026-11-23T20:00:01Z",
		"PoliceMSP (peer peer0) ran sentrybox", "OrdererMSP (orderer orderer0) signed that header", "inc~"+recordID+" is all it writes",
		"root of PoliceMSP: SHA-256", "were not checked against any you trust", "marked the transaction VALID")
	for _, size := range []int64{1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 17} {
		for index := range size {
			p := honestProof()
			wantAccepted(t, newPlan(p).inBatch(size, index).put(p), "batch~"+recordID+" is all it writes")
		}
	}
}

func TestThePoliceChannelHasItsOwnWriter(t *testing.T) {
	for _, mspID := range []string{"CampusSecMSP", "CampusMSP", "PoliceMSP"} {
		p := honestProof()
		m, writer := newPlan(p), newOrganisation(mspID)
		m.inclusion.Channel, m.writer = "police", writer.member("client")
		m.value = strings.ReplaceAll(m.value, "CampusMSP", mspID)
		endorser := newOrganisation("OtherMSP")
		m.roots, m.endorser = []*organisation{writer, orderer, endorser}, endorser.member("peer")
		if m.put(p); mspID == "CampusSecMSP" {
			wantAccepted(t, p, "channel police")
		} else {
			wantRejected(t, canonical(p), "only CampusSecMSP records")
		}
	}
}

func TestAChangedPartIsRejected(t *testing.T) {
	unit := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject.OrganizationalUnit = names }
	}
	expired := func(c *x509.Certificate) { c.NotAfter = when.Add(-time.Second) }
	early := func(c *x509.Certificate) { c.NotBefore = when.Add(time.Second) }
	stranger := newOrganisation("CampusMSP", func(c *x509.Certificate) { c.Subject = campus.root.Subject })
	for name, test := range map[string]struct {
		change func(*plan)
		words  string
	}{
		"config transaction": {func(m *plan) { m.header = func(h *common.ChannelHeader) { h.Type = 1 } }, "not a transaction of a chaincode"},
		"epoch":              {func(m *plan) { m.header = func(h *common.ChannelHeader) { h.Epoch = 1 } }, "not a transaction of a chaincode"},
		"other channel":      {func(m *plan) { m.header = func(h *common.ChannelHeader) { h.ChannelId = "police" } }, `of channel "police"`},
		"other id":           {func(m *plan) { m.header = func(h *common.ChannelHeader) { h.TxId = strings.Repeat("0", 64) } }, "has not the id"},
		"no time":            {func(m *plan) { m.header = func(h *common.ChannelHeader) { h.Timestamp = nil } }, "was not valid at"},
		"no such time":       {func(m *plan) { m.header = func(h *common.ChannelHeader) { h.Timestamp.Nanos = -1 } }, "time is not one"},
		"header's chaincode": {func(m *plan) {
			m.header = func(h *common.ChannelHeader) {
				h.Extension = marshal(&peer.ChaincodeHeaderExtension{ChaincodeId: &peer.ChaincodeID{Name: "x"}})
			}
		}, `chaincode "x"`},
		"call's chaincode":    {func(m *plan) { m.proposalName = "other" }, `chaincode "other"`},
		"outcome's chaincode": {func(m *plan) { m.responseName = "other" }, `chaincode "other"`},
		"status":              {func(m *plan) { m.action = func(a *peer.ChaincodeAction) { a.Response.Status = 500 } }, "status 500"},
		"no response":         {func(m *plan) { m.action = func(a *peer.ChaincodeAction) { a.Response = nil } }, "status 0"},
		"proposal hash":       {func(m *plan) { m.response = func(r *peer.ProposalResponsePayload) { r.ProposalHash[0] ^= 1 } }, "another proposal"},
		"no endorsement": {func(m *plan) {
			m.outcome = func(o *peer.ChaincodeActionPayload) { o.Action.Endorsements = nil }
		}, "no endorsement"},
		"a second endorsement that does not fit": {func(m *plan) {
			m.outcome = func(o *peer.ChaincodeActionPayload) {
				o.Action.Endorsements = append(o.Action.Endorsements, &peer.Endorsement{Endorser: members["peer"].creator, Signature: o.Action.Endorsements[0].Signature[:20]})
			}
		}, "endorsement 2"},
		"no action":        {func(m *plan) { m.transact = func(t *peer.Transaction) { t.Actions = nil } }, "0 actions"},
		"two actions":      {func(m *plan) { m.transact = func(t *peer.Transaction) { t.Actions = append(t.Actions, t.Actions[0]) } }, "2 actions"},
		"another's action": {func(m *plan) { m.transact = func(t *peer.Transaction) { t.Actions[0].Header = []byte{} } }, "another creator's"},
		"not protobuf":     {func(m *plan) { m.payload = func(p *common.Payload) { p.Data = []byte("\xff") } }, "not as Fabric writes it"},
		"no header":        {func(m *plan) { m.payload = func(p *common.Payload) { p.Header = nil } }, "was not valid at"},
		"envelope's signature": {func(m *plan) {
			m.envelope = func(e *common.Envelope) { e.Signature = members["writer"].sign([]byte("x")) }
		}, "does not fit"},
		"signature not DER":   {func(m *plan) { m.envelope = func(e *common.Envelope) { e.Signature = append(e.Signature, 0) } }, "is not DER"},
		"writer's high S":     {func(m *plan) { m.writer.highS = true }, "high S"},
		"endorser's high S":   {func(m *plan) { m.endorser.highS = true }, "high S"},
		"orderer's high S":    {func(m *plan) { m.orderer.highS = true }, "high S"},
		"writer is a peer":    {func(m *plan) { m.writer = campus.member("peer") }, "client or admin is wanted"},
		"writer of no unit":   {func(m *plan) { m.writer = campus.member("", unit()) }, "client or admin is wanted"},
		"writer of two units": {func(m *plan) { m.writer = campus.member("", unit("client", "peer")) }, "client or admin is wanted"},
		"writer is a CA": {func(m *plan) {
			m.writer = campus.member("client", func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
		}, "client or admin is wanted"},
		"endorser is a client":   {func(m *plan) { m.endorser = police.member("client") }, "peer is wanted"},
		"endorser is an admin":   {func(m *plan) { m.endorser = police.member("admin") }, "peer is wanted"},
		"orderer is a peer":      {func(m *plan) { m.orderer = orderer.member("peer") }, "orderer is wanted"},
		"another's orderer":      {func(m *plan) { m.orderer = police.member("orderer") }, "not by OrdererMSP"},
		"writer expired":         {func(m *plan) { m.writer = campus.member("client", expired) }, "was not valid at"},
		"endorser expired":       {func(m *plan) { m.endorser = police.member("peer", expired) }, "was not valid at"},
		"orderer not yet":        {func(m *plan) { m.orderer = orderer.member("orderer", early) }, "was not valid at"},
		"writer of another root": {func(m *plan) { m.writer = stranger.member("client") }, "was not issued by"},
		"writer of another issuer": {func(m *plan) {
			m.writer = newOrganisation("CampusMSP", func(c *x509.Certificate) { c.Subject.CommonName = "x" }).member("client")
		}, "was not issued by"},
		"writer with P-384": {func(m *plan) { m.writer = campus.memberWith(newKey(elliptic.P384()), "client") }, "not an ECDSA P-256 key"},
		"writer without certificate": {func(m *plan) {
			m.writer.creator = marshal(&msp.SerializedIdentity{Mspid: "CampusMSP", IdBytes: []byte("x")})
		}, "not a certificate in PEM"},
		"root missing":      {func(m *plan) { m.roots = m.roots[:2] }, "whose root the proof does not have"},
		"root too many":     {func(m *plan) { m.roots = append(m.roots, newOrganisation("IdleMSP")) }, "IdleMSP, which signed nothing"},
		"other write":       {func(m *plan) { m.value = strings.Replace(m.value, `"severity":"high"`, `"severity":"low"`, 1) }, "does not write inc~"},
		"other key":         {func(m *plan) { m.key = "inc~" }, "does not write inc~"},
		"other severity":    {func(m *plan) { m.arguments[4] = "low" }, "does not record this"},
		"other function":    {func(m *plan) { m.arguments[0] = "Get" }, "does not record this"},
		"argument too many": {func(m *plan) { m.arguments = append(m.arguments, "Jane Doe") }, "does not record this"},
		"other version":     {func(m *plan) { m.arguments[3] = "2" }, "does not record this"},
		"two writes": {func(m *plan) {
			m.sets = func(_ *rwset.TxReadWriteSet, s *kvrwset.KVRWSet) { s.Writes = append(s.Writes, s.Writes[0]) }
		}, "and nothing else"},
		"no write": {func(m *plan) { m.sets = func(_ *rwset.TxReadWriteSet, s *kvrwset.KVRWSet) { s.Writes = nil } }, "does not write"},
		"a deletion": {func(m *plan) {
			m.sets = func(_ *rwset.TxReadWriteSet, s *kvrwset.KVRWSet) { s.Writes[0].IsDelete = true }
		}, "does not write"},
		"a write for another chaincode": {func(m *plan) {
			m.sets = func(s *rwset.TxReadWriteSet, _ *kvrwset.KVRWSet) { s.NsRwset[1].Namespace = "other" }
		}, "does not write"},
		"a policy for the key": {func(m *plan) {
			m.sets = func(_ *rwset.TxReadWriteSet, s *kvrwset.KVRWSet) {
				s.MetadataWrites = []*kvrwset.KVMetadataWrite{{Key: m.key}}
			}
		}, "and nothing else"},
		"private data": {func(m *plan) {
			m.sets = func(s *rwset.TxReadWriteSet, _ *kvrwset.KVRWSet) {
				s.NsRwset[1].CollectionHashedRwset = []*rwset.CollectionHashedReadWriteSet{{CollectionName: "c"}}
			}
		}, "and nothing else"},
		"a path swapped": {func(m *plan) {
			m.inBatch(4, 1)
			m.inclusion.Batch.Path[0], m.inclusion.Batch.Path[1] = m.inclusion.Batch.Path[1], m.inclusion.Batch.Path[0]
		}, "does not record this"},
		"another leaf":    {func(m *plan) { m.inBatch(4, 1).inclusion.Batch.Index = 2 }, "does not record this"},
		"leaf outside":    {func(m *plan) { m.inBatch(4, 1).inclusion.Batch.Index = 4 }, "not in a tree of 4"},
		"another size":    {func(m *plan) { m.inBatch(4, 1).inclusion.Batch.Leaves = 3 }, "does not record this"},
		"a path null":     {func(m *plan) { m.inBatch(1, 0).inclusion.Batch.Path = nil }, "path is null"},
		"a path cut":      {func(m *plan) { b := m.inBatch(4, 1).inclusion.Batch; b.Path = b.Path[:1] }, "too short"},
		"a path extended": {func(m *plan) { b := m.inBatch(4, 1).inclusion.Batch; b.Path = append(b.Path, b.Path[0]) }, "too long"},
		"a batch for the single record": {func(m *plan) {
			m.inBatch(1, 0)
			m.arguments = []string{"Record", recordID, m.inclusion.Record.Commitment, "1", "high"}
		}, "does not record this"},
		"the same bytes cut elsewhere": {func(m *plan) {
			m.envelopes = func(all [][]byte) [][]byte {
				return [][]byte{append(bytes.Clone(all[0]), all[1][:1]...), all[1], all[2]}
			}
		}, "not"},
		"an envelope with more in it": {func(m *plan) {
			m.envelopes = func(all [][]byte) [][]byte { return [][]byte{append(all[0], 0x18, 1), all[1], all[2]} }
		}, "not exactly one payload and one signature"},
		"an empty envelope": {func(m *plan) { m.envelopes = func(all [][]byte) [][]byte { return [][]byte{{}, all[1]} } }, "not exactly one payload"},
		"position":          {func(m *plan) { m.inclusion.Position = 3 }, "none at position 3"},
		"another position":  {func(m *plan) { m.inclusion.Position = 0 }, "was not valid at"},
	} {
		t.Run(name, func(t *testing.T) {
			p := honestProof()
			m := newPlan(p)
			test.change(m)
			wantRejected(t, canonical(m.put(p)), test.words)
		})
	}
}

func TestStrangeRootsAreRejected(t *testing.T) {
	for words, change := range map[string]func(*x509.Certificate){
		"not that of an authority":       func(c *x509.Certificate) { c.IsCA = false },
		"was not issued by":              func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature },
		"only from 2025-11-23":           func(c *x509.Certificate) { c.NotAfter = when.Add(-time.Hour) },
		"authority with ECDSA P-256 and": func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA384 },
	} {
		p := honestProof()
		m, strange := newPlan(p), newOrganisation("PoliceMSP", change)
		m.roots, m.endorser = []*organisation{campus, orderer, strange}, strange.member("peer")
		wantRejected(t, canonical(m.put(p)), words)
	}
	p := honestProof()
	inner := newPlan(p)
	middle := issue(&x509.Certificate{SerialNumber: campus.root.SerialNumber, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		Subject: pkix.Name{CommonName: "middle"}, NotBefore: campus.root.NotBefore, NotAfter: campus.root.NotAfter}, campus.root, campus.key, campus.key)
	inner.put(p).Inclusions[0].fabric.Roots["CampusMSP"] = base64Of(middle.Raw)
	wantRejected(t, canonical(p), "the root of CampusMSP was not issued by")
}

// TestFieldsOutsideSignaturesCount changes the JSON of an accepted proof, one field at a time.
func TestFieldsOutsideSignaturesCount(t *testing.T) {
	p := honestProof()
	whole := canonical(newPlan(p).inBatch(5, 4).put(p))
	wantAccepted(t, p)
	for name, change := range map[string]func(i map[string]any){
		"number":          func(i map[string]any) { i["block"].(map[string]any)["number"] = 201 },
		"negative":        func(i map[string]any) { i["block"].(map[string]any)["number"] = -1 },
		"previous hash":   func(i map[string]any) { i["block"].(map[string]any)["previous_hash"] = strings.Repeat("0", 64) },
		"no previous":     func(i map[string]any) { i["block"].(map[string]any)["previous_hash"] = "" },
		"channel":         func(i map[string]any) { i["channel"] = "police" },
		"no channel":      func(i map[string]any) { i["channel"] = "somewhere" },
		"no batch":        func(i map[string]any) { i["batch"] = nil },
		"batch missing":   func(i map[string]any) { delete(i, "batch") },
		"no envelopes":    func(i map[string]any) { i["envelopes"] = nil },
		"no signatures":   func(i map[string]any) { i["orderer"].(map[string]any)["signatures"] = []any{} },
		"value":           func(i map[string]any) { i["orderer"].(map[string]any)["value"] = base64Of([]byte("other")) },
		"base64 unpadded": func(i map[string]any) { i["orderer"].(map[string]any)["value"] = "dmFsdWU" },
		"base64 idle bits": func(i map[string]any) {
			i["orderer"].(map[string]any)["value"] = strings.Replace(base64Of([]byte("value")), "U=", "V=", 1)
		},
		"base64 line ends": func(i map[string]any) { i["orderer"].(map[string]any)["value"] = "dmFs\ndWU=" },
		"severity":         func(i map[string]any) { i["record"].(map[string]any)["severity"] = "low" },
		"commitment":       func(i map[string]any) { i["record"].(map[string]any)["commitment"] = strings.Repeat("0", 64) },
		"unknown field":    func(i map[string]any) { i["extra"] = 1 },
		"other case":       func(i map[string]any) { i["Channel"] = i["channel"]; delete(i, "channel") },
		"tree kind":        func(i map[string]any) { i["kind"] = "tree" },
		"no kind":          func(i map[string]any) { delete(i, "kind") },
		"unknown kind":     func(i map[string]any) { i["kind"] = "paper" },
		"root not a name":  func(i map[string]any) { r := i["roots"].(map[string]any); r["Campus MSP"] = r["CampusMSP"] },
		"root not a root":  func(i map[string]any) { i["roots"].(map[string]any)["CampusMSP"] = base64Of([]byte("x")) },
		"roots swapped": func(i map[string]any) {
			r := i["roots"].(map[string]any)
			r["CampusMSP"], r["PoliceMSP"] = r["PoliceMSP"], r["CampusMSP"]
		},
		"index as text": func(i map[string]any) { i["batch"].(map[string]any)["index"] = "4" },
		"too much": func(i map[string]any) {
			i["envelopes"] = append(i["envelopes"].([]any), strings.Repeat("AAAA", maxEnvelopes/4))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var document map[string]any
			check(json.Unmarshal(whole, &document))
			change(document["inclusions"].([]any)[0].(map[string]any))
			wantRejected(t, canonical(document), "")
		})
	}
}
