package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

func init() {
	register(&slowPages{described: described{"slow-pages", "Has a few pages that take their time", healthy}})
}

var (
	slowOnes = [...]uint64{small: 10, medium: 6, large: 4} // of so many requests, one is slow
	slowPage = [...]time.Duration{small: 250 * time.Millisecond, medium: 400 * time.Millisecond, large: 700 * time.Millisecond}
)

type slowPages struct {
	described
	seen atomic.Uint64
}

func (p *slowPages) during(_ http.ResponseWriter, r *http.Request, s size) bool {
	if p.seen.Add(1)%slowOnes[s] == 0 {
		drawPage(r, slowPage[s])
	}
	return false
}

func drawPage(r *http.Request, takes time.Duration) {
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
	}
}
