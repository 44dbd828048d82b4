package charts

import (
	"bytes"
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"clinic/internal/house"
)

// Switches are situations of the charts.
func Switches() []house.Switch {
	return []house.Switch{
		{"index-in-a-small-room", "The memory limit leaves the patient index no air", "gc-pressure", smallRoom},
		{"tidy-after-visits", "Memory is given back to the system after every visit", "gc-pressure", tidy},
		{"first-lines", "The first line of every letter is kept, and with it the letter", "heap-growth", firstLines},
		{"next-years-reminders", "A timer of a year holds the chart of each admission", "heap-growth", reminders},
		{"formulary", "A large table of medicines stays in memory", "", formulary},
		{"morning-round", "A cache is filled in the first seconds", "", morningRound},
		{"archive-compaction", "Old charts are merged in the background", "", compaction},
		{"lean-collector", "The collector runs often over a small heap", "", lean},
	}
}

func smallRoom(h *house.House, size house.Size) (func(), error) {
	kept := index(house.Of(size, 64, 96, 128))
	restore := inSpace(kept, house.Of[int64](size, 1536, 1024, 0)<<10)
	dismiss := house.Employ(1, house.Paced(20*time.Millisecond, func(context.Context) { excerpt(kept, 192<<10) }))
	return house.All(restore, dismiss), nil
}

// excerpt writes down some of the index.
func excerpt(kept []*patient, size int) int {
	page := bytes.NewBuffer(make([]byte, 0, size))
	for _, one := range kept[:1000] {
		page.WriteString(*one.name)
	}
	return page.Len()
}

func tidy(h *house.House, size house.Size) (func(), error) {
	kept := index(house.Of(size, 48, 80, 112))
	every := house.Of[uint64](size, 2, 1, 1)
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		if visit.Number%every == 0 {
			debug.FreeOSMemory()
		}
		return nil
	})
	return house.All(func() { runtime.KeepAlive(kept) }, remove), nil
}

// mostHeld ends a growth before it ends the machine.
const mostHeld = 800 << 20

func firstLines(h *house.House, size house.Size) (func(), error) {
	var mu sync.Mutex
	letter := house.Of(size, 80, 200, 500) << 10
	lines := map[uint64]string{}
	remove := h.EachVisit(func(ctx context.Context, visit house.Visit) error {
		text, err := h.Partner(ctx, "referrals", 0, letter)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if len(lines) < mostHeld/letter {
			lines[visit.Number] = text[:min(60, len(text))]
		}
		return nil
	})
	return house.All(func() {
		mu.Lock()
		defer mu.Unlock()
		clear(lines)
	}, remove), nil
}

func reminders(h *house.House, size house.Size) (func(), error) {
	var due []*time.Timer
	chart := house.Of(size, 60, 150, 400) << 10
	dismiss := house.Employ(1, house.Paced(40*time.Millisecond, func(context.Context) {
		if len(due) < mostHeld/chart {
			due = append(due, remind(make([]byte, chart)))
		}
	}))
	return house.All(func() {
		for _, one := range due {
			one.Stop()
		}
		due = nil
	}, dismiss), nil
}

func remind(chart []byte) *time.Timer {
	chart[0]++
	return time.AfterFunc(365*24*time.Hour, func() { chart[0]-- })
}

func formulary(h *house.House, size house.Size) (func(), error) {
	table := map[int][]byte{}
	for i := range house.Of(size, 40, 80, 160) << 8 {
		table[i] = make([]byte, 4<<10)
	}
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		_ = table[int(visit.Number)%len(table)]
		return nil
	})
	return house.All(func() { clear(table) }, remove), nil
}

func morningRound(h *house.House, size house.Size) (func(), error) {
	most := house.Of(size, 20, 40, 80)
	var warm [][]byte
	dismiss := house.Employ(1, house.Paced(time.Duration(8000/most)*time.Millisecond, func(context.Context) {
		if len(warm) < most {
			warm = append(warm, make([]byte, 1<<20))
		}
	}))
	return house.All(func() { warm = nil }, dismiss), nil
}

func compaction(h *house.House, size house.Size) (func(), error) {
	segments := make([][]int, house.Of(size, 4, 8, 16))
	for i := range segments {
		for n := range 4000 {
			segments[i] = append(segments[i], n*7919%4001)
		}
	}
	return house.Employ(1, house.Again(100*time.Millisecond, func(context.Context) {
		merged := slices.Concat(segments...)
		slices.Sort(merged)
		segments[0] = slices.Clone(slices.Compact(merged)[:4000])
	})), nil
}

func lean(h *house.House, size house.Size) (func(), error) {
	before := debug.SetGCPercent(house.Of(size, 50, 30, 20))
	leaflets := index(1)
	dismiss := house.Employ(1, house.Paced(10*time.Millisecond, func(context.Context) {
		excerpt(leaflets, house.Of(size, 32, 64, 96)<<10)
	}))
	return house.All(func() { debug.SetGCPercent(before) }, dismiss), nil
}
