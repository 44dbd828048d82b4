package main

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// answerWithin bounds the wait of customers who read.
const answerWithin = 5 * time.Second

// customers come to this service's own port as from outside, for faults that need customers who behave badly.
type customers struct {
	number   int
	path     string        // what each asks for
	reads    bool          // whether each reads its answer, until the service closes
	patience time.Duration // how long each stays after that; then it leaves and comes again

	mu     sync.Mutex
	invite bool
	leave  chan struct{} // nil until they are here
}

// invited says that they may come; sendHome ends their visits.
func (c *customers) invited() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.invite = true
}

func (c *customers) sendHome() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.invite = false
	if c.leave != nil {
		close(c.leave)
		c.leave = nil
	}
}

// follow brings them to where a request came in, the first time.
func (c *customers) follow(r *http.Request) {
	address, known := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !known || !c.invite || c.leave != nil {
		return
	}
	c.leave = make(chan struct{})
	for range c.number {
		go c.visit(address.String(), c.leave)
	}
}

// visit asks again and again.
func (c *customers) visit(address string, leave <-chan struct{}) {
	for {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			_, _ = io.WriteString(connection, "GET "+c.path+" HTTP/1.1\r\nHost: checkout\r\n\r\n")
		}
		if err == nil && c.reads {
			_ = connection.SetReadDeadline(time.Now().Add(answerWithin))
			_, _ = io.Copy(io.Discard, connection)
		}
		gone := false
		select {
		case <-leave:
			gone = true
		case <-time.After(c.patience):
		}
		if err == nil {
			connection.Close()
		}
		if gone {
			return
		}
	}
}
