package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

func init() {
	register(&timeoutMismatch{
		described: described{"timeout-mismatch", "Works on for customers who gave up long ago", "timeout-mismatch"},
	})
}

var (
	impatientCustomers = [...]int{small: 16, medium: 40, large: 80}
	// stockAnswer is far beyond what a customer waits for.
	stockAnswer = [...]time.Duration{small: 5 * time.Second, medium: 8 * time.Second, large: 12 * time.Second}
)

const patience = 500 * time.Millisecond

// timeoutMismatch works longer for each request than its customers wait, and does not look whether they left.
type timeoutMismatch struct {
	described
	impatient crowd
	slow      atomic.Bool
}

func (f *timeoutMismatch) start(s size) {
	f.slow.Store(true)
	f.impatient.Number, f.impatient.Path, f.impatient.Manner, f.impatient.Pause = impatientCustomers[s], "/", leaves, patience
	f.impatient.invited()
}

func (f *timeoutMismatch) free() {
	f.slow.Store(false)
	f.impatient.sendHome()
}

func (f *timeoutMismatch) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	f.waitForStock(stockAnswer[s])
	return false
}

// waitForStock takes no context: that is the mistake.
func (f *timeoutMismatch) waitForStock(answer time.Duration) {
	for waited := time.Duration(0); waited < answer && f.slow.Load(); waited += lookEvery {
		time.Sleep(lookEvery)
	}
}
