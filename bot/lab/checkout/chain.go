package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
)

// nextURL is which service is asked after this one, in a chain of several; the last asks nobody.
var nextURL, inChain = os.LookupEnv("CHECKOUT_NEXT")

// dropped are the headers that this service forgets on the way, with commas between.
var dropped = os.Getenv("CHECKOUT_DROPS")

// followed are the headers by which one request is known in every service that it passes.
var followed = []string{"traceparent", "tracestate", "baggage", "X-Request-ID"}

// nextClient has time for a chain, and less than those who ask us.
var nextClient = &http.Client{Timeout: 4 * time.Second}

// inTheChain logs what each request came with and passes it on; a service that is in no chain does nothing of it.
func inTheChain(serve http.Handler) http.Handler {
	if !inChain {
		return serve
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			slog.Info("request came", "trace_id", traceOf(r), "baggage", r.Header.Get("baggage"),
				"tracestate", r.Header.Get("tracestate"), "request_id", r.Header.Get("X-Request-ID"))
			if err := askNext(r.Context(), r.Header); err != nil {
				slog.Warn("the next service did not answer", "error", err)
			}
		}
		serve.ServeHTTP(w, r)
	})
}

// traceOf is the trace that a request belongs to: the one it came with (W3C, `00-TRACE-SPAN-FLAGS`), or a new one,
// which it belongs to from here on.
func traceOf(r *http.Request) string {
	if _, after, found := strings.Cut(r.Header.Get("traceparent"), "-"); found {
		trace, _, _ := strings.Cut(after, "-")
		return trace
	}
	var trace [16]byte
	var span [8]byte
	_, _ = rand.Read(trace[:])
	_, _ = rand.Read(span[:])
	r.Header.Set("traceparent", "00-"+hex.EncodeToString(trace[:])+"-"+hex.EncodeToString(span[:])+"-01")
	return hex.EncodeToString(trace[:])
}

// askNext asks the next service with what came in, but for what this service drops.
func askNext(ctx context.Context, came http.Header) error {
	if nextURL == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, nextURL+"/", nil)
	if err != nil {
		return err
	}
	for _, name := range followed {
		if value := came.Get(name); value != "" && !drops(name) {
			request.Header.Set(name, value)
		}
	}
	answer, err := nextClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func drops(name string) bool {
	for one := range strings.SplitSeq(dropped, ",") {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}
