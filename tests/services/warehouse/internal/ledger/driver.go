package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"
)

var errUnsupported = errors.New("ledger: not supported, use the forms with a context")

// Open gives the pool of connections that the whole service shares.
func Open(address string, most int) *sql.DB {
	db := sql.OpenDB(connector(address))
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db
}

type connector string

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	var dialer net.Dialer
	opened, err := dialer.DialContext(ctx, "tcp", string(c))
	if err != nil {
		return nil, err
	}
	return &session{wire: newWire(opened)}, nil
}

func (c connector) Driver() driver.Driver { return nil }

// session is one connection in the eyes of database/sql.
type session struct {
	wire   *wire
	broken bool
}

func (s *session) Prepare(string) (driver.Stmt, error) { return nil, errUnsupported }
func (s *session) Begin() (driver.Tx, error)           { return nil, errUnsupported }
func (s *session) Close() error                        { return s.wire.Close() }
func (s *session) IsValid() bool                       { return !s.broken }

// QueryContext asks and reads the whole answer; rows are handed out one by one.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	answer, err := s.roundTrip(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return &rows{columns: answer.Columns, left: answer.Rows}, nil
}

// ExecContext asks and forgets the rows.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	answer, err := s.roundTrip(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(len(answer.Rows)), nil
}

func (s *session) roundTrip(ctx context.Context, query string, args []driver.NamedValue) (*reply, error) {
	values := make([]any, 0, len(args))
	for _, arg := range args {
		values = append(values, arg.Value)
	}
	defer s.untilEnded(ctx)()
	answer := &reply{}
	err := s.wire.send(ask{query, values})
	if err == nil {
		err = s.wire.in.Decode(answer)
	}
	if err != nil {
		s.broken = true
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer, nil
}

// untilEnded makes reading and writing end with the context.
func (s *session) untilEnded(ctx context.Context) func() {
	stop := context.AfterFunc(ctx, func() { _ = s.wire.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if !stop() {
			s.broken = true
		}
	}
}

type rows struct {
	columns []string
	left    [][]any
}

func (r *rows) Columns() []string { return r.columns }
func (r *rows) Close() error      { r.left = nil; return nil }

func (r *rows) Next(dest []driver.Value) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	for i := range dest {
		dest[i] = r.left[0][i]
	}
	r.left = r.left[1:]
	return nil
}
