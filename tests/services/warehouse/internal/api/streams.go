package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"acme.example/trellis"
	"acme.example/warehouse/internal/bus"
)

// feed sends every movement to a wallboard as it happens.
func (d *Desk) feed(x *trellis.Exchange) error {
	movements := d.Movements.Subscribe(16)
	defer movements.Close()
	x.W.Header().Set("Content-Type", "text/event-stream")
	for {
		select {
		case movement, open := <-movements.C:
			if !open {
				return nil
			}
			if err := sendEvent(x, movement); err != nil {
				return err
			}
		case <-x.Context().Done():
			return nil
		}
	}
}

func sendEvent(x *trellis.Exchange, movement Movement) error {
	body, err := json.Marshal(movement)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(x.W, "event: movement\ndata: %s\n\n", body); err != nil {
		return err
	}
	return x.Flush()
}

// changes answers when something of a part of the hall has moved, or after a while with nothing.
func (d *Desk) changes(x *trellis.Exchange) error {
	movements := d.Movements.Subscribe(1)
	defer movements.Close()
	patience := time.NewTimer(time.Duration(x.Number("s", 25)) * time.Second)
	defer patience.Stop()
	for {
		select {
		case movement, open := <-movements.C:
			if !open || movement.SKU == x.Query("sku", "") {
				return x.JSON(http.StatusOK, movement)
			}
		case <-patience.C:
			return x.JSON(http.StatusOK, Movement{})
		case <-x.Context().Done():
			return x.Context().Err()
		}
	}
}

// follow has somebody called back whenever an article runs low.
func (d *Desk) follow(x *trellis.Exchange) error {
	follower := &follower{sku: x.Param("sku"), movements: d.Movements.Subscribe(4)}
	go follower.run()
	return x.JSON(http.StatusAccepted, map[string]string{"following": follower.sku})
}

type follower struct {
	sku       string
	movements *bus.Subscription[Movement]
	low       int
}

func (f *follower) run() {
	tidy := time.NewTicker(time.Minute)
	defer tidy.Stop()
	for {
		select {
		case movement, open := <-f.movements.C:
			if !open {
				return
			}
			if movement.SKU == f.sku && movement.Delta < 0 {
				f.low++
			}
		case <-tidy.C:
			f.low = 0
		}
	}
}
