package main

import "fmt"

// A failure's message begins with the code that clients go by. A message without a code is the peer's own trouble (its
// state could not be read), and worth another try.

func badArguments(format string, values ...any) error {
	return fmt.Errorf("BADARGS: "+format, values...)
}

func notFound(format string, values ...any) error {
	return fmt.Errorf("NOTFOUND: "+format, values...)
}

func conflict(format string, values ...any) error {
	return fmt.Errorf("CONFLICT: "+format, values...)
}

func forbidden(format string, values ...any) error {
	return fmt.Errorf("FORBIDDEN: "+format, values...)
}
