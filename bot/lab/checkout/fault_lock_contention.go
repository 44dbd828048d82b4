package main

import (
	"net/http"
	"sync"
	"time"
)

func init() {
	register(&lockContention{described: described{"lock-contention", "Writes its journal under one lock", "lock-contention"}})
}

var (
	journalWriters = [...]int{small: 12, medium: 24, large: 48}
	journalWrite   = [...]time.Duration{small: 5 * time.Millisecond, medium: 8 * time.Millisecond, large: 20 * time.Millisecond}
)

// lockContention makes every request and every writer wait for one lock, which is held while something slow is done.
type lockContention struct {
	described
	journal sync.Mutex
	stop    chan struct{}
	writers sync.WaitGroup
}

func (f *lockContention) start(s size) {
	f.stop = make(chan struct{})
	for range journalWriters[s] {
		f.writers.Go(func() { f.keepJournal(f.stop, s) })
	}
}

func (f *lockContention) free() {
	close(f.stop)
	f.writers.Wait()
}

func (f *lockContention) keepJournal(stop <-chan struct{}, s size) {
	for {
		select {
		case <-stop:
			return
		default:
			f.writeJournal(journalWrite[s])
		}
	}
}

// writeJournal waits for the disk while it holds the lock: that is the mistake.
func (f *lockContention) writeJournal(disk time.Duration) {
	f.journal.Lock()
	defer f.journal.Unlock()
	time.Sleep(disk)
}

func (f *lockContention) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	f.writeJournal(journalWrite[s])
	return false
}
