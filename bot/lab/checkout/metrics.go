package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"
)

// bucketBounds are the upper bounds of the latency histogram, in seconds.
var bucketBounds = []float64{0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10}

// requestMetrics counts what the users' port answered.
type requestMetrics struct {
	mu      sync.Mutex
	byCode  map[int]uint64
	buckets []uint64 // one for each bound, and one for what is slower
	seconds float64
	count   uint64
}

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{byCode: map[int]uint64{}, buckets: make([]uint64, len(bucketBounds)+1)}
}

func (m *requestMetrics) add(code int, took time.Duration) {
	seconds := took.Seconds()
	bucket, _ := slices.BinarySearch(bucketBounds, seconds)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byCode[code]++
	m.buckets[bucket]++
	m.seconds += seconds
	m.count++
}

// ServeHTTP writes the Prometheus text format, version 0.0.4.
func (m *requestMetrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writeCounts(w)
	m.writeLatency(w)
	writeProcess(w)
}

func (m *requestMetrics) writeCounts(w io.Writer) {
	fmt.Fprintln(w, "# HELP http_requests_total Requests answered, by status code.")
	fmt.Fprintln(w, "# TYPE http_requests_total counter")
	for _, code := range slices.Sorted(maps.Keys(m.byCode)) {
		fmt.Fprintf(w, "http_requests_total{code=\"%d\"} %d\n", code, m.byCode[code])
	}
}

func (m *requestMetrics) writeLatency(w io.Writer) {
	fmt.Fprintln(w, "# HELP http_request_duration_seconds Time to answer a request.")
	fmt.Fprintln(w, "# TYPE http_request_duration_seconds histogram")
	var within uint64
	for i, bound := range bucketBounds {
		within += m.buckets[i]
		fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=\"%g\"} %d\n", bound, within)
	}
	fmt.Fprintf(w, "http_request_duration_seconds_bucket{le=\"+Inf\"} %d\n", m.count)
	fmt.Fprintf(w, "http_request_duration_seconds_sum %g\n", m.seconds)
	fmt.Fprintf(w, "http_request_duration_seconds_count %d\n", m.count)
}

func writeProcess(w io.Writer) {
	fmt.Fprintln(w, "# HELP go_goroutines Goroutines that exist.")
	fmt.Fprintln(w, "# TYPE go_goroutines gauge")
	fmt.Fprintf(w, "go_goroutines %d\n", runtime.NumGoroutine())
	running := readBuild()
	fmt.Fprintln(w, "# HELP checkout_build_info What this process was built from; the value is always 1.")
	fmt.Fprintln(w, "# TYPE checkout_build_info gauge")
	fmt.Fprintf(w, "checkout_build_info{version=%q,revision=%q} 1\n", running.Version, running.Revision)
}
