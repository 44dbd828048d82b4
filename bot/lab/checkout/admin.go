package main

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"
)

// adminHandler is everything behind the operators' port.
func adminHandler(requests *requestMetrics, faults *switches) http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /debug/pprof/", pprof.Index)
	pages.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	pages.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	pages.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	pages.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	pages.Handle("GET /metrics", requests)
	pages.HandleFunc("GET /debug/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, faults.list())
	})
	pages.HandleFunc("POST /debug/faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		turnFault(w, r, faults)
	})
	return pages
}

// longest is how long a fault may be on at most.
const longest = 24 * time.Hour

func turnFault(w http.ResponseWriter, r *http.Request, faults *switches) {
	var wanted struct {
		On   *bool  `json:"on"`
		Size string `json:"size"`
		For  *int   `json:"for_s"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&wanted)
	as, sized := sizes[wanted.Size]
	lasts := onFor
	if wanted.For != nil {
		lasts = time.Duration(*wanted.For) * time.Second
	}
	if err != nil || wanted.On == nil || !sized || lasts < time.Second || lasts > longest {
		writeJSON(w, http.StatusBadRequest, map[string]string{
			"error": `send {"on": true} or {"on": false}, and with true, if you like, "size": "small", "medium" or "large", ` +
				`and "for_s": 1 to 86400 seconds`,
		})
		return
	}
	state, known := faults.turn(r.PathValue("name"), *wanted.On, as, lasts)
	if !known {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "no such fault; GET /debug/faults lists them"})
		return
	}
	writeJSON(w, http.StatusOK, state)
}
