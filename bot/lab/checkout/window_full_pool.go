package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

func init() {
	register(&fullPool{described: described{"full-pool", "Uses most of its connections, and seldom waits for one", healthy}})
}

var (
	poolPlaces = [...]int{small: 8, medium: 4, large: 3}
	poolAnswer = [...]time.Duration{small: 150 * time.Millisecond, medium: 140 * time.Millisecond, large: 120 * time.Millisecond}
)

type fullPool struct {
	described
	pool atomic.Pointer[pool]
}

func (f *fullPool) start(s size) { f.pool.Store(newPool(poolPlaces[s])) }

func (f *fullPool) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	pool := f.pool.Load()
	c := pool.Get()
	defer pool.Put(c)
	time.Sleep(poolAnswer[s])
	return false
}
