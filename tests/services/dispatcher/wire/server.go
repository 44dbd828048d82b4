package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
)

// Handler answers one call; send gives back one message and waits for the reader's credit.
type Handler func(ctx context.Context, body []byte, send func([]byte) error) error

// Server answers calls. Buffer gives the memory an incoming frame is read into.
type Server struct {
	Handlers map[string]Handler
	Buffer   func(n int) []byte
}

var errGone = errors.New("the caller is gone")

// Serve accepts connections until the listener fails.
func (s *Server) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go s.serveConn(c)
	}
}

type stream struct {
	credit int
	cancel context.CancelFunc
}

type conn struct {
	net.Conn
	out     chan frame
	mu      sync.Mutex
	granted *sync.Cond
	streams map[uint32]*stream
	closed  bool
}

func (s *Server) serveConn(socket net.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &conn{Conn: socket, out: make(chan frame, 16), streams: map[uint32]*stream{}}
	c.granted = sync.NewCond(&c.mu)
	go c.writeLoop(ctx)
	defer c.shut(cancel)
	from := bufio.NewReaderSize(socket, 32<<10)
	for {
		f, err := readFrame(from, s.Buffer)
		if err != nil {
			return
		}
		switch f.kind {
		case kindCall:
			s.start(ctx, c, f)
		case kindCredit:
			c.grant(f.stream, int(f.body[0])<<16|int(f.body[1])<<8|int(f.body[2]))
		case kindCancel:
			c.forget(f.stream)
		}
	}
}

func (s *Server) start(ctx context.Context, c *conn, f frame) {
	method, body, _ := bytes.Cut(f.body, []byte{0})
	handler, known := s.Handlers[string(method)]
	if !known {
		c.out <- frame{kindFail, f.stream, []byte("unknown method")}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.streams[f.stream] = &stream{credit: firstCredit, cancel: cancel}
	c.mu.Unlock()
	go c.serveStream(ctx, f.stream, handler, body)
}

func (c *conn) serveStream(ctx context.Context, id uint32, handler Handler, body []byte) {
	err := handler(ctx, body, func(message []byte) error { return c.send(ctx, id, message) })
	last := frame{kind: kindEnd, stream: id}
	if err != nil {
		last = frame{kindFail, id, []byte(err.Error())}
	}
	select {
	case c.out <- last:
	case <-ctx.Done():
	}
	c.forget(id)
}

// send waits for credit, then for a place in the writer's queue.
func (c *conn) send(ctx context.Context, id uint32, message []byte) error {
	c.mu.Lock()
	for {
		one, open := c.streams[id]
		if c.closed || !open {
			c.mu.Unlock()
			return errGone
		}
		if one.credit > 0 {
			one.credit--
			break
		}
		c.granted.Wait()
	}
	c.mu.Unlock()
	select {
	case c.out <- frame{kindData, id, message}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *conn) grant(id uint32, more int) {
	c.mu.Lock()
	if one, open := c.streams[id]; open {
		one.credit += more
	}
	c.mu.Unlock()
	c.granted.Broadcast()
}

func (c *conn) forget(id uint32) {
	c.mu.Lock()
	one, open := c.streams[id]
	delete(c.streams, id)
	c.mu.Unlock()
	if open {
		one.cancel()
		c.granted.Broadcast()
	}
}

func (c *conn) shut(cancel context.CancelFunc) {
	cancel()
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.granted.Broadcast()
	c.Close()
}

func (c *conn) writeLoop(ctx context.Context) {
	to := bufio.NewWriterSize(c.Conn, 32<<10)
	for {
		select {
		case f := <-c.out:
			if writeFrame(to, f) != nil {
				c.Close()
				return
			}
			if len(c.out) == 0 && to.Flush() != nil {
				c.Close()
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
