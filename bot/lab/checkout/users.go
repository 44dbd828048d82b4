package main

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

const slowRequest = 500 * time.Millisecond

// usersHandler is everything behind the users' port.
func usersHandler(requests *requestMetrics, faults *switches) http.Handler {
	pages := http.NewServeMux()
	pages.Handle("/{$}", observe(requests, faults.around(http.HandlerFunc(checkout))))
	pages.HandleFunc("GET /health/live", answerHealth("live"))
	pages.HandleFunc("GET /health/ready", answerHealth("ready"))
	pages.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, readBuild())
	})
	return echoHeaders(pages)
}

// echoHeaders sends back what a router added, so that one request can be followed end to end.
func echoHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-ID")
		if id == "" {
			id = rand.Text()
		}
		w.Header().Set("X-Request-ID", id)
		if phase := r.Header.Get("X-Release-Phase"); phase != "" {
			w.Header().Set("X-Release-Phase", phase)
		}
		next.ServeHTTP(w, r)
	})
}

// observe counts and times a request, and logs it when it failed or was slow.
func observe(requests *requestMetrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		answer := &recorder{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answer, r)
		took := time.Since(started)
		requests.add(answer.code, took)
		if answer.code < http.StatusInternalServerError && took < slowRequest {
			return
		}
		slog.Warn("request failed or was slow", "code", answer.code, "took_ms", took.Milliseconds(),
			"request_id", w.Header().Get("X-Request-ID"))
	})
}

// recorder remembers the status code that went out.
type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

// build says which commit this process was built from.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
}

func readBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{Version: "unknown"}
	}
	known := build{Version: info.Main.Version, Go: info.GoVersion}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			known.Revision = setting.Value
		case "vcs.modified":
			known.Modified = setting.Value == "true"
		}
	}
	return known
}

func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Warn("the client left before its answer", "error", err)
	}
}
