package supplier

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Arrival is when a supplier's next lorry comes.
type Arrival struct {
	Zone  string `json:"zone"`
	Hours int    `json:"hours"`
}

// Terms are how we talk to a supplier.
type Terms struct {
	Patience time.Duration
	Idle     int // connections kept for later
	Most     int // connections at once, 0 for no limit
}

// Usual are the terms that serve well.
var Usual = Terms{Patience: 2 * time.Second, Idle: 64}

// Client asks one supplier.
type Client struct {
	base string
	http atomic.Pointer[http.Client]
}

// NewClient gives a client on the usual terms.
func NewClient(base string) *Client {
	c := &Client{base: base}
	c.Agree(Usual)
	return c
}

// Agree changes the terms; what was kept for later is let go.
func (c *Client) Agree(t Terms) {
	transport := &http.Transport{MaxIdleConnsPerHost: t.Idle, MaxConnsPerHost: t.Most, IdleConnTimeout: time.Minute}
	if before := c.http.Swap(&http.Client{Transport: transport, Timeout: t.Patience}); before != nil {
		before.CloseIdleConnections()
	}
}

// NextArrival asks when the next lorry for a zone comes.
func (c *Client) NextArrival(ctx context.Context, zone string) (arrival Arrival, err error) {
	answer, err := c.get(ctx, "/arrivals/"+zone)
	if err != nil {
		return arrival, err
	}
	defer answer.Body.Close()
	return arrival, json.NewDecoder(answer.Body).Decode(&arrival)
}

// Prices reads the whole price list.
func (c *Client) Prices(ctx context.Context) ([]byte, error) {
	answer, err := c.get(ctx, "/prices")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// PriceListAge looks at the head of the price list only. The body is for whoever wants the prices.
func (c *Client) PriceListAge(ctx context.Context) (string, *http.Response, error) {
	answer, err := c.get(ctx, "/prices")
	if err != nil {
		return "", nil, err
	}
	return answer.Header.Get("Date"), answer, nil
}

// Slow asks the supplier's test system to take its time.
func (c *Client) Slow(latency time.Duration) error {
	request, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/latency?ms=%d", c.base, latency.Milliseconds()), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (c *Client) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Load().Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("supplier: %s answered %s", path, answer.Status)
	}
	return answer, nil
}
