package wards

import (
	"context"
	"log"
	"sync"
	"time"

	"clinic/internal/house"
	"clinic/internal/records"

	"lantern.test/lantern"
)

// Switches are situations of the wards.
func Switches() []house.Switch {
	return []house.Switch{
		{"bed-board", "A summary reads the bed board twice while patients move", "deadlock", boards},
		{"discharge-book", "The discharge book is open while its outbox is full", "deadlock", books},
		{"signed-log", "Each line of the log is signed by a slow notary before the next", "lock-contention", signedLog},
		{"duty-roster", "The duty roster is loaded anew while everybody wants to read it", "lock-contention", roster},
		{"handovers", "Many nurses write short notes into one book", "", handovers},
		{"on-call-staff", "Staff on call wait for the bell", "", onCall},
	}
}

// notary is a log's writer that has every line signed.
type notary struct {
	*records.Conn
	takes time.Duration
}

func (n *notary) Write(line []byte) (int, error) {
	_, err := n.Ask("SIGN", n.takes)
	return len(line), err
}

func signedLog(h *house.House, size house.Size) (func(), error) {
	conn, err := records.Dial(h.Outside.Records)
	if err != nil {
		return nil, err
	}
	to := log.New(&notary{conn, house.Of[time.Duration](size, 15, 20, 30) * time.Millisecond}, "ward ", 0)
	dismiss := house.Employ(house.Of(size, 6, 12, 20), house.Again(time.Millisecond, func(context.Context) {
		to.Print("medicine given")
	}))
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		to.Print("visit ", visit.Number)
		return nil
	})
	return house.All(func() { conn.Close() }, dismiss, remove), nil
}

func roster(h *house.House, size house.Size) (func(), error) {
	takes := house.Of[time.Duration](size, 80, 200, 500) * time.Millisecond
	duties := lantern.NewCache(func(ctx context.Context, _ int) (string, error) {
		return h.Partner(context.WithoutCancel(ctx), "roster", takes, 0)
	})
	dismiss := house.Employ(4, house.Again(time.Millisecond, func(ctx context.Context) { duties.Refresh(ctx, 1) }))
	remove := h.EachVisit(func(ctx context.Context, _ house.Visit) error {
		for range 3 { // day, evening, night
			if _, err := duties.Get(ctx, 1); err != nil {
				return err
			}
		}
		return nil
	})
	return house.All(dismiss, remove), nil
}

func handovers(_ *house.House, size house.Size) (func(), error) {
	var mu sync.Mutex
	var notes [64]int
	return house.Employ(house.Of(size, 20, 50, 100), house.Paced(50*time.Millisecond, func(context.Context) {
		mu.Lock()
		defer mu.Unlock()
		for i := range notes {
			notes[i]++
		}
	})), nil
}

// bell calls everybody who waits for it.
type bell struct {
	*sync.Cond
	rings bool
}

func (b *bell) wait() {
	b.L.Lock()
	defer b.L.Unlock()
	for !b.rings {
		b.Wait()
	}
}

func onCall(_ *house.House, size house.Size) (func(), error) {
	ward := &bell{Cond: sync.NewCond(&sync.Mutex{})}
	dismiss := house.Employ(house.Of(size, 300, 1000, 3000), func(context.Context) { ward.wait() })
	return house.All(dismiss, func() {
		ward.L.Lock()
		defer ward.L.Unlock()
		ward.rings = true
		ward.Broadcast()
	}), nil
}
