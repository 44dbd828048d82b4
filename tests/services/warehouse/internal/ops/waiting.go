package ops

import (
	"errors"
	"time"

	"acme.example/warehouse/internal/jobs"
	"acme.example/warehouse/internal/store"
	"acme.example/warehouse/internal/supplier"
)

// waiting is everything in which goroutines wait for each other, or for nothing.
var waiting = []situation{
	{"durable-bookings", "Bookings write to the ledger while they hold the lock of the shelves", "lock-contention", durableBookings},
	{"catalogue-publishing", "The catalogue is read-locked while shops take it, and prices change meanwhile", "lock-contention", cataloguePublishing},
	{"bin-transfers", "Refills and returns lock the two bins of a zone in opposite order", "deadlock", binTransfers},
	{"implausible-counts", "A count that is refused leaves its zone locked", "deadlock", implausibleCounts},
	{"carrier-quotes", "Carriers who answer second wait for ever for somebody to listen", "goroutine-leak", carrierQuotes},
	{"stock-followers", "Whoever follows an article is never forgotten", "goroutine-leak", stockFollowers},
	{"patient-arrivals", "Pages wait 30 s for the supplier while shops hang up after one", "timeout-mismatch", patientArrivals},
	{"patient-stocktakes", "Stocktakes go on for seconds after their callers have hung up", "timeout-mismatch", patientStocktakes},
	{"turnover-reports", "Reports take all connections to the ledger for seconds", "pool-exhaustion", turnoverReports},
	{"urgent-orders", "Looking for an urgent order keeps its connection to the ledger", "pool-exhaustion", urgentOrders},
	{"lost-printers", "Labels without a template keep their printer", "pool-exhaustion", lostPrinters},
	{"supplier-lines", "Four lines to a supplier who takes his time", "pool-exhaustion", supplierLines},
}

func durableBookings(h *Hall, size Size) (func(), error) {
	return jobs.Busy(pick(size, 80, 180, 400), h.Stock.BookDurably), nil
}

func cataloguePublishing(h *Hall, size Size) (func(), error) {
	prices := jobs.Every(20*time.Millisecond, 4, h.Stock.Reprice)
	shops := jobs.Busy(2, h.Stock.PublishCatalogue(pick[time.Duration](size, 15, 40, 120)*time.Millisecond))
	return func() {
		shops()
		prices()
	}, nil
}

func binTransfers(h *Hall, size Size) (func(), error) {
	var stuck []*store.Transfer
	post := func() { _ = h.Desk.Orders.Post(25) }
	for zone := range pick(size, 1, 3, store.Zones) {
		pair, err := collide(h.Desk.Bins, zone, post)
		if err != nil {
			release(stuck)
			return nil, err
		}
		stuck = append(stuck, pair...)
	}
	return func() { release(stuck) }, nil
}

func release(stuck []*store.Transfer) {
	for _, transfer := range stuck {
		for !transfer.Done() {
			transfer.Abandon()
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// collide sends both transfers of a zone on their way until they meet.
func collide(bins *store.Bins, zone int, post func()) ([]*store.Transfer, error) {
	for range 20 {
		refill, back := bins.Refill(zone, 5, post), bins.Return(zone, 5, post)
		go refill.Run()
		go back.Run()
		time.Sleep(150 * time.Millisecond)
		if !refill.Done() || !back.Done() {
			return []*store.Transfer{refill, back}, nil
		}
	}
	return nil, errors.New("the transfers never met")
}

func implausibleCounts(h *Hall, size Size) (func(), error) {
	zones := pick(size, 1, 3, store.Zones)
	for zone := range zones {
		_ = h.Desk.Counts.Record(zone, -1)
	}
	return func() {
		for zone := range zones {
			h.Desk.Counts.Reopen(zone)
		}
	}, nil
}

func carrierQuotes(h *Hall, size Size) (func(), error) {
	end, err := leashed(h.visited("shoppers", "/quote/sku-00042", 64, pick(size, 15, 60, 250)))
	return thenEnd(end, err, h.Desk.Quotes.Settle)
}

func stockFollowers(h *Hall, size Size) (func(), error) {
	end, err := leashed(h.visited("shoppers", "/follow/sku-00042", 64, pick(size, 30, 120, 400)))
	return thenEnd(end, err, h.Desk.Movements.CloseAll)
}

// live has every page ask the supplier, who is slow.
func (h *Hall) live(terms supplier.Terms, latency time.Duration) (func(), error) {
	if err := h.Desk.Supplier.Slow(latency); err != nil {
		return nil, err
	}
	h.Desk.Supplier.Agree(terms)
	h.Desk.Arrivals.Live.Store(true)
	return func() {
		h.Desk.Arrivals.Live.Store(false)
		h.Desk.Arrivals.Detached.Store(false)
		_ = h.Desk.Supplier.Slow(0)
		h.Desk.Supplier.Agree(supplier.Usual)
	}, nil
}

func patientArrivals(h *Hall, size Size) (func(), error) {
	usual, err := h.live(supplier.Terms{Patience: 30 * time.Second, Idle: 64}, pick[time.Duration](size, 4, 9, 20)*time.Second)
	if err != nil {
		return nil, err
	}
	h.Desk.Arrivals.Detached.Store(true)
	end, err := h.visited("impatient", "/arrivals/*", 256, pick(size, 10, 25, 60))
	return thenEnd(end, err, usual)
}

func patientStocktakes(h *Hall, size Size) (func(), error) {
	end, err := h.visited("impatient", "/stocktake/*?rounds=24", 256, pick(size, 8, 30, 100))
	return thenEnd(end, err, h.Desk.HaltConveyor)
}

func turnoverReports(h *Hall, size Size) (func(), error) {
	return h.visited("pollers", pick(size, "/turnover?ms=700", "/turnover?ms=2000", "/turnover?ms=4000"),
		pick(size, 24, 50, 150), 1)
}

func urgentOrders(h *Hall, size Size) (func(), error) {
	end, err := h.visited("shoppers", "/orders/3/urgent", pick(size, 16, 40, 128), pick(size, 10, 30, 100))
	return thenEnd(end, err, h.Desk.Orders.Reset)
}

func lostPrinters(h *Hall, size Size) (func(), error) {
	misprints, err := h.visited("pollers", "/labels/oops", 8, 1)
	if err != nil {
		return nil, err
	}
	end, err := h.visited("pollers", "/labels/sku-00042", pick(size, 8, 50, 250), 1)
	return thenEnd(end, err, func() {
		misprints()
		for range 20 { // a request that is on its way still may lose one
			h.Desk.ReplacePrinters()
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func supplierLines(h *Hall, size Size) (func(), error) {
	usual, err := h.live(supplier.Terms{Patience: time.Minute, Idle: 4, Most: 4}, pick[time.Duration](size, 120, 500, 1000)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	end, err := h.visited("pollers", "/arrivals/3", pick(size, 16, 50, 200), 1)
	return thenEnd(end, err, usual)
}
