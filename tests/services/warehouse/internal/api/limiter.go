package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"acme.example/trellis"
)

const longestQueue = 500 * time.Millisecond

// Limiter lets so many through a second; whoever would wait too long is turned away.
type Limiter struct {
	mu    sync.Mutex
	pause time.Duration
	next  time.Time
}

// NewLimiter lets a number through every second.
func NewLimiter(perSecond int) *Limiter {
	return &Limiter{pause: time.Second / time.Duration(perSecond)}
}

// Wait until it is one's turn.
func (l *Limiter) Wait(ctx context.Context) error {
	wait, admitted := l.place()
	if !admitted {
		return trellis.Problem{Status: http.StatusTooManyRequests, Detail: "more than was agreed"}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Limiter) place() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	wait := l.next.Sub(now)
	if wait > longestQueue {
		return 0, false
	}
	l.next = l.next.Add(l.pause)
	return wait, true
}
