// Package ledger is the database of the warehouse: a driver for database/sql, and the server it talks to.
package ledger

import (
	"bufio"
	"encoding/json"
	"net"
)

// ask is what the driver sends, one JSON line.
type ask struct {
	SQL  string `json:"sql"`
	Args []any  `json:"args,omitempty"`
}

// reply is what the server answers, one JSON line.
type reply struct {
	Columns []string `json:"columns,omitempty"`
	Rows    [][]any  `json:"rows,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// wire is one connection with its buffers.
type wire struct {
	net.Conn
	in  *json.Decoder
	out *bufio.Writer
}

func newWire(c net.Conn) *wire {
	return &wire{Conn: c, in: json.NewDecoder(bufio.NewReader(c)), out: bufio.NewWriter(c)}
}

func (w *wire) send(value any) error {
	if err := json.NewEncoder(w.out).Encode(value); err != nil {
		return err
	}
	return w.out.Flush()
}
