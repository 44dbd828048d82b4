// Package store keeps what the warehouse knows: shelves, bins, counts, the catalogue and the trail of what was done.
package store

import (
	"context"
	"fmt"
	"sync"
)

// Zones are the parts of the hall.
const Zones = 8

// Item is a thing on a shelf.
type Item struct {
	SKU      string  `json:"sku"`
	Title    string  `json:"title"`
	Zone     int     `json:"zone"`
	Quantity int     `json:"quantity"`
	Price    float64 `json:"price"`
}

// Journal is told of every change that must not be lost.
type Journal func(ctx context.Context, sku string, delta int) error

// Shelves know how many there are of everything.
type Shelves struct {
	mu    sync.Mutex
	items map[string]*Item
	sums  [Zones]int
}

// NewShelves gives shelves with a number of items on them.
func NewShelves(count int) *Shelves {
	s := &Shelves{items: make(map[string]*Item, count)}
	for i := range count {
		item := &Item{SKU: fmt.Sprintf("sku-%05d", i), Title: fmt.Sprintf("article %d in a box", i), Zone: i % Zones}
		item.Quantity, item.Price = 10+i%90, float64(i%500)/4
		s.items[item.SKU] = item
		s.sums[item.Zone] += item.Quantity
	}
	return s
}

// Adjust books goods in or out.
func (s *Shelves) Adjust(sku string, delta int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book(sku, delta)
}

// AdjustDurably books goods in or out and has the journal written before anybody sees the change.
func (s *Shelves) AdjustDurably(ctx context.Context, sku string, delta int, write Journal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := write(ctx, sku, delta); err != nil {
		return err
	}
	return s.book(sku, delta)
}

func (s *Shelves) book(sku string, delta int) error {
	item, known := s.items[sku]
	if !known {
		return fmt.Errorf("no article %s", sku)
	}
	item.Quantity += delta
	s.sums[item.Zone] += delta
	return nil
}

// InZone gives how many things are in a zone.
func (s *Shelves) InZone(zone int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sums[zone]
}

// Copy gives all items as they are now.
func (s *Shelves) Copy() []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Item, 0, len(s.items))
	for _, item := range s.items {
		all = append(all, *item)
	}
	return all
}
