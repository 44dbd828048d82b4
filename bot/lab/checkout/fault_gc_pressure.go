package main

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
)

func init() { register(&gcPressure{}) }

const (
	receiptLines     = 10_000
	archivedReceipts = 384 // kept alive: a large heap full of pointers that each collection has to follow
	garbageReceipts  = 30  // dropped by each request, one after the other: what makes the collections frequent
)

// gcPressure keeps a large live heap and churns beside it.
type gcPressure struct {
	archive atomic.Pointer[[]*receiptLine]
}

// A receiptLine is small on purpose: many little objects cost the collector most.
type receiptLine struct {
	text string
	next *receiptLine
}

func (*gcPressure) name() string  { return "gc-pressure" }
func (*gcPressure) title() string { return "Encodes receipts into millions of small objects" }

func (f *gcPressure) start() {
	archive := make([]*receiptLine, 0, archivedReceipts)
	for range archivedReceipts {
		archive = append(archive, encodeReceipt(receiptLines))
	}
	f.archive.Store(&archive)
}

func (f *gcPressure) free() {
	f.archive.Store(nil)
	debug.FreeOSMemory()
}

func (*gcPressure) during(_ http.ResponseWriter, _ *http.Request) bool {
	for range garbageReceipts {
		encodeReceipt(receiptLines)
	}
	return false
}

//go:noinline
func encodeReceipt(lines int) *receiptLine {
	var last *receiptLine
	for n := range lines {
		last = &receiptLine{text: strconv.Itoa(1_000_000 + n), next: last}
	}
	return last
}
