package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"acme.example/warehouse/internal/api"
	"acme.example/warehouse/internal/store"
)

// Stock is the work on shelves, catalogue and trail.
type Stock struct{ Desk *api.Desk }

func anySKU() string { return fmt.Sprintf("sku-%05d", rand.IntN(8000)) }

// Tell publishes a movement with as much detail as the wallboards want.
func (s Stock) Tell(detail string) func(context.Context) {
	return func(context.Context) {
		s.Desk.Movements.Publish(api.Movement{SKU: anySKU(), Delta: 1, At: time.Now(), Detail: detail})
	}
}

// BookDurably books a movement through to the ledger.
func (s Stock) BookDurably(ctx context.Context) {
	_ = s.Desk.Shelves.AdjustDurably(ctx, anySKU(), 1, s.Desk.Orders.Book)
}

// Book writes a movement to the ledger, and then to the shelves.
func (s Stock) Book(ctx context.Context) {
	sku := anySKU()
	if s.Desk.Orders.Book(ctx, sku, 1) == nil {
		_ = s.Desk.Shelves.Adjust(sku, 1)
	}
}

// BookQuickly books a thousand movements, one after the other.
func (s Stock) BookQuickly(context.Context) {
	for range 1000 {
		_ = s.Desk.Shelves.Adjust(anySKU(), 1)
	}
}

// Reprice changes the price of one article.
func (s Stock) Reprice(context.Context) {
	s.Desk.Catalogue.Reprice(rand.IntN(8000), float64(rand.IntN(5000))/100)
}

// PublishCatalogue sends the catalogue to the shops, page by page; each page takes a while to be taken.
func (s Stock) PublishCatalogue(perPage time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		_ = s.Desk.Catalogue.Each(800, func([]store.Item) error {
			time.Sleep(perPage)
			return ctx.Err()
		})
	}
}

// Audit writes down who did what, with everything as it was before and after.
func (s Stock) Audit(acts, most int) func(context.Context) {
	return func(context.Context) {
		for range acts {
			if s.Desk.Trail.Len() < most {
				s.Desk.Trail.Append(newAct())
			}
		}
	}
}

func newAct() *store.Act {
	act := &store.Act{At: time.Now(), Who: "picker-" + anySKU(), What: "moved"}
	act.Before, act.After = make(map[string]any, 16), make(map[string]any, 16)
	for field := range 12 {
		name := fmt.Sprintf("field_%02d", field)
		act.Before[name], act.After[name] = anySKU(), fmt.Sprintf("%s changed to something else by hand", name)
	}
	return act
}
