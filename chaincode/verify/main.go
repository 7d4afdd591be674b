// sentrybox-verify checks an exported proof with no network, and shares no code with `sentrybox verify`: two programs by
// which two parties can come to the same answer.
//
//	sentrybox-verify [--trust FOLDER|FILE] PROOF
//
// FOLDER holds the CA certificates that one believes as MSPID.pem, and Ed25519 keys of boxes and logs in keys.txt, one
// hex key a line; FILE is such a file of keys alone. Exit status: 0 the proof holds, 1 it does not, 2 a file cannot be read.
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
	if err := options.Parse(arguments); err != nil || options.NArg() != 1 {
		fmt.Fprintln(problems, "usage: sentrybox-verify [--trust FOLDER|FILE] PROOF")
		return 2
	}
	believed, err := readTrust(*path)
	if err != nil {
		fmt.Fprintf(problems, "cannot use --trust %s: %v\n", *path, err)
		return 2
	}
	file, err := os.Open(options.Arg(0))
	if err != nil {
		fmt.Fprintln(problems, "cannot read the proof:", err)
		return 2
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		fmt.Fprintln(problems, "cannot read the proof:", err)
		return 2
	}
	steps, unproven, err := verify(data, believed)
	if err != nil {
		fmt.Fprintln(out, "REJECTED ", err)
		return 1
	}
	for _, step := range steps {
		fmt.Fprintln(out, "ok ", step)
	}
	for _, thing := range unproven {
		fmt.Fprintln(out, "not shown: ", thing)
	}
	fmt.Fprintln(out, "ACCEPTED")
	return 0
}
