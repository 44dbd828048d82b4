package ops

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
)

// Handler is everything behind the operators' port.
func Handler(switches *Switches) http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /debug/pprof/", pprof.Index)
	pages.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	pages.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	pages.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	pages.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	pages.HandleFunc("GET /debug/faults", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, switches.List())
	})
	pages.HandleFunc("POST /debug/faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		wanted := struct {
			On   *bool `json:"on"`
			Size Size  `json:"size"`
		}{Size: Medium}
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&wanted)
		if err != nil || wanted.On == nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": `send {"on": true, "size": "small"} or {"on": false}`})
			return
		}
		state, err := switches.Turn(r.PathValue("name"), *wanted.On, wanted.Size)
		if err != nil {
			status := http.StatusInternalServerError
			if errors.Is(err, errUnknown) {
				status = http.StatusNotFound
			}
			answer(w, status, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, state)
	})
	return pages
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
