package trellis

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// Recover turns a panic of a handler into an error.
func Recover(next Handler) Handler {
	return func(x *Exchange) (err error) {
		defer func() {
			if value := recover(); value != nil {
				err = fmt.Errorf("panic: %v", value)
			}
		}()
		return next(x)
	}
}

// Complaints logs what failed or took long, at most ten lines a second.
func Complaints(slow time.Duration) Layer {
	var last atomic.Int64
	return func(next Handler) Handler {
		return func(x *Exchange) error {
			began := time.Now()
			err := next(x)
			took := time.Since(began)
			if err == nil && took < slow {
				return nil
			}
			before := last.Load()
			if now := time.Now().UnixMilli(); now-before >= 100 && last.CompareAndSwap(before, now) {
				slog.Warn("request", "path", x.R.URL.Path, "ms", took.Milliseconds(), "error", err)
			}
			return err
		}
	}
}

// AtMost admits a number of exchanges at once and turns the rest away.
func AtMost(places int) Layer {
	free := make(chan struct{}, places)
	return func(next Handler) Handler {
		return func(x *Exchange) error {
			select {
			case free <- struct{}{}:
				defer func() { <-free }()
				return next(x)
			default:
				return Problem{http.StatusTooManyRequests, "too many at once, come back later"}
			}
		}
	}
}
