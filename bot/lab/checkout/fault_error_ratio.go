package main

import (
	"net/http"
	"sync/atomic"
)

func init() { register(&errorRatio{}) }

// errorRatio fails three requests of every ten.
type errorRatio struct{ seen atomic.Uint64 }

func (*errorRatio) name() string  { return "error-ratio" }
func (*errorRatio) title() string { return "Answers 30 % of the requests with a 500" }
func (*errorRatio) start()        {}
func (*errorRatio) free()         {}

func (f *errorRatio) during(w http.ResponseWriter, _ *http.Request) bool {
	if f.seen.Add(3)%10 >= 3 {
		return false
	}
	writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "the stock table is locked"})
	return true
}
