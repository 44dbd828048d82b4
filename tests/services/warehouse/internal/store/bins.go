package store

import (
	"sync"
	"sync/atomic"
)

// Bin is a box on a shelf; whoever takes or puts something holds its lock.
type Bin struct {
	mu       sync.Mutex
	contents int
}

// Bins are two in every zone: one to pick from, one to refill it.
type Bins struct {
	pick, reserve [Zones]Bin
}

// NewBins gives filled bins.
func NewBins() *Bins {
	b := &Bins{}
	for zone := range Zones {
		b.pick[zone].contents, b.reserve[zone].contents = 100, 1000
	}
	return b
}

// InZone counts what both bins of a zone hold.
func (b *Bins) InZone(zone int) int {
	pick, reserve := &b.pick[zone], &b.reserve[zone]
	pick.mu.Lock()
	defer pick.mu.Unlock()
	reserve.mu.Lock()
	defer reserve.mu.Unlock()
	return pick.contents + reserve.contents
}

// Refill moves goods from a zone's reserve to where they are picked.
func (b *Bins) Refill(zone, count int, booked func()) *Transfer {
	return &Transfer{from: &b.reserve[zone], to: &b.pick[zone], count: count, booked: booked}
}

// Return moves goods from where they are picked back to the reserve.
func (b *Bins) Return(zone, count int, booked func()) *Transfer {
	return &Transfer{from: &b.pick[zone], to: &b.reserve[zone], count: count, booked: booked}
}

// Transfer moves goods from one bin to another.
type Transfer struct {
	from, to *Bin
	count    int
	booked   func() // called between taking and putting

	holding  atomic.Bool
	done     atomic.Bool
	released atomic.Bool // whoever sets it unlocks the bin that was taken from
}

// Run takes from one bin and puts into the other; both stay locked until both are right.
func (t *Transfer) Run() {
	t.from.mu.Lock()
	t.holding.Store(true)
	t.booked()
	t.to.mu.Lock()
	t.from.contents -= t.count
	t.to.contents += t.count
	t.to.mu.Unlock()
	t.done.Store(true)
	t.release()
}

// Done tells whether both bins are right.
func (t *Transfer) Done() bool { return t.done.Load() }

// Abandon gives up the bin that a transfer took from, so that others can go on.
func (t *Transfer) Abandon() {
	if t.holding.Load() && !t.done.Load() {
		t.release()
	}
}

func (t *Transfer) release() {
	if t.released.CompareAndSwap(false, true) {
		t.from.mu.Unlock()
	}
}
