package main

import (
	"net/http"
	"strconv"
)

func init() { register(&allocChurn{}) }

const (
	printedLines = 120_000 // by each request
	lineRoom     = 256     // bytes made for a line that needs a few
	linesInSight = 8       // all that is alive at a time: the collector finds little, and comes often
)

// allocChurn makes a fresh buffer for every line and keeps none.
type allocChurn struct{}

func (*allocChurn) name() string  { return "alloc-churn" }
func (*allocChurn) title() string { return "Makes a fresh buffer for every line it prints" }
func (*allocChurn) start()        {}
func (*allocChurn) free()         {}

func (*allocChurn) during(_ http.ResponseWriter, _ *http.Request) bool {
	printReceipt(printedLines)
	return false
}

//go:noinline
func printReceipt(lines int) {
	recent := make([][]byte, linesInSight)
	for n := range lines {
		recent[n%linesInSight] = strconv.AppendInt(make([]byte, 0, lineRoom), int64(n), 10)
	}
}
