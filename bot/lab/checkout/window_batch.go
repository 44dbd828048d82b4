package main

import (
	"crypto/sha256"
	"sync"
	"time"
)

func init() {
	register(&batch{described: described{"batch", "Adds up the month on one core, beside its customers", healthy}})
}

// batchShare is of each tenth of a second.
var batchShare = [...]time.Duration{small: 30 * time.Millisecond, medium: 55 * time.Millisecond, large: 80 * time.Millisecond}

type batch struct {
	described
	stop chan struct{}
	done sync.WaitGroup
}

func (b *batch) start(s size) {
	b.stop = make(chan struct{})
	b.done.Go(func() { b.addUp(batchShare[s], b.stop) })
}

func (b *batch) free() {
	close(b.stop)
	b.done.Wait()
}

func (b *batch) addUp(share time.Duration, stop <-chan struct{}) {
	piece := time.NewTicker(100 * time.Millisecond)
	defer piece.Stop()
	var month [sha256.Size]byte
	for {
		for began := time.Now(); time.Since(began) < share; {
			month = addDay(month)
		}
		select {
		case <-stop:
			return
		case <-piece.C:
		}
	}
}

//go:noinline
func addDay(month [sha256.Size]byte) [sha256.Size]byte {
	for range 1000 {
		month = sha256.Sum256(month[:])
	}
	return month
}
