package store

import (
	"errors"
	"sync"
	"time"
)

// ErrImplausible refuses a count that cannot be.
var ErrImplausible = errors.New("a count below zero is implausible")

// Counts are what people counted by hand, zone by zone.
type Counts struct {
	zones [Zones]struct {
		mu      sync.Mutex
		counted int
		at      time.Time
	}
}

// Record keeps a count.
func (c *Counts) Record(zone, counted int) error {
	z := &c.zones[zone]
	z.mu.Lock()
	if counted < 0 {
		return ErrImplausible
	}
	z.counted, z.at = counted, time.Now()
	z.mu.Unlock()
	return nil
}

// Last gives the newest count of a zone.
func (c *Counts) Last(zone int) (int, time.Time) {
	z := &c.zones[zone]
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.counted, z.at
}

// Reopen lets a zone be counted again after a count that went wrong.
func (c *Counts) Reopen(zone int) { c.zones[zone].mu.Unlock() }
