// Package supplier is the company that delivers to the warehouse: its service, and our client for it.
package supplier

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Serve plays the supplier: arrivals, and a price list of 64 kB. PUT /latency?ms=N makes it slow.
func Serve(listener net.Listener) error {
	pace := &pace{changed: make(chan struct{})}
	priceList := strings.Repeat("sku-00000;12.50;EUR;box\n", 64*1024/24)
	pages := http.NewServeMux()
	pages.HandleFunc("PUT /latency", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		pace.change(time.Duration(ms) * time.Millisecond)
	})
	pages.HandleFunc("GET /arrivals/{zone}", func(w http.ResponseWriter, r *http.Request) {
		pace.keep()
		_ = json.NewEncoder(w).Encode(Arrival{Zone: r.PathValue("zone"), Hours: 7})
	})
	pages.HandleFunc("GET /prices", func(w http.ResponseWriter, r *http.Request) {
		pace.keep()
		_, _ = w.Write([]byte(priceList))
	})
	return http.Serve(listener, pages)
}

// pace is how long every answer takes; when it changes, those under way are given at once.
type pace struct {
	mu      sync.Mutex
	latency time.Duration
	changed chan struct{}
}

func (p *pace) change(latency time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = latency
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pace) keep() {
	p.mu.Lock()
	latency, changed := p.latency, p.changed
	p.mu.Unlock()
	select {
	case <-time.After(latency):
	case <-changed:
	}
}
