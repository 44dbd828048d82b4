package main

import (
	"net/http"
	"strconv"
)

func init() {
	register(&allocChurn{described{"alloc-churn", "Makes a fresh buffer for every line it prints", "alloc-churn"}})
}

// printedLines are what each request prints.
var printedLines = [...]int{small: 60_000, medium: 120_000, large: 300_000}

const (
	lineRoom     = 256 // bytes made for a line that needs a few
	linesInSight = 8   // all that is alive at a time: the collector finds little, and comes often
)

// allocChurn makes a fresh buffer for every line and keeps none.
type allocChurn struct{ described }

func (*allocChurn) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	printReceipt(printedLines[s])
	return false
}

//go:noinline
func printReceipt(lines int) {
	recent := make([][]byte, linesInSight)
	for n := range lines {
		recent[n%linesInSight] = strconv.AppendInt(make([]byte, 0, lineRoom), int64(n), 10)
	}
}
