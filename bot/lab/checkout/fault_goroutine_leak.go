package main

import (
	"io"
	"log/slog"
	"net/http"
	"runtime/pprof"
	"sync"
	"weak"
)

func init() { register(&goroutineLeak{}) }

// goroutineLeak starts a price watch for each request and never stops it.
type goroutineLeak struct {
	mu sync.Mutex
	// Weak, because a goroutine that something can still reach and wake is not leaked.
	forgotten []weak.Pointer[priceWatch]
	found     []*priceWatch
}

func (*goroutineLeak) name() string  { return "goroutine-leak" }
func (*goroutineLeak) title() string { return "Leaks two goroutines per request" }
func (*goroutineLeak) start()        {}

func (f *goroutineLeak) during(_ http.ResponseWriter, _ *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.forgotten) < maxWatches {
		f.forgotten = append(f.forgotten, weak.Make(watchBasket()))
	}
	return false
}

// free ends what was leaked. The runtime keeps a goroutine that it reported as leaked in a state of its own,
// and waking it then is fatal; a second detection, which can reach the watches again, takes them out of it.
func (f *goroutineLeak) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, forgotten := range f.forgotten {
		if watch := forgotten.Value(); watch != nil {
			f.found = append(f.found, watch)
		}
	}
	f.forgotten = nil
	if err := pprof.Lookup("goroutineleak").WriteTo(io.Discard, 0); err != nil {
		slog.Error("leaked goroutines stay", "error", err)
		return
	}
	for _, watch := range f.found {
		watch.stop()
	}
	f.found = nil
}
