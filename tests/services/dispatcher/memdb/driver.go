// Package memdb is the database/sql driver of the parcels' in-memory database.
package memdb

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// Open gives a pool of connections to the database at address.
func Open(address string) *sql.DB { return sql.OpenDB(connector(address)) }

type connector string

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	var d net.Dialer
	socket, err := d.DialContext(ctx, "tcp", string(c))
	if err != nil {
		return nil, err
	}
	return &conn{socket: socket, from: bufio.NewReader(socket)}, nil
}

func (connector) Driver() driver.Driver { return nil }

type conn struct {
	socket net.Conn
	from   *bufio.Reader
}

func (c *conn) Close() error { return c.socket.Close() }

func (*conn) Begin() (driver.Tx, error) { return nil, errors.New("memdb has no transactions") }

func (*conn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("memdb prepares no statements")
}

// QueryContext sends one line and reads `rows N`, then N lines of `id weight`.
func (c *conn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	for _, arg := range args {
		query = strings.Replace(query, "?", fmt.Sprint(arg.Value), 1)
	}
	if _, err := io.WriteString(c.socket, query+"\n"); err != nil {
		return nil, driver.ErrBadConn
	}
	head, err := c.from.ReadString('\n')
	if err != nil {
		return nil, driver.ErrBadConn
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(head, "rows ")))
	return &rows{conn: c, left: n}, err
}

type rows struct {
	conn *conn
	left int
}

func (*rows) Columns() []string { return []string{"id", "weight"} }

// Close reads what nobody wanted, so that the connection can be used again.
func (r *rows) Close() error {
	for ; r.left > 0; r.left-- {
		if _, err := r.conn.from.ReadString('\n'); err != nil {
			return err
		}
	}
	return nil
}

func (r *rows) Next(to []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	line, err := r.conn.from.ReadString('\n')
	if err != nil {
		return err
	}
	id, weight, _ := strings.Cut(strings.TrimSpace(line), " ")
	to[0] = id
	to[1], err = strconv.ParseInt(weight, 10, 64)
	return err
}
