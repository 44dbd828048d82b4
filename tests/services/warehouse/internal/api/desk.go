// Package api is what people and machines ask the warehouse for.
package api

import (
	"database/sql"
	"net/http"
	"sync/atomic"
	"time"

	"acme.example/trellis"
	"acme.example/warehouse/internal/bus"
	"acme.example/warehouse/internal/store"
	"acme.example/warehouse/internal/supplier"
)

const (
	articles = 8000
	printers = 6
)

// Movement is an event: goods came or went.
type Movement struct {
	SKU    string    `json:"sku"`
	Delta  int       `json:"delta"`
	At     time.Time `json:"at"`
	Detail string    `json:"detail"`
}

// Printer prints labels.
type Printer struct{ Number int }

// Desk has everything that answers need.
type Desk struct {
	Shelves   *store.Shelves
	Bins      *store.Bins
	Counts    *store.Counts
	Catalogue *store.Catalogue
	Orders    *store.Orders
	Trail     *store.Trail
	Pages     *store.Memo[string, []byte]
	Printers  *store.Lending[*Printer]
	Supplier  *supplier.Client
	Arrivals  *Arrivals
	Movements *bus.Bus[Movement]
	Quotes    *Quotes
	Partners  *Limiter

	turn   atomic.Uint64
	halted atomic.Bool
}

// NewDesk furnishes the desk.
func NewDesk(db *sql.DB, deliveries *supplier.Client) *Desk {
	shelves := store.NewShelves(articles)
	d := &Desk{
		Shelves: shelves, Bins: store.NewBins(), Counts: &store.Counts{}, Catalogue: store.NewCatalogue(shelves.Copy()),
		Orders: store.NewOrders(db), Trail: &store.Trail{}, Pages: store.NewMemo[string, []byte](),
		Supplier: deliveries, Arrivals: NewArrivals(deliveries), Movements: bus.New[Movement](), Quotes: &Quotes{},
		Partners: NewLimiter(50), Printers: store.NewLending[*Printer](newPrinters(printers)...),
	}
	return d
}

func newPrinters(count int) (made []*Printer) {
	for number := range count {
		made = append(made, &Printer{number})
	}
	return made
}

// ReplacePrinters brings new ones for those that were lost.
func (d *Desk) ReplacePrinters() {
	for _, printer := range newPrinters(printers - d.Printers.Free()) {
		d.Printers.Return(printer)
	}
}

// Handler routes everything that users ask for.
func (d *Desk) Handler() http.Handler {
	r := trellis.New(trellis.Complaints(2*time.Second), trellis.Recover)
	r.Get("/", d.overview)
	r.Get("/health/ready", d.ready)
	r.Get("/arrivals/:zone", d.arrival)
	r.Get("/orders/:zone", d.openOrders)
	r.Get("/orders/:zone/urgent", d.urgentOrder)
	r.Get("/turnover", d.turnover)
	r.Get("/search", d.search)
	r.Get("/similar", d.similar)
	r.Get("/labels/:sku", d.label)
	r.Get("/quote/:sku", d.quote)
	r.Get("/follow/:sku", d.follow)
	r.Get("/counts/:zone", d.count)
	r.Get("/stocktake/:zone", d.stocktake)
	r.Get("/export", d.export, trellis.AtMost(1000))
	r.Get("/feed", d.feed)
	r.Get("/changes", d.changes)
	r.Get("/partner/stock", d.partnerStock)
	return r
}
