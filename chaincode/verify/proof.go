package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

type proof struct {
	V          int             `json:"v"`
	Kind       string          `json:"kind"`
	Record     json.RawMessage `json:"record"`
	Salt       string          `json:"salt"`
	Entry      signedEntry     `json:"entry"`
	BoxKey     string          `json:"box_key"`
	Inclusions []inclusion     `json:"inclusions"`
}

type signedEntry struct {
	Entry     entry  `json:"entry"`
	Signature string `json:"signature"`
}

// entry is one link of the box's chain.
type entry struct {
	V          int    `json:"v"`
	Device     string `json:"device"`
	Sequence   int64  `json:"sequence"`
	Previous   string `json:"previous"`
	RecordType string `json:"record_type"`
	RecordID   string `json:"record_id"`
	Commitment string `json:"commitment"`
	At         string `json:"at"`
}

// ledgerRecord is what went on a ledger: the chain entry's hash under the record's id.
type ledgerRecord struct {
	ID            string `json:"id"`
	Commitment    string `json:"commitment"`
	SchemaVersion int    `json:"schema_version"`
	Severity      string `json:"severity"`
}

// inclusion is one of two: in the embedded signed log, or in a block of Fabric.
type inclusion struct {
	tree   *treeInclusion
	fabric *fabricInclusion
}

func (i *inclusion) UnmarshalJSON(data []byte) error {
	var named struct{ Kind string }
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	if named.Kind == "fabric" {
		return json.Unmarshal(data, &i.fabric)
	}
	return json.Unmarshal(data, &i.tree)
}

func (i inclusion) MarshalJSON() ([]byte, error) {
	if i.fabric != nil {
		return json.Marshal(i.fabric)
	}
	return json.Marshal(i.tree)
}

const maxNumber = 1<<53 - 1

var (
	hash      = regexp.MustCompile(`\A[0-9a-f]{64}\z`)
	signature = regexp.MustCompile(`\A[0-9a-f]{128}\z`)
	uuid      = regexp.MustCompile(`\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z`)
	device    = regexp.MustCompile(`\A[a-z0-9][a-z0-9-]{0,62}\z`)
	severity  = regexp.MustCompile(`\A(low|medium|high|critical)\z`)
	channels  = regexp.MustCompile(`\A(general|police)\z`)

	// fields of a record by its type. Their values are under the commitment, so they are the box's word as they stand.
	fields = map[string]string{
		"incident": "at camera description device evidence id kind location people sequence severity",
		"action":   "assignee at by id incident note verb",
		"log":      "at by description device id kind location severity",
	}
)

// verify gives each step in words and what the proof does not show, or the first check that failed.
func verify(data []byte, believed trust) (steps, unproven []string, err error) {
	err = rejected(func() {
		p := parse(data)
		steps = p.checkEntry()
		require(len(p.Inclusions) > 0, "the proof names no ledger: the record was not anchored when it was exported")
		unproven = []string{"that what the record says is true: only that the box wrote it down so"}
		for _, ledger := range p.Inclusions {
			var more, limits []string
			if ledger.fabric != nil {
				more, limits = ledger.fabric.check(p.Entry.Entry)
			} else {
				more, limits = ledger.tree.check(p.Entry.Entry)
			}
			steps = append(steps, more...)
			for _, limit := range limits {
				if !slices.Contains(unproven, limit) {
					unproven = append(unproven, limit)
				}
			}
		}
		steps = append(steps, believed.vouch(p))
	})
	return steps, unproven, err
}

