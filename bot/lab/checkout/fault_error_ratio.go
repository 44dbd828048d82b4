package main

import (
	"net/http"
	"sync/atomic"
)

func init() {
	register(&errorRatio{described: described{"error-ratio", "Answers 30 % of the requests with a 500", unnamed}})
}

// unnamed is the class of a fault that no class of a diagnosis fits.
const unnamed = "unnamed"

// failures of ten requests.
var failures = [...]uint64{small: 1, medium: 3, large: 8}

// errorRatio fails some requests of every ten.
type errorRatio struct {
	described
	seen atomic.Uint64
}

func (f *errorRatio) during(w http.ResponseWriter, _ *http.Request, s size) bool {
	if f.seen.Add(failures[s])%10 >= failures[s] {
		return false
	}
	writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "the stock table is locked"})
	return true
}
