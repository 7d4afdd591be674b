package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
)

// treeInclusion says that the record is leaf Index of the tree of a signed head (the embedded log).
type treeInclusion struct {
	Kind   string       `json:"kind,omitempty"`
	Record ledgerRecord `json:"record"`
	Index  int64        `json:"index"`
	Path   []string     `json:"path"`
	Head   struct {
		treeHead
		Signature string `json:"signature"`
	} `json:"head"`
}

type treeHead struct {
	Channel string `json:"channel"`
	Size    int64  `json:"size"`
	Root    string `json:"root"`
	At      string `json:"at"`
	LogKey  string `json:"log_key"`
}

func (t *treeInclusion) check(link entry) (steps, unproven []string) {
	head := t.Head
	t.Record.checkAbout(link, head.Channel)
	require(0 <= head.Size && head.Size <= maxNumber && hash.MatchString(head.Root) && hash.MatchString(head.LogKey) &&
		isInstant(head.At) && signature.MatchString(head.Signature),
		"the tree head of %s has a field that is not in its form", head.Channel)
	signed := append([]byte("sentrybox/tree-head/v1\x00"), canonical(head.treeHead)...)
	require(ed25519.Verify(unhex(head.LogKey), signed, unhex(head.Signature)),
		"the tree head of %s is not signed by key %s", head.Channel, head.LogKey)
	require(bytes.Equal(rootFrom(t.Record.leaf(), t.Index, head.Size, t.Path), unhex(head.Root)),
		"the record is not leaf %d of the log %s", t.Index, head.Channel)
	return []string{say("it is leaf %d of the %d of log %s at %s, key %s", t.Index, head.Size, head.Channel, head.At, head.LogKey)},
		[]string{"that the log shows everybody the same tree: whoever holds its key can keep two; compare heads with others"}
}

// leaf is the record's leaf hash (RFC 6962 section 2.1).
func (r ledgerRecord) leaf() []byte {
	sum := sha256.Sum256(append([]byte{0}, canonical(r)...))
	return sum[:]
}

// rootFrom climbs from a leaf to the root of a tree of size leaves (RFC 6962 section 2.1.1): path begins at the leaf.
func rootFrom(leaf []byte, index, size int64, path []string) []byte {
	require(0 <= index && index < size, "leaf %d is not in a tree of %d", index, size)
	require(path != nil, "the inclusion path is null")
	for _, step := range path {
		require(hash.MatchString(step), "a step of the inclusion path is not 64 hex digits")
	}
	for ; size > 1; index, size = index/2, (size+1)/2 {
		if index%2 == 0 && index == size-1 {
			continue // the last of an odd number: it has no sibling here and rises as it is
		}
		require(len(path) > 0, "the inclusion path is too short for this tree")
		if index%2 == 0 {
			leaf = nodeHash(leaf, unhex(path[0]))
		} else {
			leaf = nodeHash(unhex(path[0]), leaf)
		}
		path = path[1:]
	}
	require(len(path) == 0, "the inclusion path is too long for this tree")
	return leaf
}

func nodeHash(left, right []byte) []byte {
	sum := sha256.Sum256(bytes.Join([][]byte{{1}, left, right}, nil))
	return sum[:]
}

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	requireNo(err, "not hexadecimal")
	return data
}
