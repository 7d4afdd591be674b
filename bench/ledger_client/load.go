package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/status"
)

// waiting bounds the commit statuses asked for at once: a peer refuses more than 500 calls (its
// peer.limits.concurrency.gatewayService), and the workers' own calls need some of those.
const waiting = 400

// load is so many records, by so many workers.
type load struct {
	contract       *client.Contract
	count, workers int
	pipelined      bool
}

type result struct {
	Seconds     float64   `json:"seconds"`
	LatenciesMS []float64 `json:"latencies_ms"`
}

// run records everything, or gives the first failure.
func (l load) run() (result, error) {
	latencies, failures := make([]float64, l.count), make(chan error, l.count)
	slots := make(chan struct{}, waiting)
	var next atomic.Int64
	var workers, statuses sync.WaitGroup
	begun := time.Now()
	for range l.workers {
		workers.Go(func() {
			for number := int(next.Add(1)) - 1; number < l.count && len(failures) == 0; number = int(next.Add(1)) - 1 {
				from := time.Now()
				_, commit, err := l.contract.SubmitAsync("Record", client.WithArguments(newID(), newHash(), "1", "high"))
				if err != nil {
					failures <- explained(err)
					return
				}
				finish := func() {
					if err := committed(commit); err != nil {
						failures <- err
					}
					latencies[number] = float64(time.Since(from).Microseconds()) / 1000
				}
				if !l.pipelined {
					finish()
					continue
				}
				slots <- struct{}{}
				statuses.Go(func() { finish(); <-slots })
			}
		})
	}
	workers.Wait()
	statuses.Wait()
	seconds := time.Since(begun).Seconds()
	select {
	case err := <-failures:
		return result{}, err
	default:
		return result{seconds, latencies}, nil
	}
}

func committed(commit *client.Commit) error {
	outcome, err := commit.Status()
	if err != nil {
		return explained(err)
	}
	if !outcome.Successful {
		return fmt.Errorf("transaction %s is %s in block %d", outcome.TransactionID, outcome.Code, outcome.BlockNumber)
	}
	return nil
}

// explained adds what peers and orderers said, which a gRPC error keeps apart from its message.
func explained(err error) error {
	for _, detail := range status.Convert(err).Details() {
		if said, ok := detail.(*gateway.ErrorDetail); ok {
			err = fmt.Errorf("%w; %s (%s): %s", err, said.GetAddress(), said.GetMspId(), said.GetMessage())
		}
	}
	return err
}

func newHash() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails: it ends the program instead
	return hex.EncodeToString(random)
}

// newID is a random UUID (version 4).
func newID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}
