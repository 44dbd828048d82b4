package ops

import (
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"acme.example/warehouse/internal/jobs"
)

// memory is everything with the heap, and with the processor.
var memory = []situation{
	{"import-percent", "The hall's index is large and GOGC is 10 while batches are imported", "gc-pressure", importAtTenPercent},
	{"import-limit", "The memory limit is hardly more than the hall's index needs", "gc-pressure", importAtTheLimit},
	{"label-sheets", "Every sheet of labels is drawn into a new picture", "alloc-churn", labelSheets},
	{"manifest-lines", "Manifests are put together by adding text to text", "alloc-churn", manifestLines},
	{"audit-trail", "The trail of acts is kept in memory and never archived", "heap-growth", auditTrail},
	{"search-pages", "Search remembers every page for ever, and every query is new", "heap-growth", searchPages},
	{"pallet-packing", "Packing tries every order of the boxes", "cpu-hotspot", palletPacking},
	{"similar-titles", "Misspelt searches are compared with every title", "cpu-hotspot", crowdOf("shoppers",
		"/similar?title=artikel+*+in+a+boks+with+a+long+name", func(s Size) (int, int) { return 24, pick(s, 40, 70, 160) })},
}

func importAtTenPercent(_ *Hall, size Size) (func(), error) {
	work := jobs.NewImport(pick(size, 1_000_000, 1_500_000, 3_000_000), 2000)
	before := debug.SetGCPercent(10)
	end := jobs.Every(pick[time.Duration](size, 20, 10, 8)*time.Millisecond, pick(size, 1, 1, 2), work.Take)
	return func() {
		end()
		debug.SetGCPercent(before)
		debug.FreeOSMemory()
	}, nil
}

func importAtTheLimit(_ *Hall, size Size) (func(), error) {
	work := jobs.NewImport(pick(size, 800_000, 1_200_000, 2_400_000), 2000)
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	needed := int64(now.HeapAlloc + now.Sys - now.HeapSys)
	debug.SetMemoryLimit(needed + pick[int64](size, 16, 12, 8)<<20)
	end := jobs.Every(pick[time.Duration](size, 20, 15, 10)*time.Millisecond, pick(size, 1, 1, 2), work.Take)
	return func() {
		end()
		debug.SetMemoryLimit(math.MaxInt64)
		debug.FreeOSMemory()
	}, nil
}

func labelSheets(h *Hall, size Size) (func(), error) {
	if size == Large {
		return jobs.Busy(3, h.Papers.Sheet), nil
	}
	return jobs.Every(pick[time.Duration](size, 5, 2, 1)*time.Millisecond, 2, h.Papers.Sheet), nil
}

func manifestLines(h *Hall, size Size) (func(), error) {
	if size == Large {
		return jobs.Busy(3, h.Papers.Manifest), nil
	}
	return jobs.Every(pick[time.Duration](size, 8, 3, 1)*time.Millisecond, 2, h.Papers.Manifest), nil
}

func auditTrail(h *Hall, size Size) (func(), error) {
	most := 400_000
	end := jobs.Every(50*time.Millisecond, 1, h.Stock.Audit(pick(size, 50, 150, 400), most))
	return func() {
		end()
		h.Desk.Trail.Archive()
		debug.FreeOSMemory()
	}, nil
}

func searchPages(h *Hall, size Size) (func(), error) {
	end, err := leashed(h.visited("shoppers", "/search?word=article&session=*", 64, pick(size, 40, 90, 150)))
	return thenEnd(end, err, func() {
		h.Desk.Pages.Forget()
		debug.FreeOSMemory()
	})
}

func palletPacking(_ *Hall, size Size) (func(), error) {
	return jobs.Crew(pick(size, 1, 2, 6), jobs.NewPackings(11)), nil
}

// padding is what wallboards get along with a movement.
var padding = strings.Repeat("moved from here to there; ", 8<<10/26)
