package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

func treeProof(size, index int64, kind string) *proof {
	p := honestProof()
	for _, channel := range []string{"general", "police"} {
		leaves := make([][]byte, size)
		for number := range leaves {
			leaves[number] = nodeHash([]byte(channel), []byte{byte(number)})
		}
		leaves[index] = p.onLedger().leaf()
		root, path := treeOf(leaves, index)
		t := &treeInclusion{Kind: kind, Record: p.onLedger(), Index: index, Path: path}
		t.Head.treeHead = treeHead{Channel: channel, Size: size, Root: hex.EncodeToString(root), At: "2026-11-23T20:00:02.000Z"}
		p.Inclusions = append(p.Inclusions, inclusion{tree: t.sign()})
	}
	return p
}

// mixedProof is on the embedded log and on Fabric, alone and in a batch.
func mixedProof() *proof {
	p := treeProof(6, 2, "tree")
	newPlan(p).put(p)
	return newPlan(p).inBatch(7, 6).put(p)
}

func TestTreesAreAccepted(t *testing.T) {
	for _, kind := range []string{"tree", ""} { // "": as exported before there were kinds
		wantAccepted(t, treeProof(6, 2, kind), "leaf 2 of the 6 of log police", "same tree")
	}
	for size := int64(1); size < 20; size++ {
		for index := range size {
			wantAccepted(t, treeProof(size, index, "tree"))
		}
	}
}

func TestAChangedTreeIsRejected(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*treeInclusion)
		words  string
	}{
		"unsigned": {func(i *treeInclusion) { i.Head.Size++ }, "not signed by key"},
		"older head": {func(i *treeInclusion) {
			i.Head.Size, i.Head.Root = 2, strings.Repeat("0", 64)
			i.sign()
		}, "not in a tree of 2"},
		"other root":  {func(i *treeInclusion) { i.Head.Root = strings.Repeat("0", 64); i.sign() }, "not leaf 2 of the log general"},
		"other leaf":  {func(i *treeInclusion) { i.Index = 3 }, "not leaf 3"},
		"minus one":   {func(i *treeInclusion) { i.Index = -1 }, "not in a tree"},
		"swapped":     {func(i *treeInclusion) { i.Path[0], i.Path[1] = i.Path[1], i.Path[0] }, "not leaf 2"},
		"short":       {func(i *treeInclusion) { i.Path = i.Path[1:] }, "too short"},
		"long":        {func(i *treeInclusion) { i.Path = append(i.Path, i.Path[0]) }, "too long"},
		"capitals":    {func(i *treeInclusion) { i.Path[0] = strings.ToUpper(i.Path[0]) }, "not 64 hex digits"},
		"other time":  {func(i *treeInclusion) { i.Head.At = "2026-11-23 20:00:02.000Z"; i.sign() }, "not in its form"},
		"no day":      {func(i *treeInclusion) { i.Head.At = "2026-02-30T20:00:02.000Z"; i.sign() }, "not in its form"},
		"no channel":  {func(i *treeInclusion) { i.Head.Channel = "other"; i.sign() }, "no channel"},
		"other kind":  {func(i *treeInclusion) { i.Kind = "paper" }, "no known kind"},
		"mixed kinds": {func(i *treeInclusion) { i.Kind = "" }, "no known kind"},
		"version":     {func(i *treeInclusion) { i.Record.SchemaVersion = 2 }, "not in its form"},
		"severity":    {func(i *treeInclusion) { i.Record.Severity = "none" }, "not in its form"},
		"other id":    {func(i *treeInclusion) { i.Record.ID = strings.Replace(recordID, "0", "1", 1) }, "about another record"},
	} {
		t.Run(name, func(t *testing.T) {
			p := treeProof(6, 2, "tree")
			test.change(p.Inclusions[0].tree)
			wantRejected(t, canonical(p), test.words)
		})
	}
}

