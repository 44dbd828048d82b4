package main

import (
	"sync"
	"time"
)

func init() {
	register(&shortLocks{described: described{"short-locks", "Counts under one lock, for microseconds and very often", healthy}})
}

var counters = [...]int{small: 16, medium: 48, large: 120} // each counts a thousand times a second

type shortLocks struct {
	described
	mu     sync.Mutex
	counts map[int]int
	stop   chan struct{}
	done   sync.WaitGroup
}

func (l *shortLocks) start(s size) {
	l.stop, l.counts = make(chan struct{}), map[int]int{}
	for n := range counters[s] {
		l.done.Go(func() { l.keepCounting(n, l.stop) })
	}
}

func (l *shortLocks) free() {
	close(l.stop)
	l.done.Wait()
}

func (l *shortLocks) keepCounting(n int, stop <-chan struct{}) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			for range 5 {
				l.count(n)
			}
		}
	}
}

func (l *shortLocks) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[n]++
}
