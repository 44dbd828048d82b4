// Package reception is where users come in: the page of a visit, and what is streamed to them.
package reception

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"clinic/internal/house"
	"clinic/internal/outside"
	"clinic/internal/records"

	"lantern.test/lantern"
)

const (
	pageLimit   = 3 * time.Second
	pageBudget  = 2500 * time.Millisecond
	admitted    = 1024
	connections = 8
	clerks      = 4
)

type desk struct {
	*house.House
	directory string // URL of the wards' own server, in this process
	seen      atomic.Uint64
}

// Open makes the clinic ready for users.
func Open(at outside.Addresses) (*house.House, error) {
	pool, err := records.Open(at.Records, connections)
	if err != nil {
		return nil, err
	}
	d := &desk{House: house.New(at, pool)}
	d.Clerks = lantern.NewQueue(clerks, 16, d.write)
	if err := d.serveDirectory(); err != nil {
		return nil, err
	}
	d.App = lantern.New(pageBudget, pageLimit, lantern.Recovered, lantern.Admitted(admitted), d.counted)
	d.App.Page("GET /{$}", d.visit)
	d.App.Page("GET /health/ready", func(c *lantern.Call) error { return c.JSON("ready") })
	return d.House, nil
}

func (d *desk) counted(next lantern.Handler) lantern.Handler {
	return func(c *lantern.Call) error {
		d.seen.Add(1)
		return next(c)
	}
}

// write is what a clerk does: a note at once, a letter as long as the printer takes.
func (d *desk) write(ctx context.Context, takes time.Duration) string {
	if takes > 0 {
		letter, _ := d.Partner(ctx, "printer", takes, 0)
		return letter
	}
	sum := fnv.New32a()
	fmt.Fprint(sum, takes)
	return fmt.Sprintf("%08x", sum.Sum32())
}

// visit asks the ward, the records and a clerk at the same time.
func (d *desk) visit(c *lantern.Call) error {
	visit := d.Welcome()
	var ward, chart, note string
	group, ctx := lantern.NewGroup(c.Context())
	group.Go(func() (err error) {
		ward, err = d.askWard(ctx, visit.Ward)
		return err
	})
	group.Go(func() (err error) {
		chart, err = d.Records.Ask(ctx, fmt.Sprint("CHART ", visit.Number), 0)
		return err
	})
	group.Go(func() (err error) {
		note, err = d.Clerks.Ask(ctx, 0)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if err := d.Serve(c.Context(), visit); err != nil {
		return err
	}
	return c.JSON(map[string]any{"visit": visit.Number, "ward": ward, "chart": chart, "note": note, "seen": d.seen.Load()})
}

func (d *desk) serveDirectory() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /wards/{number}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "ward %s, first floor", r.PathValue("number"))
	})
	d.directory = "http://" + listener.Addr().String()
	go http.Serve(listener, mux)
	return nil
}

func (d *desk) askWard(ctx context.Context, number int) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprint(d.directory, "/wards/", number), nil)
	if err != nil {
		return "", err
	}
	response, err := d.House.Partners.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer := make([]byte, 64)
	n, _ := response.Body.Read(answer)
	return string(answer[:n]), nil
}
