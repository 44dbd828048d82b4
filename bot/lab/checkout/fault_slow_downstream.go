package main

import (
	"net/http"
	"sync/atomic"
	"time"
)

func init() {
	register(&slowDownstream{
		described: described{"slow-downstream", "Queues for slow prices, with no deadline", "pool-exhaustion"},
		pool:      newPool(4),
	})
}

// slowAnswer is how long a price takes: with four connections, 11, 5 and 1.3 requests a second can be served.
var slowAnswer = [...]time.Duration{small: 350 * time.Millisecond, medium: 800 * time.Millisecond, large: 3 * time.Second}

const lookEvery = 20 * time.Millisecond

// slowDownstream sends each request to a slow price service over a small pool, with no deadline.
type slowDownstream struct {
	described
	pool *pool
	slow atomic.Bool
}

func (f *slowDownstream) start(size) { f.slow.Store(true) }
func (f *slowDownstream) free()      { f.slow.Store(false) }

func (f *slowDownstream) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	c := f.pool.Get()
	defer f.pool.Put(c)
	f.waitDownstream(slowAnswer[s])
	return false
}

// waitDownstream waits for the slow answer, or until the fault is switched off.
func (f *slowDownstream) waitDownstream(answer time.Duration) {
	for waited := time.Duration(0); waited < answer && f.slow.Load(); waited += lookEvery {
		time.Sleep(lookEvery)
	}
}

// A conn stands for one connection to the price service.
type conn struct{}

// A pool hands out a fixed number of connections.
type pool struct{ idle chan *conn }

func newPool(size int) *pool {
	p := &pool{idle: make(chan *conn, size)}
	for range size {
		p.idle <- &conn{}
	}
	return p
}

// Get waits for a free connection for as long as it takes: that is the mistake.
func (p *pool) Get() *conn { return <-p.idle }

// Put gives a connection back.
func (p *pool) Put(c *conn) { p.idle <- c }
