package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// channel is a channel's state and history, as a peer keeps them. Each call is a transaction of its own, committed when
// it succeeds.
type channel struct {
	name    string
	clock   int64
	number  int
	state   map[string][]byte
	history map[string][]*queryresult.KeyModification
	broken  string // the peer operation that fails, "" for none
}

func newChannel(name string) *channel {
	return &channel{name: name, clock: 1_700_000_000, state: map[string][]byte{},
		history: map[string][]*queryresult.KeyModification{}}
}

// outcome is what one transaction answered and did.
type outcome struct {
	status           int32
	message, payload string
	writes, events   map[string]string
	transaction      string
}

// call runs one transaction and commits it, second by second.
func (c *channel) call(t testing.TB, creator []byte, arguments ...string) outcome {
	t.Helper()
	c.number++
	c.clock++
	call := &transaction{channel: c, id: fmt.Sprintf("%064x", c.number), creator: creator,
		writes: map[string]string{}, events: map[string]string{}}
	for _, argument := range arguments {
		call.arguments = append(call.arguments, []byte(argument))
	}
	response := Contract{}.Invoke(call)
	if call.ranged && len(call.writes) > 0 {
		t.Errorf("%s reads a range and writes: it would be invalidated by phantoms", arguments[0])
	}
	if response.GetStatus() < shim.ERRORTHRESHOLD {
		for key, value := range call.writes {
			c.state[key] = []byte(value)
			c.history[key] = append(c.history[key], &queryresult.KeyModification{TxId: call.id, Value: []byte(value),
				Timestamp: &timestamppb.Timestamp{Seconds: c.clock}})
		}
	}
	return outcome{response.GetStatus(), response.GetMessage(), string(response.GetPayload()), call.writes, call.events, call.id}
}

// transaction is the stub of one call. What it does not have (private data, other chaincodes, deletion, queries with
// pages) panics: this contract has no business with it.
type transaction struct {
	shim.ChaincodeStubInterface
	channel        *channel
	id             string
	creator        []byte
	arguments      [][]byte
	writes, events map[string]string
	ranged         bool
}

func (t *transaction) GetArgs() [][]byte    { return t.arguments }
func (t *transaction) GetTxID() string      { return t.id }
func (t *transaction) GetChannelID() string { return t.channel.name }

func (t *transaction) GetCreator() ([]byte, error) { return t.creator, t.failing("GetCreator") }

func (t *transaction) failing(operation string) error {
	if t.channel.broken == operation {
		return errors.New("out of order")
	}
	return nil
}

func (t *transaction) GetState(key string) ([]byte, error) {
	return t.channel.state[key], t.failing("GetState")
}

func (t *transaction) PutState(key string, value []byte) error {
	if _, twice := t.writes[key]; twice {
		return fmt.Errorf("%s is written twice", key)
	}
	t.writes[key] = string(value)
	return t.failing("PutState")
}

func (t *transaction) SetEvent(name string, payload []byte) error {
	t.events[name] = string(payload)
	return t.failing("SetEvent")
}

func (t *transaction) GetStateByRange(start, end string) (shim.StateQueryIteratorInterface, error) {
	t.ranged = true
	var keys []string
	for key := range t.channel.state {
		if start <= key && key < end {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	found := &iterator[*queryresult.KV]{failure: t.failing("Next")}
	for _, key := range keys {
		found.items = append(found.items, &queryresult.KV{Key: key, Value: t.channel.state[key]})
	}
	return found, t.failing("GetStateByRange")
}

func (t *transaction) GetHistoryForKey(key string) (shim.HistoryQueryIteratorInterface, error) {
	items := slices.Clone(t.channel.history[key])
	slices.Reverse(items) // a peer tells the newest first
	failure := error(nil)
	if strings.HasPrefix(key, "inc~") {
		failure = t.failing("NextHistory")
	}
	return &iterator[*queryresult.KeyModification]{items, failure}, t.failing("GetHistoryForKey")
}

type iterator[T any] struct {
	items   []T
	failure error
}

func (i *iterator[T]) HasNext() bool { return len(i.items) > 0 }
func (i *iterator[T]) Close() error  { return nil }

func (i *iterator[T]) Next() (T, error) {
	item := i.items[0]
	i.items = i.items[1:]
	return item, i.failure
}
