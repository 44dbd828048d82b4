package main

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
)

func init() {
	register(&gcPressure{described: described{"gc-pressure", "Encodes receipts into millions of small objects", "gc-pressure"}})
}

const receiptLines = 10_000

var (
	// archivedReceipts are kept alive: a large heap full of pointers that each collection has to follow.
	archivedReceipts = [...]int{small: 256, medium: 320, large: 640}
	// garbageReceipts are dropped by each request, one after the other: what makes the collections frequent.
	garbageReceipts = [...]int{small: 20, medium: 25, large: 45}
)

// gcPressure keeps a large live heap and churns beside it.
type gcPressure struct {
	described
	archive atomic.Pointer[[]*receiptLine]
}

// A receiptLine is small on purpose: many little objects cost the collector most.
type receiptLine struct {
	text string
	next *receiptLine
}

func (f *gcPressure) start(s size) {
	archive := make([]*receiptLine, 0, archivedReceipts[s])
	for range archivedReceipts[s] {
		archive = append(archive, encodeReceipt(receiptLines))
	}
	f.archive.Store(&archive)
}

func (f *gcPressure) free() {
	f.archive.Store(nil)
	debug.FreeOSMemory()
}

func (*gcPressure) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	for range garbageReceipts[s] {
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
