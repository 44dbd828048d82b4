package api

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
)

// Gateway speaks with the handheld scanners: a greeting, one command a line.
type Gateway struct {
	Address string

	mu   sync.Mutex
	open map[net.Conn]time.Time
}

// NewGateway listens for scanners.
func NewGateway() (*Gateway, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &Gateway{Address: listener.Addr().String(), open: map[net.Conn]time.Time{}}
	go g.accept(listener)
	return g, nil
}

func (g *Gateway) accept(listener net.Listener) {
	for {
		scanner, err := listener.Accept()
		if err != nil {
			slog.Warn("scanner refused", "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go g.serve(scanner)
	}
}

func (g *Gateway) serve(scanner net.Conn) {
	g.mu.Lock()
	g.open[scanner] = time.Now()
	g.mu.Unlock()
	if err := g.converse(scanner); err != nil {
		slog.Debug("scanner", "error", err)
		return
	}
	g.hangUp(scanner)
}

func (g *Gateway) converse(scanner net.Conn) error {
	if _, err := fmt.Fprintln(scanner, "WAREHOUSE 3"); err != nil {
		return err
	}
	lines := bufio.NewScanner(scanner)
	for lines.Scan() {
		switch command, _, _ := strings.Cut(lines.Text(), " "); command {
		case "PING", "SCAN":
			if _, err := fmt.Fprintln(scanner, "OK"); err != nil {
				return err
			}
		default:
			_, _ = fmt.Fprintln(scanner, "WHAT")
			return fmt.Errorf("unknown command %q", command)
		}
	}
	return lines.Err()
}

func (g *Gateway) hangUp(scanner net.Conn) {
	g.mu.Lock()
	delete(g.open, scanner)
	g.mu.Unlock()
	_ = scanner.Close()
}

// HangUpAll ends every conversation.
func (g *Gateway) HangUpAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for scanner := range g.open {
		_ = scanner.Close()
	}
	clear(g.open)
}
