// Package supplier is the company that delivers to the warehouse: its service, and our client for it.
package supplier

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Serve plays the supplier: arrivals, and a price list of 64 kB. PUT /latency?ms=N makes it slow.
func Serve(listener net.Listener) error {
	var latency atomic.Int64
	priceList := strings.Repeat("sku-00000;12.50;EUR;box\n", 64*1024/24)
	pages := http.NewServeMux()
	pages.HandleFunc("PUT /latency", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.ParseInt(r.URL.Query().Get("ms"), 10, 64)
		latency.Store(ms)
	})
	pages.HandleFunc("GET /arrivals/{zone}", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(latency.Load()) * time.Millisecond)
		_ = json.NewEncoder(w).Encode(Arrival{Zone: r.PathValue("zone"), Hours: 7})
	})
	pages.HandleFunc("GET /prices", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(latency.Load()) * time.Millisecond)
		_, _ = w.Write([]byte(priceList))
	})
	return http.Serve(listener, pages)
}
