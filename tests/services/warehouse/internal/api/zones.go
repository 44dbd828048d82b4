package api

import (
	"net/http"
	"time"

	"acme.example/trellis"
)

func (d *Desk) arrival(x *trellis.Exchange) error {
	zone, err := zoneOf(x)
	if err != nil {
		return err
	}
	arrival, err := d.Arrivals.For(x.Context(), zone)
	if err != nil {
		return trellis.Problem{Status: http.StatusBadGateway, Detail: err.Error()}
	}
	return x.JSON(http.StatusOK, arrival)
}

func (d *Desk) openOrders(x *trellis.Exchange) error {
	zone, err := zoneOf(x)
	if err != nil {
		return err
	}
	orders, err := d.Orders.Open(x.Context(), zone, x.Number("most", 50))
	if err != nil {
		return err
	}
	return x.JSON(http.StatusOK, orders)
}

func (d *Desk) urgentOrder(x *trellis.Exchange) error {
	zone, err := zoneOf(x)
	if err != nil {
		return err
	}
	order, err := d.Orders.Urgent(zone)
	if err != nil {
		return err
	}
	return x.JSON(http.StatusOK, order)
}

func (d *Desk) turnover(x *trellis.Exchange) error {
	if err := d.Orders.Turnover(x.Context(), x.Number("ms", 20)); err != nil {
		return err
	}
	return x.JSON(http.StatusOK, map[string]bool{"added_up": true})
}

func (d *Desk) count(x *trellis.Exchange) error {
	zone, err := zoneOf(x)
	if err != nil {
		return err
	}
	if err := d.Counts.Record(zone, x.Number("pieces", 0)); err != nil {
		return trellis.Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()}
	}
	return x.JSON(http.StatusOK, map[string]int{"zone": zone})
}

// stocktake has the conveyor carry every bin of a zone past the scales.
func (d *Desk) stocktake(x *trellis.Exchange) error {
	zone, err := zoneOf(x)
	if err != nil {
		return err
	}
	weighed := make(chan int, 1)
	go d.conveyor(weighed, x.Number("rounds", 1))
	return x.JSON(http.StatusOK, map[string]int{"zone": zone, "kilos": <-weighed})
}

// turnaround is the time in which the conveyor goes round once.
const turnaround = 500 * time.Millisecond

func (d *Desk) conveyor(weighed chan<- int, rounds int) {
	kilos := 0
	for ; rounds > 0 && !d.halted.Load(); rounds-- {
		time.Sleep(turnaround)
		kilos += 12
	}
	weighed <- kilos
}

// HaltConveyor ends every stocktake that is under way.
func (d *Desk) HaltConveyor() {
	d.halted.Store(true)
	defer d.halted.Store(false)
	time.Sleep(2 * turnaround)
}
