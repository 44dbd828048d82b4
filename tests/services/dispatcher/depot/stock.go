package depot

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type parcel struct {
	ID     string `json:"id"`
	Weight int64  `json:"weight"`
}

// openRows are the answers that were not read to their end.
type openRows struct {
	mu   sync.Mutex
	rows []*sql.Rows
}

func (o *openRows) leave(rows *sql.Rows, change *atomic.Int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if int64(len(o.rows)) >= change.Load() {
		return false
	}
	o.rows = append(o.rows, rows)
	return true
}

func (o *openRows) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, rows := range o.rows {
		_ = rows.Close()
	}
	o.rows = nil
}

// nextFrom gives the parcels that leave a zone next.
func (d *Depot) nextFrom(zone int) ([]parcel, error) {
	d.shelves[zone].take()
	var store func() error
	if d.rollouts.bookedLedger.Load() != 0 {
		store = d.storeBooking
	}
	if err := d.ledger.book(zone, store); err != nil {
		return nil, err
	}
	if d.rollouts.freshOnly.Load() != 0 {
		if fresh, err := d.freshest(zone); err != nil || fresh != nil {
			return fresh, err
		}
	}
	return d.parcelsOf(zone, "parcels")
}

func (d *Depot) parcelsOf(zone int, table string) (parcels []parcel, err error) {
	rows, err := d.stock.Query("SELECT id, weight FROM "+table+" WHERE zone = ?", zone)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one parcel
		if err := rows.Scan(&one.ID, &one.Weight); err != nil {
			return nil, err
		}
		parcels = append(parcels, one)
	}
	return parcels, rows.Err()
}

// freshest gives the first parcel of today; the first is enough.
func (d *Depot) freshest(zone int) ([]parcel, error) {
	rows, err := d.stock.Query("SELECT id, weight FROM fresh WHERE zone = ?", zone)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var one parcel
		if err := rows.Scan(&one.ID, &one.Weight); err != nil {
			return nil, err
		}
		if d.open.leave(rows, &d.rollouts.freshOnly) {
			return []parcel{one}, nil
		}
	}
	return nil, rows.Close()
}

func (d *Depot) storeBooking() error {
	rows, err := d.stock.Query("SELECT id, weight FROM ledger LIMIT 1")
	if err != nil {
		return err
	}
	return rows.Close()
}

// book is the couriers' way to take a parcel.
func (d *Depot) book() error {
	if d.rollouts.bookedLedger.Load() == 0 {
		return d.ledger.book(0, nil)
	}
	return d.ledger.book(0, d.storeBooking)
}

// printLabel needs one of the printers; proof-reading finds some labels bad.
func (d *Depot) printLabel(text []byte) ([]byte, error) {
	d.printers <- struct{}{}
	time.Sleep(40 * time.Millisecond)
	if most := d.rollouts.proofLabels.Load(); most > 0 && len(text)%2 == 1 && d.rollouts.proofLabels.CompareAndSwap(most, most-1) {
		return nil, errDamaged
	}
	<-d.printers
	return text, nil
}

// label is what is printed on the box, line by line.
func label(parcels []parcel, lines int) (text string) {
	for i := range lines {
		one := parcels[i%len(parcels)]
		text += one.ID + " goes with the courier of the day\n"
	}
	return text
}

// race is one question to several estimators.
type race struct{ answers chan int }

// races remembers all races, for the statistics of the estimators.
type races struct {
	mu  sync.Mutex
	run []*race
}

// firstEstimate takes the first of n estimates; the others come too late.
func (all *races) firstEstimate(n int) int {
	if n == 0 {
		return 30
	}
	this := &race{make(chan int)}
	for i := range n {
		go estimate(this, i)
	}
	all.mu.Lock()
	all.run = append(all.run, this)
	all.mu.Unlock()
	return <-this.answers
}

func estimate(this *race, courier int) {
	time.Sleep(time.Duration(courier%3) * time.Millisecond)
	this.answers <- 20 + courier
}

// settle hears those that came too late.
func (all *races) settle() {
	all.mu.Lock()
	defer all.mu.Unlock()
	time.Sleep(10 * time.Millisecond) // the last ones are on their way
	for _, this := range all.run {
		for waiting := true; waiting; {
			select {
			case <-this.answers:
			default:
				waiting = false
			}
		}
	}
	all.run = nil
}

// report joins all zones, a table at a time.
func (d *Depot) report(context.Context) (text string, err error) {
	var lines strings.Builder
	for zone := range zones {
		parcels, err := d.parcelsOf(zone, "report")
		if err != nil {
			return "", err
		}
		for _, one := range parcels {
			lines.WriteString(one.ID + "\n")
		}
	}
	return lines.String(), nil
}
