// Package billing asks insurers, laboratories and printers.
package billing

import (
	"context"
	"time"

	"clinic/internal/house"
)

// Switches are situations of the billing.
func Switches() []house.Switch {
	return []house.Switch{
		{"claim-checks", "Visits wait ten seconds for an insurer, pages are given up after three", "timeout-mismatch", claims},
		{"second-insurers", "Three insurers have four seconds each, one after the other, of a budget of 2.5", "timeout-mismatch", insurers},
		{"missing-consents", "A missing consent ends a visit without its connection given back", "pool-exhaustion", consents},
		{"open-transactions", "Transactions stay open while the laboratory is asked", "pool-exhaustion", transactions},
		{"letters-on-paper", "All clerks stand at a printer that has become slow", "pool-exhaustion", letters},
		{"client-of-its-own", "Each notice is sent by an HTTP client of its own", "socket-exhaustion", notices},
		{"referral-line", "Callers who have hung up are never hung up on", "socket-exhaustion", referrals},
		{"busy-records", "The records' pool is lent out nearly always, for a moment each", "", busyRecords},
		{"one-printer", "Some clerks wait at the printer, one is always free", "", onePrinter},
		{"lab-couriers", "A few calls a second on connections that are closed", "", couriers},
	}
}

// claims waits for an insurer as long as the partners' client does.
func claims(h *house.House, size house.Size) (func(), error) {
	every := house.Of[uint64](size, 4, 2, 1)
	takes := house.Of[time.Duration](size, 5, 6, 9) * time.Second
	open, closed := context.WithCancel(context.Background())
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		if visit.Number%every != 0 {
			return nil
		}
		_, err := h.Partner(open, "claims", takes, 0)
		return err
	})
	return house.All(closed, remove), nil
}

// insurers asks one after the other; the visit gives up, the asking does not.
func insurers(h *house.House, size house.Size) (func(), error) {
	every := house.Of[uint64](size, 4, 2, 1)
	open, closed := context.WithCancel(context.Background())
	remove := h.EachVisit(func(ctx context.Context, visit house.Visit) error {
		if visit.Number%every != 0 {
			return nil
		}
		covered := make(chan error, 1)
		go func() { covered <- cover(open, h) }()
		select {
		case err := <-covered:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return house.All(closed, remove), nil
}

func cover(ctx context.Context, h *house.House) error {
	for range 3 {
		each, cancel := context.WithTimeout(ctx, 4*time.Second)
		_, err := h.Partner(each, "coverage", 3500*time.Millisecond, 0)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
