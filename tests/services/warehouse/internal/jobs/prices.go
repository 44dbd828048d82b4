package jobs

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"

	"acme.example/warehouse/internal/store"
	"acme.example/warehouse/internal/supplier"
)

// Prices are watched at the supplier's.
type Prices struct {
	Supplier *supplier.Client

	mu   sync.Mutex
	seen []*http.Response
	date string
}

// Look asks how old the price list is.
func (p *Prices) Look(ctx context.Context) {
	date, answer, err := p.Supplier.PriceListAge(context.WithoutCancel(ctx))
	if err != nil {
		slog.Warn("price list", "error", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.date = date
	p.seen = append(p.seen, answer)
}

// Forget closes what was looked at.
func (p *Prices) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answer := range p.seen {
		_ = answer.Body.Close()
	}
	p.seen = nil
}

// Ask has every gate ask the supplier at once.
func (p *Prices) Ask(gates int) func(context.Context) {
	return func(ctx context.Context) {
		var all sync.WaitGroup
		for gate := range gates {
			all.Go(func() {
				if _, err := p.Supplier.NextArrival(ctx, strconv.Itoa(gate%store.Zones)); err != nil && ctx.Err() == nil {
					slog.Debug("gate", "error", err)
				}
			})
		}
		all.Wait()
	}
}
