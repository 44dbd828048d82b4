package ops

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"acme.example/warehouse/internal/jobs"
	"acme.example/warehouse/internal/store"
)

// lively is work that looks wild from outside while everybody is served well.
var lively = []situation{
	{"batch-import", "Batches are imported, a third of a core of them", "", batchImport},
	{"warm-up", "The hall's index is being read, to a size that is known", "", warmUp},
	{"static-index", "The hall's index is large and stays as it is", "", staticIndex},
	{"eager-collector", "Many collections of a small heap, each of them cheap", "", eagerCollector},
	{"parked-pickers", "Thousands of workers wait for work", "", parkedPickers},
	{"hourly-burst", "Every few seconds hundreds of tasks begin at once and are done soon", "", hourlyBurst},
	{"nightly-report", "A report sorts and sums a day, then rests", "", nightlyReport},
	{"quick-bookings", "Tens of thousands of bookings a second, each under a lock for a moment", "", quickBookings},
	{"one-plotter", "Drawings wait for their turn at the one plotter, which works on", "", onePlotter},
	{"slow-supplier", "The supplier is slow, and nobody waits for him but one refresher", "", slowSupplier},
}

func batchImport(_ *Hall, size Size) (func(), error) {
	work := jobs.NewImport(10_000, 400)
	return jobs.Every(pick[time.Duration](size, 60, 25, 8)*time.Millisecond, 1, work.Take), nil
}

func warmUp(_ *Hall, size Size) (func(), error) {
	var mu sync.Mutex
	var parts []*store.PalletIndex
	loaded := 0
	end := jobs.Every(100*time.Millisecond, 1, func(context.Context) {
		if loaded++; loaded > 80 {
			return
		}
		part := store.BuildPalletIndex(pick(size, 8_000, 18_000, 36_000))
		mu.Lock()
		defer mu.Unlock()
		parts = append(parts, part)
	})
	return func() {
		end()
		mu.Lock()
		defer mu.Unlock()
		parts = nil
		debug.FreeOSMemory()
	}, nil
}

func staticIndex(h *Hall, size Size) (func(), error) {
	index := store.BuildPalletIndex(pick(size, 1_000_000, 2_000_000, 4_000_000))
	end := jobs.Every(10*time.Millisecond, 1, func(context.Context) { _ = index.Find(4711) })
	return func() {
		end()
		index = nil
		debug.FreeOSMemory()
	}, nil
}

func eagerCollector(_ *Hall, size Size) (func(), error) {
	before := debug.SetGCPercent(pick(size, 60, 40, 30))
	work := jobs.NewImport(1000, 100)
	end := jobs.Every(pick[time.Duration](size, 10, 7, 4)*time.Millisecond, 1, work.Take)
	return func() {
		end()
		debug.SetGCPercent(before)
	}, nil
}

func parkedPickers(_ *Hall, size Size) (func(), error) {
	orders := make(chan string)
	end := jobs.Crew(pick(size, 2_000, 8_000, 30_000), func(ctx context.Context) {
		for {
			select {
			case <-orders:
			case <-ctx.Done():
				return
			}
		}
	})
	return end, nil
}

func hourlyBurst(h *Hall, size Size) (func(), error) {
	return jobs.Every(3*time.Second, 1, func(ctx context.Context) {
		jobs.Crew(pick(size, 200, 600, 1500), func(ctx context.Context) {
			_ = h.Desk.Shelves.InZone(1)
			select {
			case <-time.After(700 * time.Millisecond):
			case <-ctx.Done():
			}
		})
	}), nil
}

func nightlyReport(h *Hall, size Size) (func(), error) {
	return jobs.Every(4*time.Second, 1, h.Papers.Report(pick(size, 200_000, 500_000, 1_200_000))), nil
}

func quickBookings(h *Hall, size Size) (func(), error) {
	return jobs.Every(pick[time.Duration](size, 50, 25, 10)*time.Millisecond, 2, h.Stock.BookQuickly), nil
}

func onePlotter(h *Hall, size Size) (func(), error) {
	return jobs.Busy(pick(size, 2, 4, 8), h.Papers.InTurn(1500*time.Millisecond)), nil
}

func slowSupplier(h *Hall, size Size) (func(), error) {
	if err := h.Desk.Supplier.Slow(pick[time.Duration](size, 300, 800, 1500) * time.Millisecond); err != nil {
		return nil, err
	}
	return func() { _ = h.Desk.Supplier.Slow(0) }, nil
}
