package billing

import (
	"context"
	"sync"
	"time"

	"clinic/internal/house"
	"clinic/internal/records"
)

// shelf is where connections lie that somebody has not given back.
type shelf struct {
	mu     sync.Mutex
	pool   *records.Pool
	lying  []*records.Conn
	since  []time.Time
	closed bool
}

func (s *shelf) put(conn *records.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.pool.Release(conn)
		return
	}
	s.lying, s.since = append(s.lying, conn), append(s.since, time.Now())
}

// clear gives those back that lie longer than is tolerated.
func (s *shelf) clear(tolerated time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.lying) > 0 && time.Since(s.since[0]) >= tolerated {
		s.pool.Release(s.lying[0])
		s.lying, s.since = s.lying[1:], s.since[1:]
	}
}

func (s *shelf) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.clear(0)
}

// consents returns early, and without its connection, when a consent is missing.
func consents(h *house.House, size house.Size) (func(), error) {
	missing := house.Of[uint64](size, 8, 4, 2)
	tolerated := house.Of(size, 4*time.Second, 10*time.Second, time.Hour)
	s := &shelf{pool: h.Records}
	dismiss := house.Employ(1, house.Paced(100*time.Millisecond, func(context.Context) { s.clear(tolerated) }))
	remove := h.EachVisit(func(ctx context.Context, visit house.Visit) error {
		conn, err := h.Records.Acquire(ctx)
		if err != nil {
			return err
		}
		if visit.Number%missing == 0 {
			s.put(conn)
			return nil
		}
		defer h.Records.Release(conn)
		_, err = conn.Ask("CONSENT", 0)
		return err
	})
	return house.All(s.close, dismiss, remove), nil
}

// transactions keep a connection while they wait for the laboratory.
func transactions(h *house.House, size house.Size) (func(), error) {
	takes := house.Of[time.Duration](size, 600, 1200, 3000) * time.Millisecond
	return house.Employ(house.Of(size, 12, 16, 24), house.Again(time.Millisecond, func(ctx context.Context) {
		conn, err := h.Records.Acquire(ctx)
		if err != nil {
			return
		}
		defer h.Records.Release(conn)
		if _, err := h.Partner(ctx, "laboratory", takes, 0); err == nil {
			conn.Ask("RESULT", 0)
		}
	})), nil
}

// letters keep clerks at a printer that has become slow.
func letters(h *house.House, size house.Size) (func(), error) {
	takes := house.Of[time.Duration](size, 600, 1000, 3000) * time.Millisecond
	return house.Employ(house.Of(size, 6, 10, 24), house.Again(time.Millisecond, func(ctx context.Context) {
		h.Clerks.Ask(ctx, takes)
	})), nil
}

func onePrinter(h *house.House, size house.Size) (func(), error) {
	return house.Employ(house.Of(size, 1, 2, 3), house.Again(time.Millisecond, func(ctx context.Context) {
		h.Clerks.Ask(ctx, 2*time.Second)
	})), nil
}

func busyRecords(h *house.House, size house.Size) (func(), error) {
	return house.Employ(house.Of(size, 8, 9, 11), house.Again(time.Millisecond, func(ctx context.Context) {
		h.Records.Ask(ctx, "LIST", 20*time.Millisecond)
	})), nil
}
