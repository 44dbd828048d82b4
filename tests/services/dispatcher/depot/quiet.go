package depot

import (
	"context"
	"sync"
	"time"

	"parcels.example/dispatcher/v2/couriers"
)

// quietTimes hold much and do little.
func (d *Depot) quietTimes() []Scenario {
	return []Scenario{
		{"idle-phones", "Phones keep their connections open", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "idle", Method: "/health/ready", Crowd: pick(size, 300, 1000, 2500)})
		}},
		{"long-polls", "Browsers wait for a change", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "get", Method: "/poll", Crowd: pick(size, 200, 500, 1200)})
		}},
		{"watched-parcels", "Couriers in coverage watch their parcels", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "call", Method: "watch", Crowd: pick(size, 300, 1000, 3000)})
		}},
		{"parked-workers", "A pool of workers for Christmas has nothing to do yet", "", func(size Size) func() {
			jobs := make(chan func())
			for range pick(size, 2000, 6000, 20000) {
				go d.work(jobs)
			}
			return func() {
				close(jobs)
				returnMemory()
			}
		}},
		{"static-map", "The map of the town is kept in memory", "", func(size Size) func() {
			return shipment(pick(size, 100, 300, 600))
		}},
		{"warm-up", "The index is loaded step by step after a start", "", func(size Size) func() {
			return d.loadIndex(pick(size, 20_000, 60_000, 120_000))
		}},
		{"slow-line", "Screens at the end of a slow line read the stream, slowly", "", func(size Size) func() {
			return together(returnMemory, d.crowd(couriers.Order{Do: "sip", Method: "/track/stream?depots=4", Crowd: pick(size, 10, 30, 60)}))
		}},
		{"rate-limited", "Couriers track more often than they may, and wait for their turn", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "call", Method: "track", Crowd: pick(size, 20, 60, 120)})
		}},
		{"slow-carrier", "The carrier takes its time, within the deadline", "", func(size Size) func() {
			return together(
				d.carrier.slow("claims", 400*time.Millisecond, 1),
				d.crowd(couriers.Order{Do: "call", Method: "claim", Rate: pick(size, 20, 50, 100), Crowd: 200, Deadline: 2 * time.Second}))
		}},
	}
}

// loadIndex makes the index larger in five steps of a second.
func (d *Depot) loadIndex(step int) (back func()) {
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		for i := range 5 {
			d.index.Store(buildIndex(step * (i + 1)))
			time.Sleep(time.Second)
		}
	}()
	return func() {
		<-loaded
		d.bigIndex(1)()
	}
}

// busyTimes do much, and serve everybody well.
func (d *Depot) busyTimes() []Scenario {
	return []Scenario{
		{"saturday", "Many parcels are scanned", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "call", Method: "scan", Rate: pick(size, 300, 800, 1500), Crowd: 64, Bytes: 1500})
		}},
		{"route-requests", "Routes are looked up very often", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "call", Method: "route", Rate: pick(size, 500, 1000, 2000), Crowd: 64})
		}},
		{"nightly-report", "A report is computed on part of a core", "", func(size Size) func() {
			return until(100*time.Millisecond, func() {
				for began := time.Now(); time.Since(began) < pick[time.Duration](size, 20, 35, 50)*time.Millisecond; {
					closest("12 long mill street", d.streets[:200])
				}
			})
		}},
		{"hourly-jobs", "Every few seconds many small jobs come at once", "", func(size Size) func() {
			return until(4*time.Second, func() { d.manyJobs(pick(size, 100, 250, 600)) })
		}},
		{"fan-out", "Every few seconds many goroutines do something short", "", func(size Size) func() {
			return until(3*time.Second, func() {
				var all sync.WaitGroup
				for range pick(size, 500, 1500, 4000) {
					all.Go(func() { time.Sleep(800 * time.Millisecond) })
				}
				all.Wait()
			})
		}},
		{"full-pool", "Readers keep all database connections busy, and nobody waits long", "", func(size Size) func() {
			return together(
				d.carrier.slow("report", 20*time.Millisecond, 1),
				crew(pick(size, 10, 12, 16), func() { _, _ = d.report(context.Background()) }))
		}},
		{"large-index", "Searches in a large index keep the collector busy", "", func(size Size) func() {
			return together(d.bigIndex(pick(size, 100_000, 200_000, 300_000)), d.searches(pick(size, 20, 30, 40)))
		}},
		{"many-searches", "Searches make short-lived garbage", "", func(size Size) func() {
			return d.searches(pick(size, 200, 500, 1000))
		}},
		{"one-shot-clients", "Cheap scanners ask for a page over a connection each", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "knock", Method: "/health/ready", Rate: pick(size, 20, 60, 150), Crowd: 64})
		}},
		{"printing", "All printers print, nobody waits long", "", func(size Size) func() {
			return d.crowd(couriers.Order{Do: "call", Method: "print", Rate: pick(size, 60, 110, 160), Crowd: 200, Bytes: 200})
		}},
	}
}

// manyJobs gives the workers one job after the other.
func (d *Depot) manyJobs(n int) {
	for range n {
		d.jobs <- func() {
			time.Sleep(time.Millisecond)
			_, _ = d.parcelsOf(1, "parcels")
		}
	}
}
