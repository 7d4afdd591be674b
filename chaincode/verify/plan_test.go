package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var (
	boxKey  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	logKey  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	orderer = newOrganisation("OrdererMSP")
	campus  = newOrganisation("CampusMSP")
	police  = newOrganisation("PoliceMSP")
)

const recordID = "01939c2a-7f00-7abc-8def-0123456789ab"

// honestProof is a record as a box exports it, on no ledger yet.
func honestProof() *proof {
	record := `{"id":"` + recordID + `","device":"box-1","sequence":3,"kind":"fall","severity":"high","at":"2026-11-23T20:00:00.000Z",` +
		`"camera":null,"location":"Gym <north> & \u00e9\u2028 door","people":[{"person":"` + recordID + `","part":"victim","confidence":0.1}],"description":"\u001f\u007f\"","evidence":[]}`
	p := &proof{V: 1, Kind: "sentrybox-proof", Record: json.RawMessage(record), Salt: hex.EncodeToString(bytes.Repeat([]byte{7}, 32)),
		BoxKey: hex.EncodeToString(boxKey.Public().(ed25519.PublicKey)), Inclusions: []inclusion{}}
	p.Entry.Entry = entry{V: 1, Device: "box-1", Sequence: 7, Previous: hex.EncodeToString(make([]byte, 32)), RecordType: "incident",
		RecordID: recordID, At: "2026-11-23T20:00:00.100Z"}
	p.seal()
	return p
}

// seal commits to the record and signs the entry again.
func (p *proof) seal() {
	p.Entry.Entry.Commitment = hex.EncodeToString(tagged("sentrybox/record/v1", unhex(p.Salt), canonical(p.Record)))
	p.sign()
}

func (p *proof) sign() {
	p.Entry.Signature = hex.EncodeToString(ed25519.Sign(boxKey, p.Entry.Entry.hash()))
}

func (p *proof) onLedger() ledgerRecord {
	return ledgerRecord{recordID, hex.EncodeToString(p.Entry.Entry.hash()), 1, "high"}
}

func (t *treeInclusion) sign() *treeInclusion {
	t.Head.LogKey = hex.EncodeToString(logKey.Public().(ed25519.PublicKey))
	signed := append([]byte("sentrybox/tree-head/v1\x00"), canonical(t.Head.treeHead)...)
	t.Head.Signature = hex.EncodeToString(ed25519.Sign(logKey, signed))
	return t
}

// plan is a transaction of Fabric in the making, and the honest one from newPlan is changed by each test in one place
// before everything behind that place is hashed and signed.
type plan struct {
	inclusion                  fabricInclusion
	writer, endorser, orderer  signer
	roots                      []*organisation
	proposalName, responseName string // of the chaincode, in the call and in its outcome
	arguments                  []string
	key, value                 string

	header    func(*common.ChannelHeader)
	payload   func(*common.Payload)
	input     func(*peer.ChaincodeProposalPayload)
	sets      func(*rwset.TxReadWriteSet, *kvrwset.KVRWSet)
	action    func(*peer.ChaincodeAction)
	response  func(*peer.ProposalResponsePayload)
	envelope  func(*common.Envelope)
	outcome   func(*peer.ChaincodeActionPayload)
	envelopes func([][]byte) [][]byte
	transact  func(*peer.Transaction)
}

var members = map[string]signer{"writer": campus.member("client"), "peer": police.member("peer"), "orderer": orderer.member("orderer")}

func newPlan(p *proof) *plan {
	record := p.onLedger()
	made := &plan{writer: members["writer"], endorser: members["peer"], orderer: members["orderer"],
		roots: []*organisation{campus, orderer, police}, proposalName: "sentrybox", responseName: "sentrybox",
		arguments: []string{"Record", record.ID, record.Commitment, "1", "high"}, key: "inc~" + record.ID}
	made.inclusion = fabricInclusion{Kind: "fabric", Channel: "general", Record: record, Position: 1, Roots: map[string]string{}}
	made.inclusion.Block.Number, made.inclusion.Block.PreviousHash = 200, p.Salt
	made.value = `{"commitment":"` + record.Commitment + `","id":"` + record.ID + `","msp":"CampusMSP","schema_version":1,"severity":"high","transaction":"TX"}`
	return made
}

// inBatch makes it the transaction of a batch whose root is over this record and others.
func (m *plan) inBatch(leaves, index int64) *plan {
	hashes := make([][]byte, leaves)
	for number := range hashes {
		hashes[number] = nodeHash([]byte{byte(number)}, nil)
	}
	hashes[index] = m.inclusion.Record.leaf()
	root, path := treeOf(hashes, index)
	encoded := `{"id":"` + recordID + `","index":` + strconv.FormatInt(index, 10) + `,"leaves":` + strconv.FormatInt(leaves, 10) + `}`
	check(json.Unmarshal([]byte(encoded), &m.inclusion.Batch))
	m.inclusion.Batch.Path = path
	m.arguments = []string{"RecordBatch", recordID, hex.EncodeToString(root), strconv.FormatInt(leaves, 10), "1"}
	m.key = "batch~" + recordID
	m.value = `{"id":"` + recordID + `","leaves":` + strconv.FormatInt(leaves, 10) + `,"msp":"CampusMSP","root":"` + hex.EncodeToString(root) + `","schema_version":1,"transaction":"TX"}`
	return m
}

