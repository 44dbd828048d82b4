package depot

import (
	"sync"
	"sync/atomic"
	"time"

	"parcels.example/dispatcher/v2/couriers"
)

func (d *Depot) processorFaults() []Scenario {
	return []Scenario{
		{"street-by-street", "An address is compared with every street", "cpu-hotspot", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "call", Method: "resolve", Crowd: pick(size, 3, 8, 24), Bytes: 120})
		}},
		{"restless-drivers", "Those who look for late parcels never rest", "cpu-hotspot", func(size Size) func() {
			return crew(pick(size, 3, 6, 16), d.lookForLate())
		}},
	}
}

// lookForLate takes what is late, when anything is.
func (d *Depot) lookForLate() func() {
	late := make(chan parcel)
	return func() {
		select {
		case one := <-late:
			d.shelves[int(one.Weight)%zones].take()
		default:
		}
	}
}

func (d *Depot) lockFaults() []Scenario {
	return []Scenario{
		{"ledger-in-the-database", "The ledger is locked while the database books", "lock-contention", func(size Size) func() {
			return together(
				d.carrier.slow("ledger", 20*time.Millisecond, 1), roll(&d.rollouts.bookedLedger, 1),
				d.crowd(couriers.Order{Do: "call", Method: "book", Crowd: pick(size, 12, 40, 150)}))
		}},
		{"recent-routes", "Each look-up of a route re-ranks them all", "lock-contention", func(size Size) func() {
			return together(
				roll(&d.rollouts.touchRoutes, 4000),
				d.crowd(couriers.Order{Do: "call", Method: "route", Crowd: pick(size, 40, 100, 300)}))
		}},
		{"moves-both-ways", "Parcels are moved between shelves in both directions", "deadlock", func(size Size) func() {
			return d.moveBothWays(pick(size, 1, 4, 8))
		}},
		{"strict-scans", "Damaged barcodes are refused early", "deadlock", func(size Size) func() {
			return together(
				d.unlockManifest, roll(&d.rollouts.strictScans, 1),
				d.crowd(couriers.Order{Do: "call", Method: "scan", Rate: pick(size, 10, 60, 300), Crowd: pick(size, 100, 400, 2000), Bytes: 601}))
		}},
	}
}

// moveBothWays lets two workers move parcels between the shelves of each pair, each from its own side.
func (d *Depot) moveBothWays(pairs int) (stop func()) {
	var mu sync.Mutex
	var holds []func()
	for pair := range pairs {
		one, other := d.shelves[2*pair], d.shelves[2*pair+1]
		var moved atomic.Bool
		d.jobs <- func() {
			move(one, other, 100*time.Millisecond, func(abandon func()) {
				mu.Lock()
				defer mu.Unlock()
				holds = append(holds, func() {
					if !moved.Load() {
						abandon()
					}
				})
			})
			moved.Store(true)
		}
		d.jobs <- func() { move(other, one, 100*time.Millisecond, nil) }
	}
	return func() {
		time.Sleep(300 * time.Millisecond) // whoever has a way has gone it by now
		mu.Lock()
		defer mu.Unlock()
		for _, abandon := range holds {
			abandon()
		}
	}
}

// unlockManifest opens what was left locked until nobody leaves it so again.
func (d *Depot) unlockManifest() {
	for quiet := 0; quiet < 1000; quiet++ {
		if d.manifest.left.CompareAndSwap(true, false) {
			d.manifest.mu.Unlock()
			quiet = 0
		}
		time.Sleep(100 * time.Microsecond)
	}
}
