package wire

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
)

// Client makes calls over one connection.
type Client struct {
	socket  net.Conn
	writing sync.Mutex
	mu      sync.Mutex
	next    uint32
	waiting map[uint32]chan frame
	broken  chan struct{}
}

// Dial opens a connection to a server.
func Dial(address string) (*Client, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Client{socket: socket, waiting: map[uint32]chan frame{}, broken: make(chan struct{})}
	go c.readLoop()
	return c, nil
}

// Close drops the connection with all its streams.
func (c *Client) Close() { c.socket.Close() }

func (c *Client) readLoop() {
	defer close(c.broken)
	from := bufio.NewReaderSize(c.socket, 64<<10)
	for {
		f, err := readFrame(from, Exact)
		if err != nil {
			return
		}
		c.mu.Lock()
		to := c.waiting[f.stream]
		c.mu.Unlock()
		if to != nil {
			to <- f
		}
	}
}

func (c *Client) write(f frame) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	to := bufio.NewWriter(c.socket)
	if err := writeFrame(to, f); err != nil {
		return err
	}
	return to.Flush()
}

// Call waits for the first message of the answer.
func (c *Client) Call(ctx context.Context, method string, body []byte) (answer []byte, err error) {
	err = c.Stream(ctx, method, body, func(message []byte) error {
		answer = message
		return nil
	})
	return answer, err
}

// Stream calls each for every message, and grants the server one more for each.
func (c *Client) Stream(ctx context.Context, method string, body []byte, each func([]byte) error) error {
	from := make(chan frame, 2*firstCredit)
	c.mu.Lock()
	c.next++
	id := c.next
	c.waiting[id] = from
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	if err := c.write(frame{kindCall, id, append([]byte(method+"\x00"), body...)}); err != nil {
		return err
	}
	for {
		select {
		case f := <-from:
			switch f.kind {
			case kindEnd:
				return nil
			case kindFail:
				return errors.New(string(f.body))
			}
			if err := each(f.body); err != nil {
				return errors.Join(err, c.write(frame{kind: kindCancel, stream: id}))
			}
			if err := c.write(frame{kindCredit, id, []byte{0, 0, 1}}); err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.Join(ctx.Err(), c.write(frame{kind: kindCancel, stream: id}))
		case <-c.broken:
			return net.ErrClosed
		}
	}
}

// Deaf starts a stream, grants all the credit there is and never reads the socket.
func Deaf(address, method string) (net.Conn, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		writeFrame(socket, frame{kindCall, 1, []byte(method + "\x00")}),
		writeFrame(socket, frame{kindCredit, 1, []byte{255, 255, 255}}),
	)
	return socket, err
}
