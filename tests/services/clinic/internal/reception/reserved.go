package reception

import (
	"errors"
	"net"
	"os"
	"syscall"
)

const reserve = 16

// reserved is a listener that keeps some files open, to accept operators even when there are no more.
type reserved struct {
	net.Listener
	spare chan *os.File
}

// Reserved listens for operators.
func Reserved(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	r := &reserved{listener, make(chan *os.File, reserve)}
	for range reserve {
		r.refill()
	}
	return r, nil
}

func (r *reserved) refill() {
	file, err := os.Open(os.DevNull)
	if err != nil {
		return
	}
	select {
	case r.spare <- file:
	default:
		file.Close()
	}
}

// Accept gives a spare file away when there is no other.
func (r *reserved) Accept() (net.Conn, error) {
	for {
		conn, err := r.Listener.Accept()
		if err == nil {
			return &operator{conn, r}, nil
		}
		if !errors.Is(err, syscall.EMFILE) {
			return nil, err
		}
		select {
		case file := <-r.spare:
			file.Close()
		default:
			return nil, err
		}
	}
}

// operator is a connection whose file becomes a spare one again.
type operator struct {
	net.Conn
	from *reserved
}

// Close closes the connection.
func (o *operator) Close() error {
	defer o.from.refill()
	return o.Conn.Close()
}
