// ledger-client is what bench/ledger.py measures our Python client against: the same records on the same network by
// Hyperledger's own Go client, used as its documentation does.
//
//	ledger-client --profile profiles/campus.json --channel police --mode one|pipelined --count N --workers W
//
// one: each of W workers records, waits for the commit, and goes on. pipelined: each worker endorses and submits one
// record after the other, and commit statuses are waited for meanwhile. Output: {"seconds": .., "latencies_ms": [..]},
// the latency of a record being from before its endorsement to the answer about its commit. Exit status 1 with a message
// when any record is not committed as VALID: a figure with failures in it is none.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	path := flag.String("profile", "", "connection profile")
	channel := flag.String("channel", "police", "general or police")
	mode := flag.String("mode", "one", "one or pipelined")
	count := flag.Int("count", 100, "records")
	workers := flag.Int("workers", 1, "workers")
	flag.Parse()
	if *path == "" || flag.NArg() > 0 || *count < 1 || *workers < 1 || *mode != "one" && *mode != "pipelined" {
		fmt.Fprintln(os.Stderr, "ledger-client: --profile is wanted, --mode one or pipelined, --count and --workers from 1")
		flag.Usage()
		os.Exit(2)
	}
	result, err := measured(*path, *channel, *mode == "pipelined", *count, *workers)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledger-client:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, "ledger-client:", err)
		os.Exit(1)
	}
}

func measured(path, channel string, pipelined bool, count, workers int) (result, error) {
	profile, err := readProfile(path)
	if err != nil {
		return result{}, err
	}
	gateway, err := profile.connect(channel)
	if err != nil {
		return result{}, err
	}
	defer gateway.Close()
	return load{gateway.GetNetwork(channel).GetContract(profile.Chaincode), count, workers, pipelined}.run()
}
