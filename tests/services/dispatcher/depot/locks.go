package depot

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// routes is a cache of the way from each zone.
type routes struct {
	mu     sync.RWMutex
	ways   map[int]string
	recent []int
}

func newRoutes() *routes {
	r := &routes{}
	r.refresh()
	return r
}

func (r *routes) refresh() {
	ways := map[int]string{}
	for zone := range zones {
		ways[zone] = "hub-" + strconv.Itoa(zone%4) + "/gate-" + strconv.Itoa(zone)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ways = ways
}

// of gives the way from a zone; with a cost it is ranked as used most recently.
func (r *routes) of(zone int, cost time.Duration) string {
	if cost == 0 {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return r.ways[zone]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rank(zone, cost)
	return r.ways[zone]
}

// rank signs the new order, so that the replicas agree on it.
func (r *routes) rank(zone int, cost time.Duration) {
	r.recent = append(r.recent, zone)
	if len(r.recent) > 1024 {
		r.recent = slices.Clone(r.recent[512:])
	}
	signature := sha256.Sum256([]byte{byte(zone)})
	for began := time.Now(); time.Since(began) < cost; {
		for range 50 {
			signature = sha256.Sum256(signature[:])
		}
	}
}

// ledger books what was dispatched, one after the other.
type ledger struct {
	mu     sync.Mutex
	booked [512]int
	next   int
}

// book writes one line; with a store it is kept there as well, in the same order.
func (l *ledger) book(zone int, store func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.booked[l.next%len(l.booked)] = zone
	l.next++
	if store == nil {
		return nil
	}
	return store()
}

// shelf holds the parcels of a zone.
type shelf struct {
	mu    sync.Mutex
	zone  int
	taken int
}

// hold gives the shelf to one worker until it is released; an abandoned hold was released by others.
func (s *shelf) hold() (release func(), abandon func()) {
	s.mu.Lock()
	var abandoned atomic.Bool
	release = func() {
		if !abandoned.Load() {
			s.mu.Unlock()
		}
	}
	abandon = func() {
		abandoned.Store(true)
		s.mu.Unlock()
	}
	return release, abandon
}

// take counts a parcel that leaves a shelf.
func (s *shelf) take() {
	release, _ := s.hold()
	defer release()
	s.taken++
}

// move carries parcels from one shelf to another; both are held meanwhile.
func move(from, to *shelf, sorting time.Duration, holding func(abandon func())) {
	release, abandon := from.hold()
	defer release()
	if holding != nil {
		holding(abandon)
	}
	time.Sleep(sorting)
	releaseOther, _ := to.hold()
	defer releaseOther()
	from.taken++
	to.taken--
}

// manifest counts the parcels of each courier.
type manifest struct {
	mu        sync.Mutex
	byCourier map[string]int
	left      atomic.Bool
}

func (m *manifest) add(barcode []byte, strict bool) error {
	m.mu.Lock()
	if strict && len(barcode)%2 == 1 {
		m.left.Store(true)
		return errDamaged
	}
	m.byCourier[string(barcode[:min(2, len(barcode))])]++
	m.mu.Unlock()
	return nil
}

func (m *manifest) total() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.byCourier {
		n += one
	}
	return n
}
