package store

import (
	"context"
	"database/sql"
	"strconv"
)

// Order is what a customer waits for.
type Order struct {
	ID       string `json:"id"`
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Orders are kept in the ledger.
type Orders struct {
	db   *sql.DB
	life context.Context // of the process: work that must outlive its caller
	end  context.CancelFunc
}

// NewOrders reads and writes orders in a database.
func NewOrders(db *sql.DB) *Orders {
	o := &Orders{db: db}
	o.life, o.end = context.WithCancel(context.Background())
	return o
}

// Open gives the first open orders of a zone.
func (o *Orders) Open(ctx context.Context, zone, most int) ([]Order, error) {
	rows, err := o.db.QueryContext(ctx, "SELECT id, sku, quantity FROM orders WHERE zone = ? LIMIT ?", zone, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orders []Order
	for rows.Next() {
		order, err := scanned(rows)
		if err != nil {
			return nil, err
		}
		orders = append(orders, order)
	}
	return orders, rows.Err()
}

// Urgent gives the first open order that is more than a handful.
func (o *Orders) Urgent(zone int) (*Order, error) {
	rows, err := o.db.QueryContext(o.life, "SELECT id, sku, quantity FROM orders WHERE zone = ? LIMIT ?", zone, 200)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		order, err := scanned(rows)
		if err != nil {
			return nil, err
		}
		if order.Quantity > 2 {
			return &order, nil
		}
	}
	return nil, rows.Close()
}

// Turnover has the ledger add up a day, which takes it a while.
func (o *Orders) Turnover(ctx context.Context, ms int) error {
	rows, err := o.db.QueryContext(ctx, "CALL turnover(?)", ms)
	if err != nil {
		return err
	}
	return rows.Close()
}

// Book writes a movement of goods.
func (o *Orders) Book(ctx context.Context, sku string, delta int) error {
	_, err := o.db.ExecContext(ctx, "INSERT INTO movements VALUES (?, ?)", sku, delta)
	return err
}

// Post writes a transfer, which the ledger confirms after some milliseconds.
func (o *Orders) Post(ms int) error {
	_, err := o.db.ExecContext(o.life, "CALL post(?)", ms)
	return err
}

// Reset ends all that was begun for the life of the process. Nobody may be asking meanwhile.
func (o *Orders) Reset() {
	o.end()
	o.life, o.end = context.WithCancel(context.Background())
}

func scanned(rows *sql.Rows) (order Order, err error) {
	var quantity string
	if err := rows.Scan(&order.ID, &order.SKU, &quantity); err != nil {
		return order, err
	}
	order.Quantity, err = strconv.Atoi(quantity)
	return order, err
}
