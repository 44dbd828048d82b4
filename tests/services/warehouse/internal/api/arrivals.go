package api

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"acme.example/warehouse/internal/store"
	"acme.example/warehouse/internal/supplier"
)

// Arrivals know when the next lorry comes: from time to time asked, or live.
type Arrivals struct {
	Live     atomic.Bool // ask for every page
	Detached atomic.Bool // let an answer arrive even when nobody waits for it: the next one may want it

	client *supplier.Client
	mu     sync.RWMutex
	known  [store.Zones]supplier.Arrival
}

// NewArrivals knows nothing yet.
func NewArrivals(client *supplier.Client) *Arrivals { return &Arrivals{client: client} }

// For gives the next arrival for a zone.
func (a *Arrivals) For(ctx context.Context, zone int) (supplier.Arrival, error) {
	if a.Live.Load() {
		return a.ask(ctx, zone)
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.known[zone], nil
}

// Refresh asks for all zones.
func (a *Arrivals) Refresh(ctx context.Context) {
	for zone := range store.Zones {
		_, _ = a.ask(ctx, zone)
	}
}

func (a *Arrivals) ask(ctx context.Context, zone int) (supplier.Arrival, error) {
	if a.Detached.Load() {
		ctx = context.WithoutCancel(ctx)
	}
	arrival, err := a.client.NextArrival(ctx, strconv.Itoa(zone))
	if err != nil {
		return arrival, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[zone] = arrival
	return arrival, nil
}
