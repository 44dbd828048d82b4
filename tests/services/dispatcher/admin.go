package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"

	"parcels.example/dispatcher/v2/depot"
)

// turned is a scenario and how to end it; nil when it is off.
type turned struct {
	depot.Scenario
	stop func()
}

type state struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Class string `json:"class"`
	On    bool   `json:"on"`
}

func (t *turned) state() state { return state{t.Name, t.Title, t.Class, t.stop != nil} }

func adminPages(all []depot.Scenario) http.Handler {
	var mu sync.Mutex
	board := make([]*turned, len(all))
	for i, one := range all {
		board[i] = &turned{Scenario: one}
	}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /debug/pprof/", pprof.Index)
	pages.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	pages.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	pages.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	pages.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	pages.HandleFunc("GET /debug/faults", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		states := []state{}
		for _, one := range board {
			states = append(states, one.state())
		}
		answer(w, http.StatusOK, states)
	})
	pages.HandleFunc("POST /debug/faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for _, one := range board {
			if one.Name == r.PathValue("name") {
				turn(w, r, one)
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]string{"error": "no such fault; GET /debug/faults lists them"})
	})
	return pages
}

func turn(w http.ResponseWriter, r *http.Request, one *turned) {
	var wanted struct {
		On   *bool  `json:"on"`
		Size string `json:"size"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&wanted)
	size, known := map[string]depot.Size{"small": depot.Small, "": depot.Medium, "medium": depot.Medium, "large": depot.Large}[wanted.Size]
	if err != nil || wanted.On == nil || !known {
		answer(w, http.StatusBadRequest, map[string]string{"error": `send {"on": true, "size": "small|medium|large"} or {"on": false}`})
		return
	}
	switch {
	case *wanted.On && one.stop == nil:
		one.stop = one.Start(size)
	case !*wanted.On && one.stop != nil:
		one.stop()
		one.stop = nil
	}
	slog.Info("rollout switched", "name", one.Name, "on", *wanted.On, "size", wanted.Size)
	answer(w, http.StatusOK, one.state())
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
