package main

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
)

func init() {
	register(&heapGrowth{described: described{"heap-growth", "Remembers every session for ever", "heap-growth"}})
}

var (
	sessionBytes = [...]int{small: 256 << 10, medium: 1 << 20, large: 3 << 20} // by each request
	mostBytes    = [...]int{small: 512 << 20, medium: 1 << 30, large: 2 << 30} // beyond, the machine would suffer
)

const pageBytes = 16 << 10

// heapGrowth keeps what every request has seen.
type heapGrowth struct {
	described
	mu       sync.Mutex
	sessions map[string][][]byte
	bytes    int
	growing  bool
}

func (f *heapGrowth) start(size) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions = map[string][][]byte{}
	f.growing = true
}

func (f *heapGrowth) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions, f.bytes, f.growing = nil, 0, false
	go debug.FreeOSMemory()
}

func (f *heapGrowth) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.growing && f.bytes < mostBytes[s] {
		f.sessions["session-"+strconv.Itoa(f.bytes)] = rememberPages(sessionBytes[s] / pageBytes)
		f.bytes += sessionBytes[s]
	}
	return false
}

//go:noinline
func rememberPages(count int) [][]byte {
	pages := make([][]byte, count)
	for n := range pages {
		pages[n] = make([]byte, pageBytes)
		for at := 0; at < pageBytes; at += 1024 {
			pages[n][at] = byte(n)
		}
	}
	return pages
}
