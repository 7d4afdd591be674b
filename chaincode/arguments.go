package main

import (
	"regexp"
	"strconv"
	"strings"
)

// parameter is one argument: its name, its longest text, what is allowed in words, and the test of it.
type parameter struct {
	name    string
	longest int
	allowed string
	valid   func(string) bool
}

const maxLeaves = 1_000_000

var (
	id = parameter{"id", 36, "a UUID in lower case, 36 characters",
		matches(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)}
	commitment    = parameter{"commitment", 64, "64 hexadecimal digits in lower case", matches(`[0-9a-f]{64}`)}
	root          = parameter{"root", 64, "64 hexadecimal digits in lower case", matches(`[0-9a-f]{64}`)}
	schemaVersion = parameter{"schema version", 1, "1", matches(`1`)}
	severity      = parameter{"severity", 8, "low, medium, high or critical", matches(`low|medium|high|critical`)}
	leaves        = parameter{"leaves", 7, "a whole number from 1 to 1000000, without leading zeros", isLeafCount}
)

// checked gives the arguments as text. They are all bounded and of a few characters each, so nothing that is stored or
// answered ever needs escaping.
func checked(parameters []parameter, given [][]byte) ([]string, error) {
	if len(given) != len(parameters) {
		return nil, badArguments("%d arguments were given; %d are wanted: %s", len(given), len(parameters), listed(parameters))
	}
	arguments := make([]string, len(given))
	for index, wanted := range parameters {
		if len(given[index]) > wanted.longest || !wanted.valid(string(given[index])) {
			return nil, badArguments("argument %d, the %s, must be %s; %d bytes were given that are not",
				index+1, wanted.name, wanted.allowed, len(given[index]))
		}
		arguments[index] = string(given[index])
	}
	return arguments, nil
}

func listed(parameters []parameter) string {
	names := make([]string, len(parameters))
	for index, wanted := range parameters {
		names[index] = wanted.name
	}
	return strings.Join(names, ", ")
}

// matches tests the whole text: \z, because $ also matches before a final line feed.
func matches(pattern string) func(string) bool {
	return regexp.MustCompile(`\A(?:` + pattern + `)\z`).MatchString
}

func isLeafCount(text string) bool {
	count, err := strconv.Atoi(text)
	return err == nil && 1 <= count && count <= maxLeaves && strconv.Itoa(count) == text
}