// treeOf is the recursive definition of RFC 6962 section 2.1, unlike the check's way up.
func treeOf(leaves [][]byte, index int64) (root []byte, path []string) {
	if len(leaves) == 1 {
		return leaves[0], []string{}
	}
	middle := int64(1)
	for middle*2 < int64(len(leaves)) {
		middle *= 2
	}
	left, right := leaves[:middle], leaves[middle:]
	if index < middle {
		other, _ := treeOf(right, 0)
		root, path = treeOf(left, index)
		return nodeHash(root, other), append(path, hex.EncodeToString(other))
	}
	other, _ := treeOf(left, 0)
	root, path = treeOf(right, index-middle)
	return nodeHash(other, root), append(path, hex.EncodeToString(other))
}

// put builds the block and puts its inclusion into the proof.
func (m *plan) put(p *proof) *proof {
	ours := m.transaction()
	other := marshal(&common.Envelope{Payload: []byte("another's"), Signature: []byte("another's")})
	envelopes := [][]byte{other, ours, other}
	if m.envelopes != nil {
		envelopes = m.envelopes(envelopes)
	}
	for _, raw := range envelopes {
		m.inclusion.Envelopes = append(m.inclusion.Envelopes, base64Of(raw))
	}
	sum := sha256.Sum256(bytes.Join(envelopes, nil))
	m.inclusion.Block.DataHash = hex.EncodeToString(sum[:])
	block, err := asn1.Marshal(struct {
		Number         int
		Previous, Data []byte
	}{int(m.inclusion.Block.Number), unhex(m.inclusion.Block.PreviousHash), sum[:]})
	check(err)
	header := marshal(&common.SignatureHeader{Creator: m.orderer.creator, Nonce: []byte("nonce")})
	signature := m.orderer.sign(bytes.Join([][]byte{[]byte("value"), header, block}, nil))
	m.inclusion.Orderer.Value = base64Of([]byte("value"))
	check(json.Unmarshal([]byte(`[{"header":"`+base64Of(header)+`","signature":"`+base64Of(signature)+`"}]`), &m.inclusion.Orderer.Signatures))
	for _, organisation := range m.roots {
		m.inclusion.Roots[organisation.msp] = base64Of(organisation.root.Raw)
	}
	p.Inclusions = append(p.Inclusions, inclusion{fabric: &m.inclusion})
	return p
}

func (m *plan) transaction() []byte {
	name := func(name string) *peer.ChaincodeID { return &peer.ChaincodeID{Name: name} }
	signatureHeader := &common.SignatureHeader{Creator: m.writer.creator, Nonce: []byte("a nonce of 24 bytes ....")}
	sum := sha256.Sum256(append(bytes.Clone(signatureHeader.Nonce), signatureHeader.Creator...))
	id := hex.EncodeToString(sum[:])
	channel := &common.ChannelHeader{Type: 3, TxId: id, ChannelId: m.inclusion.Channel, Timestamp: timestamppb.New(when),
		Extension: marshal(&peer.ChaincodeHeaderExtension{ChaincodeId: name("sentrybox")})}
	apply(m.header, channel)

	arguments := make([][]byte, len(m.arguments))
	for index, argument := range m.arguments {
		arguments[index] = []byte(argument)
	}
	input := &peer.ChaincodeProposalPayload{Input: marshal(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
		ChaincodeId: name(m.proposalName), Input: &peer.ChaincodeInput{Args: arguments}}})}
	apply(m.input, input)
	payload := &common.Payload{Header: &common.Header{ChannelHeader: marshal(channel), SignatureHeader: marshal(signatureHeader)}}
	proposal := marshal(input)
	hash := sha256.Sum256(bytes.Join([][]byte{payload.Header.ChannelHeader, payload.Header.SignatureHeader, proposal}, nil))

	set := &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: m.key, Value: bytes.ReplaceAll([]byte(m.value), []byte("TX"), []byte(id))}}}
	sets := &rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{
		{Namespace: "_lifecycle", Rwset: marshal(&kvrwset.KVRWSet{Reads: []*kvrwset.KVRead{{Key: "namespaces/fields/sentrybox/Sequence"}}})},
		{Namespace: "sentrybox"}}}
	if m.sets != nil {
		m.sets(sets, set)
	}
	sets.NsRwset[1].Rwset = marshal(set)
	action := &peer.ChaincodeAction{Results: marshal(sets), ChaincodeId: name(m.responseName), Response: &peer.Response{Status: 200}}
	apply(m.action, action)
	response := &peer.ProposalResponsePayload{ProposalHash: hash[:], Extension: marshal(action)}
	apply(m.response, response)
	endorsed := marshal(response)
	outcome := &peer.ChaincodeActionPayload{ChaincodeProposalPayload: proposal, Action: &peer.ChaincodeEndorsedAction{
		ProposalResponsePayload: endorsed, Endorsements: []*peer.Endorsement{{Endorser: m.endorser.creator,
			Signature: m.endorser.sign(append(bytes.Clone(endorsed), m.endorser.creator...))}}}}
	apply(m.outcome, outcome)
	transaction := &peer.Transaction{Actions: []*peer.TransactionAction{{Header: payload.Header.SignatureHeader, Payload: marshal(outcome)}}}
	apply(m.transact, transaction)
	payload.Data = marshal(transaction)
	apply(m.payload, payload)
	envelope := &common.Envelope{Payload: marshal(payload)}
	envelope.Signature = m.writer.sign(envelope.Payload)
	apply(m.envelope, envelope)
	return marshal(envelope)
}

func apply[T any](change func(*T), to *T) {
	if change != nil {
		change(to)
	}
}
