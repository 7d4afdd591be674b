package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

const contract = "sentrybox"

// writers says which organisation records on which channel: the contract's own rule, written down again.
var writers = map[string]string{"general": "CampusMSP", "police": "CampusSecMSP"}

// opened is an envelope taken apart. Every part is hashed or signed as the bytes it was read from.
type opened struct {
	envelope  *common.Envelope
	header    *common.Header
	channel   *common.ChannelHeader
	signature *common.SignatureHeader
	data      []byte
}

func open(envelope *common.Envelope) opened {
	payload, channel, signature := new(common.Payload), new(common.ChannelHeader), new(common.SignatureHeader)
	decode(envelope.GetPayload(), payload, "the payload")
	decode(payload.GetHeader().GetChannelHeader(), channel, "the channel header")
	decode(payload.GetHeader().GetSignatureHeader(), signature, "the signature header")
	return opened{envelope, payload.GetHeader(), channel, signature, payload.GetData()}
}

func (f *fabricInclusion) checkTransaction(o opened, members *signers) []string {
	id, called := o.channel.GetTxId(), "transaction "+o.channel.GetTxId()
	require(o.channel.GetType() == int32(common.HeaderType_ENDORSER_TRANSACTION) && o.channel.GetEpoch() == 0,
		"the envelope is not a transaction of a chaincode")
	require(o.channel.GetChannelId() == f.Channel,
		"%s is of channel %q, not %s", called, o.channel.GetChannelId(), f.Channel)
	sum := sha256.Sum256(append(bytes.Clone(o.signature.GetNonce()), o.signature.GetCreator()...))
	require(id == hex.EncodeToString(sum[:]), "%s has not the id that follows from its creator and nonce", called)
	writer := members.check(o.signature.GetCreator(), o.envelope.GetSignature(), o.envelope.GetPayload(), called,
		"client", "admin")
	require(writer.msp == writers[f.Channel],
		"%s is by %s; on %s only %s records", called, writer, f.Channel, writers[f.Channel])

	transaction, action := new(peer.Transaction), new(peer.ChaincodeActionPayload)
	decode(o.data, transaction, "%s", called)
	require(len(transaction.GetActions()) == 1,
		"%s has %d actions instead of one", called, len(transaction.GetActions()))
	require(bytes.Equal(transaction.GetActions()[0].GetHeader(), o.header.GetSignatureHeader()),
		"the action of %s is another creator's", called)
	decode(transaction.GetActions()[0].GetPayload(), action, "the action")
	response, result := new(peer.ProposalResponsePayload), new(peer.ChaincodeAction)
	decode(action.GetAction().GetProposalResponsePayload(), response, "the proposal response")
	decode(response.GetExtension(), result, "the chaincode's action")

	proposal := sha256.Sum256(bytes.Join([][]byte{
		o.header.GetChannelHeader(), o.header.GetSignatureHeader(), action.GetChaincodeProposalPayload()}, nil))
	require(bytes.Equal(response.GetProposalHash(), proposal[:]),
		"what was endorsed is another proposal than that of %s", called)
	require(len(action.GetAction().GetEndorsements()) > 0, "%s has no endorsement: no peer says that it ran it", called)
	var by []string
	for number, endorsement := range action.GetAction().GetEndorsements() {
		data := append(bytes.Clone(action.GetAction().GetProposalResponsePayload()), endorsement.GetEndorser()...)
		who := members.check(endorsement.GetEndorser(), endorsement.GetSignature(), data,
			say("endorsement %d of %s", number+1, called), "peer")
		by = append(by, who.String())
	}
	require(result.GetResponse().GetStatus() == 200,
		"the chaincode answered %s with status %d, not 200", called, result.GetResponse().GetStatus())

	asked, input := new(peer.ChaincodeHeaderExtension), new(peer.ChaincodeProposalPayload)
	invocation := new(peer.ChaincodeInvocationSpec)
	decode(o.channel.GetExtension(), asked, "the channel header's extension")
	decode(action.GetChaincodeProposalPayload(), input, "the proposal")
	decode(input.GetInput(), invocation, "the call")
	for _, chaincode := range []*peer.ChaincodeID{
		asked.GetChaincodeId(), invocation.GetChaincodeSpec().GetChaincodeId(), result.GetChaincodeId()} {
		require(chaincode.GetName() == contract,
			"%s calls the chaincode %q, not %s", called, chaincode.GetName(), contract)
	}
	return []string{
		say("%s is from %s, who signed it, dated %s", called, writer, members.at.UTC().Format("2006-01-02T15:04:05Z")),
		say("%s ran %s on that call and signed what it answered and wrote", strings.Join(by, ", "), contract),
		f.checkWrite(id, writer.msp, invocation.GetChaincodeSpec().GetInput().GetArgs(), result.GetResults()),
	}
}

// checkWrite holds call and write to what the record makes of them.
func (f *fabricInclusion) checkWrite(transaction, writer string, arguments [][]byte, results []byte) string {
	record, batch, version := f.Record, f.Batch, strconv.Itoa(f.Record.SchemaVersion)
	value := map[string]any{"msp": writer, "schema_version": record.SchemaVersion, "transaction": transaction}
	var wanted []string
	var key, what string
	if batch == nil {
		wanted, key = []string{"Record", record.ID, record.Commitment, version, record.Severity}, "inc~"+record.ID
		value["id"], value["commitment"], value["severity"] = record.ID, record.Commitment, record.Severity
		what = say("the call records %s with this commitment", record.ID)
	} else {
		root := hex.EncodeToString(rootFrom(record.leaf(), batch.Index, batch.Leaves, batch.Path))
		wanted, key = []string{"RecordBatch", batch.ID, root, strconv.FormatInt(batch.Leaves, 10), version}, "batch~"+batch.ID
		value["id"], value["root"], value["leaves"] = batch.ID, root, batch.Leaves
		what = say("the record is leaf %d of the %d of batch %s, whose root the call records", batch.Index, batch.Leaves, batch.ID)
	}
	same := len(arguments) == len(wanted)
	for index := 0; same && index < len(wanted); index++ {
		same = string(arguments[index]) == wanted[index]
	}
	require(same,
		"transaction %s does not record this: its call is another than %s", transaction, strings.Join(wanted, " "))
	written := writes(results)
	require(len(written) == 1 && written[0].key == key && bytes.Equal(written[0].value, canonical(value)),
		"transaction %s does not write %s as the record says, and nothing else", transaction, key)
	return say("%s; %s is all it writes", what, key)
}

type write struct {
	key   string
	value []byte // nil for anything but a plain write of our contract
}

func writes(results []byte) (found []write) {
	sets := new(rwset.TxReadWriteSet)
	decode(results, sets, "the read and write sets")
	for _, space := range sets.GetNsRwset() {
		set := new(kvrwset.KVRWSet)
		decode(space.GetRwset(), set, "the read and write set")
		for _, plain := range set.GetWrites() {
			if space.GetNamespace() != contract || plain.GetIsDelete() {
				plain = &kvrwset.KVWrite{Key: plain.GetKey()}
			}
			found = append(found, write{plain.GetKey(), plain.GetValue()})
		}
		for _, other := range set.GetMetadataWrites() {
			found = append(found, write{key: other.GetKey()})
		}
		for _, private := range space.GetCollectionHashedRwset() {
			found = append(found, write{key: private.GetCollectionName()})
		}
	}
	return found
}
