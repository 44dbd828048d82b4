package main

import (
	"net/http"
	"sync"
	"sync/atomic"
)

func init() {
	register(&deadlock{described: described{"deadlock", "Takes two locks in either order", "deadlock"}})
}

// bookedRequests is of how many requests one books, and never returns.
var bookedRequests = [...]int64{small: 4, medium: 2, large: 1}

// An account is locked while it is booked on.
type account struct{ mu sync.Mutex }

// deadlock books between two accounts in both directions, each of which locks the one that the other waits for.
type deadlock struct {
	described
	shop, customer account
	met            sync.WaitGroup
	ended          sync.WaitGroup
	freed          atomic.Bool
	seen           atomic.Int64
}

func (f *deadlock) start(size) {
	f.freed.Store(false)
	f.met.Add(2)
	f.ended.Add(2)
	go f.transfer(&f.shop, &f.customer)
	go f.transfer(&f.customer, &f.shop)
	f.met.Wait()
}

// transfer locks the second account while it holds the first: in the other direction, that is the mistake.
func (f *deadlock) transfer(from, to *account) {
	defer f.ended.Done()
	from.mu.Lock()
	f.met.Done()
	f.met.Wait()
	to.mu.Lock()
	to.mu.Unlock()
	if !f.freed.Load() {
		from.mu.Unlock()
	}
}

// free lets go of what both hold, which anybody may do with a sync.Mutex: then each gets the one it waits for.
func (f *deadlock) free() {
	f.freed.Store(true)
	f.shop.mu.Unlock()
	f.customer.mu.Unlock()
	f.ended.Wait()
}

func (f *deadlock) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	if f.seen.Add(1)%bookedRequests[s] == 0 {
		f.bookOrder()
	}
	return false
}

func (f *deadlock) bookOrder() {
	f.shop.mu.Lock()
	defer f.shop.mu.Unlock()
}
