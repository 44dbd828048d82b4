// Package records is the client of the clinic's record keeper: one line asks, one line answers.
package records

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

const patience = 10 * time.Second

// Conn is a connection to the record keeper.
type Conn struct {
	net.Conn
	in *bufio.Reader
}

// Dial connects to the record keeper.
func Dial(address string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return &Conn{conn, bufio.NewReader(conn)}, nil
}

// Ask sends a statement that keeps the keeper busy for so long, and gives its answer.
func (c *Conn) Ask(statement string, takes time.Duration) (string, error) {
	if err := c.SetDeadline(time.Now().Add(takes + patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(c, "%d %s\n", takes.Milliseconds(), statement); err != nil {
		return "", err
	}
	return c.in.ReadString('\n')
}

// Pool lends a fixed number of connections.
type Pool struct {
	free chan *Conn
}

// Open dials all the connections of a pool.
func Open(address string, size int) (*Pool, error) {
	p := &Pool{make(chan *Conn, size)}
	for range size {
		conn, err := Dial(address)
		if err != nil {
			return nil, err
		}
		p.free <- conn
	}
	return p, nil
}

// Acquire lends a connection, as soon as there is one.
func (p *Pool) Acquire(ctx context.Context) (*Conn, error) {
	select {
	case conn := <-p.free:
		return conn, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no connection to the records: %w", ctx.Err())
	}
}

// Release takes a connection back.
func (p *Pool) Release(conn *Conn) { p.free <- conn }

// Ask has one statement answered on a connection of the pool.
func (p *Pool) Ask(ctx context.Context, statement string, takes time.Duration) (string, error) {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer p.Release(conn)
	return conn.Ask(statement, takes)
}

// Keep is the record keeper itself: it serves until the listener is closed.
func Keep(listener net.Listener) {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		open.Go(func() { keep(conn) })
	}
}

func keep(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		var takes int
		var what string
		fmt.Sscan(line, &takes, &what)
		time.Sleep(time.Duration(takes) * time.Millisecond)
		if _, err := fmt.Fprintf(conn, "%s: nothing unusual\n", what); err != nil {
			return
		}
	}
}
