package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

func init() {
	register(&timeoutMismatch{impatient: customers{number: 40, path: "/", patience: 500 * time.Millisecond}})
}

// stockAnswer is far beyond what a customer waits for.
const stockAnswer = 8 * time.Second

// timeoutMismatch works longer for each request than its customers wait, and does not look whether they left.
type timeoutMismatch struct {
	impatient customers
	slow      atomic.Bool
}

func (*timeoutMismatch) name() string  { return "timeout-mismatch" }
func (*timeoutMismatch) title() string { return "Works on for customers who gave up long ago" }

func (f *timeoutMismatch) start() {
	f.slow.Store(true)
	f.impatient.invited()
}

func (f *timeoutMismatch) free() {
	f.slow.Store(false)
	f.impatient.sendHome()
}

func (f *timeoutMismatch) during(_ http.ResponseWriter, r *http.Request) bool {
	f.impatient.follow(r)
	f.waitForStock()
	return false
}

// waitForStock takes no context: that is the mistake.
func (f *timeoutMismatch) waitForStock() {
	for waited := time.Duration(0); waited < stockAnswer && f.slow.Load(); waited += lookEvery {
		time.Sleep(lookEvery)
	}
}