func TestAChangedEntryIsRejected(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*proof)
		words  string
	}{
		"salt":     {func(p *proof) { p.Salt = strings.Repeat("0", 64) }, "not the one that was committed to"},
		"no salt":  {func(p *proof) { p.Salt = "" }, "the salt is not"},
		"record":   {func(p *proof) { p.Record = bytes.Replace(p.Record, []byte("fall"), []byte("fell"), 1) }, "not the one that was committed to"},
		"no field": {func(p *proof) { p.Record = json.RawMessage(`{"id":"` + recordID + `"}`); p.seal() }, "does not have the fields"},
		"other type": {func(p *proof) {
			p.Entry.Entry.RecordType = "log"
			p.sign()
		}, "does not have the fields"},
		"no type":       {func(p *proof) { p.Entry.Entry.RecordType = "paper"; p.sign() }, "does not have the fields"},
		"record a list": {func(p *proof) { p.Record = json.RawMessage(`[]`); p.seal() }, "not an object"},
		"record null":   {func(p *proof) { p.Record = json.RawMessage(`null`); p.seal() }, "does not have the fields"},
		"other id":      {func(p *proof) { p.Entry.Entry.RecordID = strings.Replace(recordID, "0", "1", 1); p.sign() }, "about another record"},
		"signature":     {func(p *proof) { p.Entry.Entry.Sequence++ }, "not signed by key"},
		"other key":     {func(p *proof) { p.BoxKey = hex.EncodeToString(logKey.Public().(ed25519.PublicKey)) }, "not signed by key"},
		"sequence":      {func(p *proof) { p.Entry.Entry.Sequence = 0; p.sign() }, "not in its form"},
		"device":        {func(p *proof) { p.Entry.Entry.Device = "Box 1"; p.sign() }, "not in its form"},
		"no ledger":     {func(p *proof) { p.Inclusions = p.Inclusions[:0] }, "names no ledger"},
		"ledgers null":  {func(p *proof) { p.Inclusions = nil }, "names no ledger"},
		"a ledger null": {func(p *proof) { p.Inclusions[0].tree = nil }, "a ledger is null"},
		"version":       {func(p *proof) { p.V = 2 }, "version 2"},
		"kind":          {func(p *proof) { p.Kind = "receipt" }, `"receipt"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := treeProof(6, 2, "tree")
			test.change(p)
			wantRejected(t, canonical(p), test.words)
		})
	}
}

func TestEveryByteCounts(t *testing.T) {
	data := canonical(mixedProof())
	source := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		changed, at := bytes.Clone(data), source.IntN(len(data))
		changed[at] ^= byte(1 + source.IntN(255))
		wantRejected(t, changed, "")
	}
}

func TestOnlyTheCanonicalFileIsAccepted(t *testing.T) {
	data := string(canonical(mixedProof()))
	for name, changed := range map[string]string{
		"line end": data + "\n", "blank before": " " + data, "blank within": strings.Replace(data, ":", ": ", 1), "cut": data[:len(data)-1],
		"empty": "", "twice": data + data, "not UTF-8": strings.Replace(data, "Gym", "\xff\xfe\xfd", 1), "null": "null", "list": "[" + data + "]",
		"doubled key":   strings.Replace(data, `"v":1`, `"v":1,"v":1`, 1),
		"unknown field": strings.Replace(data, `"v":1`, `"v":1,"w":1`, 1),
		"field missing": strings.Replace(data, `,"v":1`, ``, 1),
		"other case":    strings.Replace(data, `"v":1`, `"V":1`, 1),
		"other number":  strings.Replace(data, `"v":1`, `"v":1.0`, 1),
		"escaped":       strings.Replace(data, "Gym", `\u0047ym`, 1),
		"deep":          strings.Repeat("[", 100_000),
		"large":         data + strings.Repeat(" ", maxBytes),
	} {
		t.Run(name, func(t *testing.T) {
			if changed == data {
				t.Fatal("nothing was changed")
			}
			wantRejected(t, []byte(changed), "")
		})
	}
}

// TestTrust runs the program as a user does.
func TestTrust(t *testing.T) {
	folder, p := t.TempDir(), mixedProof()
	path := filepath.Join(folder, "proof.json")
	write := func(name string, data []byte) string {
		check(os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755))
		check(os.WriteFile(filepath.Join(folder, name), data, 0o600))
		return filepath.Join(folder, filepath.Dir(name))
	}
	write("proof.json", canonical(p))
	write("broken.json", canonical(treeProof(6, 2, "paper")))
	keys := []byte("# ours\n" + strings.ToUpper(p.BoxKey) + " # the box\n\n" + hex.EncodeToString(logKey.Public().(ed25519.PublicKey)))
	roots := func(folder string, all ...*organisation) (where string) {
		for _, organisation := range all {
			where = write(filepath.Join(folder, organisation.msp+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: organisation.root.Raw}))
		}
		return where
	}
	all := roots("all", orderer, campus, police)
	write("all/keys.txt", keys)
	rootsOnly := roots("roots", orderer, campus, police)
	foreign := roots("foreign", orderer, campus, newOrganisation("PoliceMSP"))
	write("foreign/keys.txt", keys)
	missing := roots("missing", orderer, campus)
	write("missing/keys.txt", keys)
	write("nokeys.txt", []byte("# none\n"))
	write("nothex.txt", []byte("abc\n"))
	write("keys.txt", keys)
	noPEM := write("nopem/CampusMSP.pem", []byte("x"))
	for _, test := range []struct {
		arguments []string
		status    int
		words     string
	}{
		{[]string{path}, 0, "were not checked against any you trust"},
		{[]string{"--trust", all, path}, 0, "all keys and roots are trusted"},
		{[]string{"--trust", rootsOnly, path}, 1, "the key of general"},
		{[]string{"--trust", foreign, path}, 1, "the root of PoliceMSP on general is not among the trusted roots"},
		{[]string{"--trust", missing, path}, 1, "the root of PoliceMSP on general is not among the trusted roots"},
		{[]string{"--trust", filepath.Join(folder, "keys.txt"), path}, 1, "the root of "},
		{[]string{"--trust", filepath.Join(folder, "nokeys.txt"), path}, 2, "neither a key nor a root"},
		{[]string{"--trust", filepath.Join(folder, "nothex.txt"), path}, 2, "64 hex digits"},
		{[]string{"--trust", noPEM, path}, 2, "no PEM certificate"},
		{[]string{"--trust", filepath.Join(folder, "nowhere"), path}, 2, "nowhere"},
		{[]string{filepath.Join(folder, "nowhere")}, 2, "cannot read the proof"},
		{[]string{folder}, 2, "cannot read the proof"},
		{[]string{filepath.Join(folder, "broken.json")}, 1, "REJECTED  a ledger is of no known kind"},
		{[]string{}, 2, "usage"},
		{[]string{path, filepath.Join(folder, "broken.json")}, 1, "ACCEPTED  " + path},
		{[]string{filepath.Join(folder, "nowhere"), path}, 2, "ACCEPTED  " + path},
		{[]string{"--nothing", path}, 2, "usage"},
	} {
		var out, problems bytes.Buffer
		status := run(test.arguments, &out, &problems)
		if said := out.String() + problems.String(); status != test.status || !strings.Contains(said, test.words) ||
			strings.HasSuffix(said, "ACCEPTED\n") != (status == 0) {
			t.Errorf("%v: status %d\n%s", test.arguments, status, said)
		}
	}
}

// FuzzVerify lets anything be a file: nothing makes the program fail, and only what the box has signed is accepted.
func FuzzVerify(f *testing.F) {
	honest := honestProof()
	f.Add(canonical(mixedProof()))
	f.Add(canonical(treeProof(6, 2, "")))
	f.Add([]byte(`{"inclusions":[{"kind":"fabric"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := verify(data, trust{}); err != nil {
			return
		}
		p := parse(data)
		if p.Entry != honest.Entry || !bytes.Equal(canonical(p.Record), canonical(honest.Record)) || p.BoxKey != honest.BoxKey {
			t.Errorf("accepted %q", data)
		}
	})
}

// FuzzParts puts anything into the inner parts of a transaction that is rightly signed all around it: nothing makes the
// program fail, and what is accepted still writes the record.
func FuzzParts(f *testing.F) {
	set := marshal(&kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "inc~" + recordID, Value: []byte("{}")}}})
	for part, seed := range [][]byte{marshal(&rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{Namespace: "sentrybox", Rwset: set}}}), set,
		marshal(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{Input: &peer.ChaincodeInput{Args: [][]byte{{}}}}}),
		marshal(&peer.ChaincodeActionPayload{Action: &peer.ChaincodeEndorsedAction{}}), marshal(&peer.Transaction{Actions: []*peer.TransactionAction{{}}}), {}, {}, {}} {
		f.Add(byte(part), seed)
		f.Add(byte(part), []byte{})
		f.Add(byte(part), []byte("\xff"))
	}
	f.Fuzz(func(t *testing.T, part byte, raw []byte) {
		p := honestProof()
		m := newPlan(p)
		switch part % 8 {
		case 0:
			m.action = func(a *peer.ChaincodeAction) { a.Results = raw }
		case 1:
			m.sets = func(s *rwset.TxReadWriteSet, _ *kvrwset.KVRWSet) { s.NsRwset[0].Rwset = raw }
		case 2:
			m.input = func(i *peer.ChaincodeProposalPayload) { i.Input = raw }
		case 3:
			m.transact = func(t *peer.Transaction) { t.Actions[0].Payload = raw }
		case 4:
			m.payload = func(p *common.Payload) { p.Data = raw }
		case 5:
			m.response = func(r *peer.ProposalResponsePayload) { r.Extension = raw }
		case 6:
			m.header = func(h *common.ChannelHeader) { h.Extension = raw }
		case 7:
			m.endorser.creator = raw
		}
		steps, _, err := verify(canonical(m.put(p)), trust{})
		if err == nil && !strings.Contains(strings.Join(steps, "\n"), "inc~"+recordID+" is all it writes") {
			t.Errorf("part %d: accepted %x", part, raw)
		}
	})
}
