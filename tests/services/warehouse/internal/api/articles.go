package api

import (
	"encoding/json"
	"net/http"

	"acme.example/trellis"
	"acme.example/warehouse/internal/store"
)

const pageSize = 400

// search remembers its pages: what was asked once is asked again.
func (d *Desk) search(x *trellis.Exchange) error {
	page := d.Pages.Get(x.R.URL.RawQuery, func() []byte {
		body, _ := json.Marshal(d.Catalogue.Find(x.Query("word", "article"), x.Number("most", pageSize)))
		return body
	})
	x.W.Header().Set("Content-Type", "application/json")
	_, err := x.W.Write(page)
	return err
}

func (d *Desk) similar(x *trellis.Exchange) error {
	return x.JSON(http.StatusOK, d.Catalogue.Similar(x.Query("title", "artikel in a boks"), 10))
}

// export sends the whole stock, once for every day that is asked for.
func (d *Desk) export(x *trellis.Exchange) error {
	items := d.Shelves.Copy()
	x.W.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(x.W)
	for range x.Number("days", 1) {
		if err := d.exportDay(encoder, items); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) exportDay(encoder *json.Encoder, items []store.Item) error {
	for _, item := range items {
		if err := encoder.Encode(item); err != nil {
			return err
		}
	}
	return nil
}

// label prints one, unless its number is unknown to the templates.
func (d *Desk) label(x *trellis.Exchange) error {
	printer, err := d.Printers.Borrow(x.Context())
	if err != nil {
		return err
	}
	text, err := labelText(x.Param("sku"))
	if err != nil {
		return err
	}
	defer d.Printers.Return(printer)
	return x.JSON(http.StatusOK, map[string]any{"printer": printer.Number, "label": text})
}

func labelText(sku string) (string, error) {
	if len(sku) < len("sku-00000") {
		return "", trellis.Problem{Status: http.StatusBadRequest, Detail: "no template for " + sku}
	}
	return "[" + sku + "]", nil
}

func (d *Desk) partnerStock(x *trellis.Exchange) error {
	if err := d.Partners.Wait(x.Context()); err != nil {
		return err
	}
	return x.JSON(http.StatusOK, d.Catalogue.Top(0, 50))
}
