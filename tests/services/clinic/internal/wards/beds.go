// Package wards keeps what several people change at the same time.
package wards

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"clinic/internal/house"
)

// States of whoever writes a ward's summary.
const (
	away int32 = iota
	reading
	sentHome
)

// beds is the board of a ward's beds.
type beds struct {
	sync.RWMutex
	taken  int
	reader atomic.Int32
}

// Free counts the beds that nobody has.
func (b *beds) Free() int {
	b.RLock()
	defer b.RUnlock()
	return 40 - b.taken
}

// Move takes a bed or leaves one.
func (b *beds) Move(by int) {
	b.Lock()
	defer b.Unlock()
	b.taken = max(0, min(40, b.taken+by))
}

// Summary reads the board, asks who is on duty and counts again.
func (b *beds) Summary(ctx context.Context, h *house.House) int {
	b.RLock()
	b.reader.Store(reading)
	defer b.leave()
	h.Records.Ask(ctx, "DUTY", 5*time.Millisecond)
	return b.Free() - b.taken
}

func (b *beds) leave() {
	if b.reader.CompareAndSwap(reading, away) {
		b.RUnlock()
	} else {
		b.reader.Store(away)
	}
}

// sendHome takes the board from its reader.
func (b *beds) sendHome() {
	if b.reader.CompareAndSwap(reading, sentHome) {
		b.RUnlock()
	}
}

// boards has the first wards write summaries while patients move.
func boards(h *house.House, size house.Size) (func(), error) {
	wards := make([]beds, house.Wards)
	offs := []func(){h.EachVisit(func(_ context.Context, visit house.Visit) error {
		wards[visit.Ward].Free()
		return nil
	})}
	for i := range house.Of(size, 2, 4, house.Wards) {
		ward := &wards[i]
		offs = append(offs, untilHome(ward.sendHome,
			house.Again(time.Millisecond, func(ctx context.Context) { ward.Summary(ctx, h) }),
			house.Again(2*time.Millisecond, func(context.Context) { ward.Move(1) }),
		))
	}
	return house.All(offs...), nil
}

// untilHome employs people of whom some may need help to go home.
func untilHome(help func(), work ...func(context.Context)) (dismiss func()) {
	stops := make([]func(), len(work))
	for i, one := range work {
		stops[i] = house.Employ(1, one)
	}
	return func() {
		home := make(chan struct{})
		go func() {
			var all sync.WaitGroup
			for _, stop := range stops {
				all.Go(stop)
			}
			all.Wait()
			close(home)
		}()
		for {
			select {
			case <-home:
				return
			case <-time.After(50 * time.Millisecond):
				help()
			}
		}
	}
}

// discharges is a ward's book of who goes home; the letters are sent by a clerk.
type discharges struct {
	mu     sync.Mutex
	open   int
	outbox chan int
}

// File enters a morning's discharges and puts their letters into the outbox.
func (d *discharges) File(letters ...int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, letter := range letters {
		d.open++
		d.outbox <- letter
	}
}

// Send takes letters out of the outbox and closes their entries.
func (d *discharges) Send(ctx context.Context) {
	select {
	case <-d.outbox:
	case <-ctx.Done():
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
}

// Open counts the entries that are not closed.
func (d *discharges) Open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

func (d *discharges) empty() {
	for {
		select {
		case <-d.outbox:
		default:
			return
		}
	}
}

// books has the first wards discharge more at once than the outbox holds.
func books(h *house.House, size house.Size) (func(), error) {
	wards := make([]discharges, house.Wards)
	offs := []func(){h.EachVisit(func(_ context.Context, visit house.Visit) error {
		wards[visit.Ward].Open()
		return nil
	})}
	for i := range wards {
		wards[i].outbox = make(chan int, 4)
	}
	for i := range house.Of(size, 2, 4, house.Wards) {
		ward := &wards[i]
		offs = append(offs, untilHome(ward.empty,
			house.Again(time.Millisecond, func(context.Context) { ward.File(1, 2, 3, 4, 5, 6) }),
			house.Again(time.Millisecond, ward.Send),
		))
	}
	return house.All(offs...), nil
}
