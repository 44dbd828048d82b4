// Package vitals follows patients: monitors at their beds, screens elsewhere.
package vitals

import (
	"context"
	"io"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"clinic/internal/house"
)

// mostSessions ends a growth before it ends the machine.
const mostSessions = 20000

// monitors look at admitted patients every few seconds.
type monitors struct {
	beds   []*time.Ticker
	closed atomic.Bool
	looks  atomic.Int64
	all    sync.WaitGroup
}

func (m *monitors) admit() {
	clock := time.NewTicker(20 * time.Second)
	m.beds = append(m.beds, clock)
	m.all.Go(func() { m.watch(clock) })
}

// watch looks at each tick.
func (m *monitors) watch(clock *time.Ticker) {
	for range clock.C {
		if m.closed.Load() {
			return
		}
		m.looks.Add(1)
	}
}

func (m *monitors) close() {
	m.closed.Store(true)
	for _, clock := range m.beds {
		clock.Reset(time.Millisecond)
	}
	m.all.Wait()
	for _, clock := range m.beds {
		clock.Stop()
	}
}

// bedside admits so many patients before, and more each second, and none goes home.
func bedside(_ *house.House, size house.Size) (func(), error) {
	m := &monitors{}
	for range house.Of(size, 150, 1000, 5000) {
		m.admit()
	}
	gap := time.Second / time.Duration(house.Of(size, 8, 20, 60))
	dismiss := house.Employ(1, house.Paced(gap, func(context.Context) {
		if len(m.beds) < mostSessions {
			m.admit()
		}
	}))
	return house.All(m.close, dismiss), nil
}

// consult is a question to colleagues; what they say comes one after the other.
type consult struct {
	opinions chan string
	heard    int
	done     *sync.WaitGroup
}

func (c *consult) listen() {
	defer c.done.Done()
	for range c.opinions {
		c.heard++
	}
}

// ask has one colleague answer, and tells nobody that this was the last.
func (c *consult) ask() {
	c.done.Add(1)
	go c.listen()
	c.opinions <- "I would wait"
}

// round is every consult that was asked for; whoever forgets a consult does not keep it alive by it.
type round struct {
	mu    sync.Mutex
	asked []weak.Pointer[consult]
	done  sync.WaitGroup
}

func (r *round) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) < mostSessions {
		one := &consult{opinions: make(chan string), done: &r.done}
		one.ask()
		r.asked = append(r.asked, weak.Make(one))
	}
}

// settle tells all who listen that it was the last. The runtime repeats its last count of leaked goroutines when it
// finds none: it is left to repeat one.
func (r *round) settle() {
	r.tellAll()
	r.ask()
	time.Sleep(50 * time.Millisecond)
	lookForLeaked()
	r.tellAll()
}

// tellAll closes what is open. The runtime gives up when one is woken whom it has found leaked: so it looks anew while
// all of them are in sight.
func (r *round) tellAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var open []*consult
	for _, one := range r.asked {
		if consult := one.Value(); consult != nil {
			open = append(open, consult)
		}
	}
	r.asked = nil
	lookForLeaked()
	for _, one := range open {
		close(one.opinions)
	}
	r.done.Wait()
}

func lookForLeaked() {
	pprof.Lookup("goroutineleak").WriteTo(io.Discard, 0)
}

// opinions asks for some at each visit.
func opinions(h *house.House, size house.Size) (func(), error) {
	r := &round{}
	for range house.Of(size, 150, 1000, 5000) {
		r.ask()
	}
	every, many := house.Of[uint64](size, 2, 1, 1), house.Of(size, 1, 1, 3)
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		if visit.Number%every == 0 {
			for range many {
				r.ask()
			}
		}
		return nil
	})
	return house.All(r.settle, remove), nil
}

// lounge is where visitors sit until they are called.
type lounge struct {
	*sync.Cond
	closed bool
	called int
}

// sit waits for a call.
func (l *lounge) sit() {
	l.L.Lock()
	defer l.L.Unlock()
	for l.called == 0 && !l.closed {
		l.Wait()
	}
	l.called--
}

// call calls one, for a party of two.
func (l *lounge) call() {
	l.L.Lock()
	defer l.L.Unlock()
	l.called++
	l.Signal()
}

// lounges sends a party of two to the lounge at some visits, and calls once.
func lounges(h *house.House, size house.Size) (func(), error) {
	hall := &lounge{Cond: sync.NewCond(&sync.Mutex{})}
	var all sync.WaitGroup
	party := func() {
		all.Go(hall.sit)
		all.Go(hall.sit)
		hall.call()
	}
	for range house.Of(size, 150, 1000, 5000) {
		party()
	}
	every := house.Of[uint64](size, 2, 1, 1)
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		for range house.Of(size, 1, 1, 3) {
			if visit.Number%every == 0 {
				party()
			}
		}
		return nil
	})
	return house.All(all.Wait, func() {
		hall.L.Lock()
		defer hall.L.Unlock()
		hall.closed = true
		hall.Broadcast()
	}, remove), nil
}
