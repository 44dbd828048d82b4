package depot

import (
	"runtime"
	"runtime/debug"
	"time"

	"parcels.example/dispatcher/v2/couriers"
)

func (d *Depot) memoryFaults() []Scenario {
	return []Scenario{
		{"tight-memory-limit", "GOMEMLIMIT was set just above what the index needs", "gc-pressure", func(size Size) func() {
			return together(d.bigIndex(800_000), d.searches(pick(size, 100, 160, 250)), limitMemory(pick[int64](size, 50, 24, 8)<<20))
		}},
		{"eager-collector", "GOGC was lowered to save memory", "gc-pressure", func(size Size) func() {
			return together(d.bigIndex(800_000), d.searches(pick(size, 100, 160, 250)), collectAt(pick(size, 25, 10, 4)))
		}},
		{"full-frame-buffers", "Every frame is read into a buffer of the largest size", "alloc-churn", func(size Size) func() {
			rate := pick(size, 250, 700, 1600)
			return together(roll(&d.rollouts.fullFrames, 1), d.crowd(couriers.Order{Do: "call", Method: "scan", Rate: rate, Crowd: 64, Bytes: 600}))
		}},
		{"line-by-line-labels", "Labels are put together line by line", "alloc-churn", func(size Size) func() {
			return roll(&d.rollouts.labelLines, pick[int64](size, 800, 1300, 2200))
		}},
		{"remembered-scans", "Scans are remembered to find doubles, and never forgotten", "heap-growth", func(size Size) func() {
			rate := pick(size, 200, 400, 500)
			return together(
				d.forgetting(), roll(&d.rollouts.keepScans, pick[int64](size, 24, 48, 80)<<10),
				d.crowd(couriers.Order{Do: "call", Method: "scan", Rate: rate, Crowd: 64, Bytes: 900}))
		}},
		{"endless-history", "The history of moves is kept in memory", "heap-growth", func(size Size) func() {
			var all history
			stop := until(10*time.Millisecond, func() { all.note(pick(size, 300, 900, 2500)) })
			return func() {
				stop()
				all.moves = nil
				debug.FreeOSMemory()
			}
		}},
	}
}

// bigIndex makes the index as large as at the depots of big towns.
func (d *Depot) bigIndex(n int) (back func()) {
	d.index.Store(buildIndex(n))
	return func() {
		d.index.Store(buildIndex(usualIndex))
		debug.FreeOSMemory()
	}
}

func (d *Depot) searches(rate int) (stop func()) {
	return d.crowd(couriers.Order{Do: "call", Method: "search", Rate: rate, Crowd: 32})
}

// forgetting drops, at the end, what was remembered.
func (d *Depot) forgetting() (stop func()) {
	return func() {
		d.seen.forget()
		debug.FreeOSMemory()
	}
}

// returnMemory gives the system what nobody uses any more, once those who did are gone.
func returnMemory() {
	time.Sleep(500 * time.Millisecond)
	debug.FreeOSMemory()
}

// limitMemory leaves so little room above what is needed now.
func limitMemory(room int64) (back func()) {
	runtime.GC()
	debug.FreeOSMemory()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	before := debug.SetMemoryLimit(int64(now.HeapAlloc+now.Sys-now.HeapSys) + room)
	return func() { debug.SetMemoryLimit(before) }
}

func collectAt(percent int) (back func()) {
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

// shipment is a list of blobs that are kept, as a cache that is filled once.
func shipment(megabytes int) (back func()) {
	blobs := make([][]byte, megabytes)
	for i := range blobs {
		blobs[i] = make([]byte, 1<<20)
		for j := 0; j < len(blobs[i]); j += 4096 {
			blobs[i][j] = byte(i)
		}
	}
	return func() {
		clear(blobs)
		debug.FreeOSMemory()
	}
}
