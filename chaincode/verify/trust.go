package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// trust is whom the reader believes: keys in hex, and by MSP the DER of CA certificates.
type trust struct {
	keys  []string
	roots map[string][][]byte
}

func readTrust(path string) (trust, error) {
	believed := trust{roots: map[string][][]byte{}}
	if path == "" {
		return believed, nil
	}
	about, err := os.Stat(path)
	if err != nil {
		return believed, err
	}
	keys, pems := path, []string{}
	if about.IsDir() {
		keys = filepath.Join(path, "keys.txt")
		if pems, err = filepath.Glob(filepath.Join(path, "*.pem")); err != nil {
			return believed, err
		}
	}
	for _, name := range pems {
		mspID := strings.TrimSuffix(filepath.Base(name), ".pem")
		if believed.roots[mspID], err = readRoots(name); err != nil {
			return believed, err
		}
	}
	content, err := os.ReadFile(keys)
	if err != nil && !(about.IsDir() && errors.Is(err, os.ErrNotExist)) {
		return believed, err
	}
	for line := range strings.Lines(string(content)) {
		key, _, _ := strings.Cut(line, "#")
		if key = strings.ToLower(strings.TrimSpace(key)); key == "" {
			continue
		}
		if !hash.MatchString(key) {
			return believed, fmt.Errorf("%s: a key is 64 hex digits a line", keys)
		}
		believed.keys = append(believed.keys, key)
	}
	if len(believed.keys)+len(believed.roots) == 0 {
		return believed, errors.New("it holds neither a key nor a root")
	}
	return believed, nil
}

func readRoots(name string) (roots [][]byte, err error) {
	rest, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for block, more := pem.Decode(rest); block != nil; block, more = pem.Decode(more) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s holds something else than certificates", name)
		}
		roots = append(roots, block.Bytes)
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("%s holds no PEM certificate", name)
	}
	return roots, nil
}

// vouch holds a proof to what the reader believes, and says how far that went.
func (t trust) vouch(p *proof) string {
	if len(t.keys)+len(t.roots) == 0 {
		return "the keys and roots were not checked against any you trust: compare them, or name yours by --trust"
	}
	require(len(t.keys) == 0 || slices.Contains(t.keys, p.BoxKey), "the key of box, %s, is not among the %d trusted keys",
		p.BoxKey, len(t.keys))
	for _, ledger := range p.Inclusions {
		if tree := ledger.tree; tree != nil {
			require(slices.Contains(t.keys, tree.Head.LogKey), "the key of %s, %s, is not among the %d trusted keys",
				tree.Head.Channel, tree.Head.LogKey, len(t.keys))
			continue
		}
		for mspID, root := range ledger.fabric.Roots {
			known := slices.ContainsFunc(t.roots[mspID], func(der []byte) bool { return bytes.Equal(der, unbase64(root)) })
			require(known, "the root of %s on %s is not among the trusted roots (%s.pem)", mspID, ledger.fabric.Channel, mspID)
		}
	}
	if len(t.keys) == 0 {
		return "all roots are trusted; the box's key was not checked against any you trust: compare it"
	}
	return "all keys and roots are trusted"
}
