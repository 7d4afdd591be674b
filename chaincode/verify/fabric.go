package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// fabricInclusion says that envelope Position of a block wrote the record, or (Batch) the root over it and others.
type fabricInclusion struct {
	Kind    string       `json:"kind"`
	Channel string       `json:"channel"`
	Record  ledgerRecord `json:"record"`
	Batch   *struct {
		ID     string   `json:"id"`
		Index  int64    `json:"index"`
		Leaves int64    `json:"leaves"`
		Path   []string `json:"path"`
	} `json:"batch"`
	Block struct {
		Number       int64  `json:"number"`
		PreviousHash string `json:"previous_hash"`
		DataHash     string `json:"data_hash"`
	} `json:"block"`
	Envelopes []string `json:"envelopes"`
	Position  int      `json:"position"`
	Orderer   struct {
		Value      string `json:"value"`
		Signatures []struct {
			Header    string `json:"header"`
			Signature string `json:"signature"`
		} `json:"signatures"`
	} `json:"orderer"`
	Roots map[string]string `json:"roots"`
}

const (
	maxEnvelopes = 192 * 1024 // characters of one block's envelopes, in base64
	lastSecond   = 253402300799
)

var plainMSP = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9.-]{0,63}\z`)

func (f *fabricInclusion) check(link entry) (steps, unproven []string) {
	f.Record.checkAbout(link, f.Channel)
	f.checkForm()
	envelope := new(common.Envelope)
	decode(unbase64(f.Envelopes[f.Position]), envelope, "the envelope")
	opened := open(envelope)
	stamp := opened.channel.GetTimestamp()
	require(0 <= stamp.GetSeconds() && stamp.GetSeconds() <= lastSecond &&
		0 <= stamp.GetNanos() && stamp.GetNanos() < 1e9,
		"the transaction's time is not one")
	members := newSigners(f.Roots, time.Unix(stamp.GetSeconds(), int64(stamp.GetNanos())))
	steps = append(f.checkBlock(members), f.checkTransaction(opened, members)...)
	for _, mspID := range slices.Sorted(maps.Keys(f.Roots)) {
		require(members.used[mspID], "the proof has the root of %s, which signed nothing", mspID)
		steps = append(steps, say("root of %s: SHA-256 %x", mspID, sha256.Sum256(unbase64(f.Roots[mspID]))))
	}
	return steps, []string{
		"that the peers marked the transaction VALID (no signature of theirs is over that mark) and that its " +
			"endorsements satisfied the channel's policy: ask a peer of an organisation you believe",
		"that there is no other block with this number: the orderer's organisation is trusted for the order",
		"the transaction's time, which is its creator's word, and that no certificate had been revoked",
	}
}

// checkForm holds the fields that nothing below compares with something signed to their form and bounds.
func (f *fabricInclusion) checkForm() {
	require(0 <= f.Block.Number && f.Block.Number <= maxNumber &&
		hash.MatchString(f.Block.PreviousHash) && hash.MatchString(f.Block.DataHash),
		"the header of the block has a field that is not in its form")
	require(0 < len(f.Envelopes) && len(f.Envelopes) <= 1000,
		"the block has %d envelopes, not 1 to 1000", len(f.Envelopes))
	require(len(strings.Join(f.Envelopes,
		"")) <= maxEnvelopes, "the block's envelopes take more than %d characters", maxEnvelopes)
	require(0 <= f.Position && f.Position < len(f.Envelopes),
		"block %d has %d envelopes, none at position %d", f.Block.Number, len(f.Envelopes), f.Position)
	require(0 < len(f.Orderer.Signatures) && len(f.Orderer.Signatures) <= 100,
		"the block has %d signatures, not 1 to 100", len(f.Orderer.Signatures))
	require(0 < len(f.Roots) && len(f.Roots) <= 100, "the proof has %d roots, not 1 to 100", len(f.Roots))
	if f.Batch != nil {
		require(uuid.MatchString(f.Batch.ID) && 1 <= f.Batch.Leaves && f.Batch.Leaves <= 1e6 && len(f.Batch.Path) <= 20,
			"the batch has a field that is not in its form")
	}
}

func (f *fabricInclusion) checkBlock(members *signers) []string {
	name := say("block %d of channel %s", f.Block.Number, f.Channel)
	sum := sha256.New()
	for number, text := range f.Envelopes {
		raw, parts := unbase64(text), new(common.Envelope)
		decode(raw, parts, "envelope %d", number)
		// The hash is over their bytes in one row: without this the same row could be cut up elsewhere.
		again, err := proto.Marshal(&common.Envelope{Payload: parts.GetPayload(), Signature: parts.GetSignature()})
		require(err == nil && len(parts.GetPayload()) > 0 && len(parts.GetSignature()) > 0 && bytes.Equal(again, raw),
			"envelope %d of %s is not exactly one payload and one signature", number, name)
		sum.Write(raw)
	}
	require(hex.EncodeToString(sum.Sum(nil)) == f.Block.DataHash,
		"the envelopes are not those that the header of %s speaks of", name)
	header, err := asn1.Marshal(struct {
		Number                 int64
		PreviousHash, DataHash []byte
	}{f.Block.Number, unhex(f.Block.PreviousHash), unhex(f.Block.DataHash)})
	requireNo(err, "the header of %s", name)
	var by []string
	for number, signed := range f.Orderer.Signatures {
		what := say("signature %d of %s", number+1, name)
		creator := new(common.SignatureHeader)
		decode(unbase64(signed.Header), creator, "%s", what)
		data := bytes.Join([][]byte{unbase64(f.Orderer.Value), unbase64(signed.Header), header}, nil)
		who := members.check(creator.GetCreator(), unbase64(signed.Signature), data, what, "orderer")
		require(who.msp == "OrdererMSP", "%s is by %s, not by OrdererMSP", what, who)
		by = append(by, who.String())
	}
	return []string{
		say("%s holds exactly these %d transactions: none was changed, added or dropped since; header hash %x",
			name, len(f.Envelopes), sha256.Sum256(header)),
		say("%s signed that header: the ordering service gave the block its place in the channel", strings.Join(by, ", ")),
	}
}

func decode(data []byte, into proto.Message, what string, values ...any) {
	requireNo(proto.Unmarshal(data, into), "%s is not as Fabric writes it", say(what, values...))
}
