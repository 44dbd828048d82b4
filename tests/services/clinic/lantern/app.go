// Package lantern is the framework of the clinic: routes, layers around them, groups, queues and caches.
package lantern

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Handler answers a call; an error becomes the status that it stands for.
type Handler func(*Call) error

// Layer is put around handlers.
type Layer func(Handler) Handler

// Call is a request on its way to an answer.
type Call struct {
	http.ResponseWriter
	*http.Request
}

// JSON answers with a value.
func (c *Call) JSON(value any) error {
	c.ResponseWriter.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(c.ResponseWriter).Encode(value)
}

// Status is an error that is an HTTP status.
type Status int

func (s Status) Error() string { return http.StatusText(int(s)) }

// App is a set of routes behind the same layers.
type App struct {
	mux    *http.ServeMux
	layers []Layer
	budget time.Duration
	limit  time.Duration
}

// New gives an app whose pages should be answered within a budget, and are given up at a limit.
func New(budget, limit time.Duration, layers ...Layer) *App {
	return &App{http.NewServeMux(), layers, budget, limit}
}

// Page adds a route that is answered as a whole, or not at all.
func (a *App) Page(pattern string, handler Handler) {
	a.mux.Handle(pattern, http.TimeoutHandler(a.layered(budgeted(a.budget, handler)), a.limit, "it takes too long\n"))
}

// Stream adds a route that is answered piece by piece.
func (a *App) Stream(pattern string, handler Handler) {
	a.mux.Handle(pattern, a.layered(handler))
}

func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *App) layered(handler Handler) http.Handler {
	for i := len(a.layers) - 1; i >= 0; i-- {
		handler = a.layers[i](handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handler(&Call{w, r}); err != nil {
			http.Error(w, err.Error(), statusOf(err))
		}
	})
}

func statusOf(err error) int {
	var status Status
	switch {
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// Recovered turns a panic into an error.
func Recovered(next Handler) Handler {
	return func(c *Call) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return next(c)
	}
}

// Admitted lets so many calls in at a time and turns the others away.
func Admitted(most int) Layer {
	inside := make(chan struct{}, most)
	return func(next Handler) Handler {
		return func(c *Call) error {
			select {
			case inside <- struct{}{}:
				defer func() { <-inside }()
				return next(c)
			default:
				return Status(http.StatusServiceUnavailable)
			}
		}
	}
}

func budgeted(budget time.Duration, next Handler) Handler {
	return func(c *Call) error {
		ctx, cancel := context.WithTimeout(c.Context(), budget)
		defer cancel()
		return next(&Call{c.ResponseWriter, c.Request.WithContext(ctx)})
	}
}
