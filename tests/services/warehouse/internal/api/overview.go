package api

import (
	"net/http"
	"strconv"

	"acme.example/trellis"
	"acme.example/warehouse/internal/store"
	"acme.example/warehouse/internal/supplier"
)

// overview is the first page: one zone of the hall after the other.
type overview struct {
	Zone     int              `json:"zone"`
	Stock    int              `json:"stock"`
	InBins   int              `json:"in_bins"`
	Counted  int              `json:"counted"`
	Articles []store.Item     `json:"articles"`
	Orders   []store.Order    `json:"orders"`
	Arrival  supplier.Arrival `json:"arrival"`
	Printers string           `json:"printers"`
}

func (d *Desk) overview(x *trellis.Exchange) (err error) {
	zone := int(d.turn.Add(1) % store.Zones)
	page := overview{Zone: zone, Stock: d.Shelves.InZone(zone), InBins: d.Bins.InZone(zone)}
	page.Counted, _ = d.Counts.Last(zone)
	page.Articles = d.Catalogue.Top(zone, 20)
	if page.Orders, err = d.Orders.Open(x.Context(), zone, 10); err != nil {
		return err
	}
	if page.Arrival, err = d.Arrivals.For(x.Context(), zone); err != nil {
		return trellis.Problem{Status: http.StatusBadGateway, Detail: err.Error()}
	}
	if page.Printers, err = d.printerState(x); err != nil {
		return err
	}
	return x.JSON(http.StatusOK, page)
}

func (d *Desk) ready(x *trellis.Exchange) error {
	return x.JSON(http.StatusOK, map[string]bool{"ready": true})
}

// printerState asks whichever printer is free for its state.
func (d *Desk) printerState(x *trellis.Exchange) (string, error) {
	printer, err := d.Printers.Borrow(x.Context())
	if err != nil {
		return "", err
	}
	defer d.Printers.Return(printer)
	return "printer " + strconv.Itoa(printer.Number) + " has paper", nil
}

func zoneOf(x *trellis.Exchange) (int, error) {
	zone, err := strconv.Atoi(x.Param("zone"))
	if err != nil || zone < 0 {
		return 0, trellis.Problem{Status: http.StatusNotFound, Detail: "no such zone"}
	}
	return zone % store.Zones, nil
}
