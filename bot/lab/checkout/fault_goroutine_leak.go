package main

import (
	"io"
	"log/slog"
	"net/http"
	"runtime/pprof"
	"sync"
	"weak"
)

func init() {
	register(&goroutineLeak{described: described{"goroutine-leak", "Leaks two goroutines per request", "goroutine-leak"}})
}

var (
	leakingRequests = [...]int64{small: 8, medium: 1, large: 1} // of so many, one leaks
	leakedWatches   = [...]int{small: 1, medium: 1, large: 20}
)

// goroutineLeak starts price watches for a request and never stops them.
type goroutineLeak struct {
	described
	mu      sync.Mutex
	leaking bool
	seen    int64
	// Weak, because a goroutine that something can still reach and wake is not leaked.
	forgotten []weak.Pointer[priceWatch]
	found     []*priceWatch
}

func (f *goroutineLeak) start(size) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaking = true
}

func (f *goroutineLeak) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen++
	if !f.leaking || f.seen%leakingRequests[s] != 0 {
		return false
	}
	for range leakedWatches[s] {
		if watch := watchBasket(); watch.running {
			f.forgotten = append(f.forgotten, weak.Make(watch))
		}
	}
	return false
}

// free stops the last watch apart from the others: Go 1.27 never counts its leaked goroutines down to
// none, so that after them all at once its profile would go on reporting their number, without stacks.
func (f *goroutineLeak) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaking = false
	last := max(0, len(f.forgotten)-1)
	f.stop(f.forgotten[:last])
	f.stop(f.forgotten[last:])
	f.forgotten = nil
}

// stop ends what was leaked. The runtime keeps a goroutine that it reported as leaked in a state of its own,
// and waking it then is fatal; another detection, which can reach the watches again, takes it out of that state.
func (f *goroutineLeak) stop(forgotten []weak.Pointer[priceWatch]) {
	for _, one := range forgotten {
		if watch := one.Value(); watch != nil {
			f.found = append(f.found, watch)
		}
	}
	if err := pprof.Lookup("goroutineleak").WriteTo(io.Discard, 0); err != nil {
		slog.Error("leaked goroutines stay", "error", err)
		return
	}
	for _, watch := range f.found {
		watch.stop()
	}
	f.found = nil
}