// parse reads the file. What was read is written again and must give the same bytes: so a field that is unknown,
// missing, doubled or spelled in another case (encoding/json would take it) is noticed, and every byte accounted for.
func parse(data []byte) *proof {
	require(len(data) <= maxBytes, "the file has more than the %d bytes of the largest proof", maxBytes)
	require(utf8.Valid(data), "the file is not UTF-8 text")
	p := new(proof)
	requireNo(json.Unmarshal(data, p), "the file is not a proof")
	require(bytes.Equal(canonical(p), data),
		"the file is not the canonical bytes (RFC 8785) of a proof: something was changed or reformatted")
	require(p.V == 1 && p.Kind == "sentrybox-proof",
		"the file is a %q of version %d, not a sentrybox-proof of version 1", p.Kind, p.V)
	require(hash.MatchString(p.Salt), "the salt is not 64 hex digits")
	require(hash.MatchString(p.BoxKey), "the box's key is not 64 hex digits")
	named := slices.ContainsFunc(p.Inclusions, func(i inclusion) bool {
		return i.fabric != nil || i.tree != nil && i.tree.Kind != ""
	})
	for _, ledger := range p.Inclusions {
		require(ledger.fabric != nil || ledger.tree != nil, "a ledger is null")
		// Proofs from before there were two kinds of ledger name none, on no ledger.
		require(ledger.fabric != nil || ledger.tree.Kind == "tree" || !named && ledger.tree.Kind == "",
			"a ledger is of no known kind")
	}
	return p
}

// canonical gives the RFC 8785 bytes of a value.
func canonical(value any) []byte {
	data, err := json.Marshal(value)
	requireNo(err, "it cannot be written as JSON")
	data, err = jcs.Transform(data)
	requireNo(err, "it cannot be written as canonical JSON")
	return data
}

func (p *proof) checkEntry() []string {
	signed, link := p.Entry, p.Entry.Entry
	require(link.V == 1 && device.MatchString(link.Device) && 1 <= link.Sequence && link.Sequence <= maxNumber &&
		hash.MatchString(link.Previous) && uuid.MatchString(link.RecordID) && hash.MatchString(link.Commitment) &&
		isInstant(link.At), "the chain entry has a field that is not in its form")
	record := map[string]any{}
	requireNo(json.Unmarshal(p.Record, &record), "the record is not an object")
	names := slices.Sorted(maps.Keys(record))
	require(fields[link.RecordType] != "" && strings.Join(names, " ") == fields[link.RecordType],
		"the record does not have the fields of the type %q that the chain entry names", link.RecordType)
	sum := tagged("sentrybox/record/v1", unhex(p.Salt), canonical(p.Record))
	require(hex.EncodeToString(sum) == link.Commitment, "the record is not the one that was committed to")
	require(record["id"] == link.RecordID, "the chain entry is about another record")
	require(signature.MatchString(signed.Signature) &&
		ed25519.Verify(unhex(p.BoxKey), link.hash(), unhex(signed.Signature)),
		"entry %d of %s is not signed by key %s", link.Sequence, link.Device, p.BoxKey)
	return []string{
		say("record %s (%s) is the one committed to: its content is unchanged", link.RecordID, link.RecordType),
		say("box %s signed it as number %d of its chain, key %s", link.Device, link.Sequence, p.BoxKey),
	}
}

func (e entry) hash() []byte { return tagged("sentrybox/entry/v1", canonical(e)) }

// checkAbout holds what a ledger keeps to the chain entry.
func (r ledgerRecord) checkAbout(link entry, channel string) {
	require(channels.MatchString(channel), "there is no channel %q", channel)
	require(r.SchemaVersion == 1 && severity.MatchString(r.Severity),
		"the ledger entry on %s has a field that is not in its form", channel)
	require(r.ID == link.RecordID && r.Commitment == hex.EncodeToString(link.hash()),
		"the ledger entry on %s is about another record", channel)
}

// tagged is SHA-256 over a domain tag, a zero byte and the parts.
func tagged(tag string, parts ...[]byte) []byte {
	sum := sha256.Sum256(append([]byte(tag+"\x00"), bytes.Join(parts, nil)...))
	return sum[:]
}

func isInstant(text string) bool {
	const form = "2006-01-02T15:04:05.000Z"
	at, err := time.Parse(form, text)
	return err == nil && at.Year() >= 1 && at.Format(form) == text
}
