package main

import (
	"net/http"
	"sync/atomic"
)

func init() {
	register(&rateLimit{described: described{"rate-limit", "Tells customers who ask too often so, at once (429)", healthy}})
}

// limited requests of ten.
var limited = [...]uint64{small: 2, medium: 5, large: 8}

type rateLimit struct {
	described
	seen atomic.Uint64
}

func (l *rateLimit) during(w http.ResponseWriter, _ *http.Request, s size) bool {
	if l.seen.Add(limited[s])%10 >= limited[s] {
		return false
	}
	w.Header().Set("Retry-After", "1")
	writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": "too many requests"})
	return true
}
