// Package depot is the business of the dispatcher: which parcel goes with which courier.
package depot

import (
	"database/sql"
	"sync/atomic"
	"time"

	"parcels.example/dispatcher/v2/backends"
	"parcels.example/dispatcher/v2/couriers"
	"parcels.example/dispatcher/v2/memdb"
	"parcels.example/dispatcher/v2/wire"
)

const (
	zones       = 16
	workers     = 32
	queueLength = 256
	stockConns  = 10
	printers    = 8
	usualIndex  = 20_000
)

// rollouts are the changes that can be switched on without a deploy; 0 is off.
type rollouts struct {
	labelLines   atomic.Int64 // text labels with so many lines
	fullFrames   atomic.Int64 // read every frame into a full buffer
	keepScans    atomic.Int64 // remember scans to find doubles
	estimators   atomic.Int64 // ask so many estimators, take the first
	forgetful    atomic.Int64 // watchers outlive their callers
	strictScans  atomic.Int64 // refuse damaged barcodes
	touchRoutes  atomic.Int64 // most recently used routes; microseconds of re-ranking
	bookedLedger atomic.Int64 // book in the database, in order
	eagerQuotes  atomic.Int64 // so many quotes ahead for each page
	freshOnly    atomic.Int64 // look for parcels of today first, until so many rows were left open
	proofLabels  atomic.Int64 // proof-read labels, until so many printers were lost
	laneOnPage   atomic.Int64 // the page shows the sorter's lane
	reliableFeed atomic.Int64 // the feed drops no event
}

// Depot holds everything that the pages, the calls and the workers share.
type Depot struct {
	behind   backends.Addresses
	url, rpc string
	rollouts rollouts
	stock    *sql.DB
	carrier  *carrier
	routes   *routes
	shelves  [zones]*shelf
	ledger   *ledger
	manifest *manifest
	board    *board
	seen     *seen
	index    atomic.Pointer[index]
	streets  []string
	jobs     chan func()
	printers chan struct{}
	passes   chan struct{}
	open     openRows
	races    races
	watching atomic.Pointer[chan struct{}]
}

// Open makes a depot that nobody works in yet.
func Open(behind backends.Addresses, url, rpc string) *Depot {
	d := &Depot{
		behind:   behind,
		url:      url,
		rpc:      rpc,
		stock:    memdb.Open(behind.Database),
		carrier:  newCarrier(behind.Carrier),
		routes:   newRoutes(),
		ledger:   &ledger{},
		manifest: &manifest{byCourier: map[string]int{}},
		board:    newBoard(),
		seen:     newSeen(),
		streets:  makeStreets(3000),
		jobs:     make(chan func(), queueLength),
		printers: make(chan struct{}, printers),
		passes:   make(chan struct{}),
	}
	d.stock.SetMaxOpenConns(stockConns)
	d.stock.SetMaxIdleConns(stockConns)
	for i := range d.shelves {
		d.shelves[i] = &shelf{zone: i}
	}
	d.index.Store(buildIndex(usualIndex))
	closing := make(chan struct{})
	d.watching.Store(&closing)
	return d
}

// Begin starts the workers, the tickers and the usual scanners.
func (d *Depot) Begin() error {
	for range workers {
		go d.work(d.jobs)
	}
	go every(50*time.Millisecond, d.board.announce(&d.rollouts))
	go every(5*time.Millisecond, d.givePass)
	go every(time.Second, d.routes.refresh)
	_, err := couriers.Send(couriers.Order{RPC: d.rpc, Do: "call", Method: "scan", Rate: 20, Crowd: 32, Bytes: 600})
	return err
}

// Calls is what scanners and phones may call.
func (d *Depot) Calls() *wire.Server {
	return &wire.Server{Handlers: d.handlers(), Buffer: d.frameBuffer()}
}
