// Package backends is what the dispatcher depends on: the database, the carrier's API and the parcel sorter.
// It runs as a process of its own, so that the dispatcher's sockets and goroutines are its own.
package backends

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Addresses says where each backend listens.
type Addresses struct {
	Database string `json:"database"`
	Carrier  string `json:"carrier"`
	Sorter   string `json:"sorter"`
}

// Pace is how slow one table or path is, for which share of its requests (1 for all).
type Pace struct {
	What  string        `json:"what"`
	Delay time.Duration `json:"delay"`
	Share float64       `json:"share"`
}

type paces struct {
	mu  sync.RWMutex
	all map[string]Pace
}

func (p *paces) set(one Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[one.What] = one
}

func (p *paces) wait(what string) {
	p.mu.RLock()
	one := p.all[what]
	p.mu.RUnlock()
	if one.Delay == 0 || rand.Float64() >= one.Share {
		return
	}
	for until := time.Now().Add(one.Delay); time.Now().Before(until); {
		time.Sleep(min(100*time.Millisecond, time.Until(until)))
		p.mu.RLock()
		still := p.all[what].Delay
		p.mu.RUnlock()
		if still == 0 {
			return
		}
	}
}

// Run serves all backends and prints their addresses as one JSON line.
func Run() error {
	slow := &paces{all: map[string]Pace{}}
	var at Addresses
	for _, one := range []struct {
		address *string
		serve   func(net.Listener)
	}{
		{&at.Database, accepting(func(c net.Conn) { answerQueries(c, slow) })},
		{&at.Sorter, accepting(answerSorts)},
		{&at.Carrier, func(l net.Listener) { _ = http.Serve(l, carrier(slow)) }},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		*one.address = l.Addr().String()
		go one.serve(l)
	}
	if err := json.NewEncoder(os.Stdout).Encode(at); err != nil {
		return err
	}
	select {}
}

func accepting(answer func(net.Conn)) func(net.Listener) {
	return func(l net.Listener) {
		for {
			c, err := l.Accept()
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			go answer(c)
		}
	}
}

// answerQueries answers each line with 20 parcels of a zone; the table's name is what may be slow.
func answerQueries(c net.Conn, slow *paces) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		_, after, _ := strings.Cut(lines.Text(), "FROM ")
		table, _, _ := strings.Cut(after, " ")
		slow.wait(table)
		var answer strings.Builder
		answer.WriteString("rows 20\n")
		for i := range 20 {
			fmt.Fprintf(&answer, "P%08d %d\n", rand.IntN(1e8), 100+i)
		}
		if _, err := io.WriteString(c, answer.String()); err != nil {
			return
		}
	}
}

// answerSorts answers one barcode a connection.
func answerSorts(c net.Conn) {
	defer c.Close()
	var barcode [8]byte
	if _, err := io.ReadFull(c, barcode[:]); err != nil {
		return
	}
	if _, err := c.Write([]byte{barcode[0] % 12}); err != nil {
		return
	}
	_, _ = c.Read(barcode[:]) // until the other side has closed
}

func carrier(slow *paces) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /pace", func(w http.ResponseWriter, r *http.Request) {
		var one Pace
		if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		slow.set(one)
	})
	mux.HandleFunc("GET /{what}", func(w http.ResponseWriter, r *http.Request) {
		slow.wait(r.PathValue("what"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"cents":495,"padding":"`+strings.Repeat("-", 6000)+`"}`)
	})
	return mux
}
