package main

import "fmt"

// rejection is why a proof does not hold. Checks stop at the first by a panic that verify turns into an error: a proof
// is some fifty checks in a row, and so each stays one line.
type rejection string

func (r rejection) Error() string { return string(r) }

func require(holds bool, otherwise string, values ...any) {
	if !holds {
		panic(rejection(fmt.Sprintf(otherwise, values...)))
	}
}

func requireNo(err error, what string, values ...any) {
	require(err == nil, "%s: %v", fmt.Sprintf(what, values...), err)
}

// rejected runs the checks and gives the first that failed.
func rejected(checks func()) (failed error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case rejection:
			failed = reason
		default:
			panic(reason)
		}
	}()
	checks()
	return nil
}

func say(words string, values ...any) string { return fmt.Sprintf(words, values...) }
