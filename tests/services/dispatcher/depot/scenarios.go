package depot

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"parcels.example/dispatcher/v2/couriers"
)

// Size is how bad it is.
type Size int

// The sizes of a scenario.
const (
	Small Size = iota
	Medium
	Large
)

// Scenario is a time in the life of a depot: a fault of a class, or with none a time that only looks wild.
type Scenario struct {
	Name, Title, Class string
	Start              func(Size) (stop func())
}

// Scenarios are all that can be switched.
func (d *Depot) Scenarios() []Scenario {
	return slices.Concat(d.memoryFaults(), d.processorFaults(), d.lockFaults(), d.waitFaults(), d.socketFaults(), d.quietTimes(), d.busyTimes())
}

func pick[T any](size Size, small, medium, large T) T { return []T{small, medium, large}[size] }

// roll switches a change on.
func roll(change *atomic.Int64, value int64) (back func()) {
	change.Store(value)
	return func() { change.Store(0) }
}

// crowd sends couriers; who cannot be sent is reported, and nobody has to be called back.
func (d *Depot) crowd(order couriers.Order) (stop func()) {
	order.RPC, order.URL = d.rpc, d.url
	stop, err := couriers.Send(order)
	if err != nil {
		slog.Error("no couriers", "error", err)
		return func() {}
	}
	return stop
}

// together stops the last first.
func together(stops ...func()) func() {
	return func() {
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	}
}
