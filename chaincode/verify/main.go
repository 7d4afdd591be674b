// sentrybox-verify checks an exported proof with no network, and shares no code with `sentrybox verify`: two programs by
// which two parties can come to the same answer.
//
//	sentrybox-verify [--trust FOLDER|FILE] PROOF...
//
// FOLDER holds the CA certificates that one believes as MSPID.pem, and Ed25519 keys of boxes and logs in keys.txt, one
// hex key a line; FILE is such a file of keys alone. Of several proofs each gets a line. Exit status: 0 the proof holds,
// 1 it does not, 2 a file cannot be read; of several, the worst.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

const maxBytes = 1 << 20

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(arguments []string, out, problems io.Writer) int {
	options := flag.NewFlagSet("sentrybox-verify", flag.ContinueOnError)
	options.SetOutput(problems)
	path := options.String("trust", "", "folder of MSPID.pem and keys.txt, or a file of keys, that you trust")
	if err := options.Parse(arguments); err != nil || options.NArg() == 0 {
		fmt.Fprintln(problems, "usage: sentrybox-verify [--trust FOLDER|FILE] PROOF...")
		return 2
	}
	believed, err := readTrust(*path)
	if err != nil {
		fmt.Fprintf(problems, "cannot use --trust %s: %v\n", *path, err)
		return 2
	}
	status := 0
	for _, name := range options.Args() {
		status = max(status, verifyFile(name, believed, options.NArg() > 1, out, problems))
	}
	return status
}

// verifyFile prints what there is to say of one file, or, being one of many, just its verdict in a line.
func verifyFile(name string, believed trust, ofMany bool, out, problems io.Writer) int {
	data, err := read(name)
	if err != nil {
		fmt.Fprintln(problems, "cannot read the proof:", err)
		return 2
	}
	steps, unproven, err := verify(data, believed)
	switch {
	case err != nil && ofMany:
		fmt.Fprintf(out, "REJECTED  %s: %v\n", name, err)
	case err != nil:
		fmt.Fprintln(out, "REJECTED ", err)
	case ofMany:
		fmt.Fprintln(out, "ACCEPTED ", name)
	default:
		for _, step := range steps {
			fmt.Fprintln(out, "ok ", step)
		}
		for _, thing := range unproven {
			fmt.Fprintln(out, "not shown ", thing)
		}
		fmt.Fprintln(out, "ACCEPTED")
	}
	if err != nil {
		return 1
	}
	return 0
}

func read(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxBytes+1))
}
