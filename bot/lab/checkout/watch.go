package main

import "sync/atomic"

// maxWatches bounds the goroutines of all watches together: two each, 100,000 in all.
const maxWatches = 50_000

// watches counts the baskets that are watched now.
var watches atomic.Int64

// A priceWatch follows the price and the stock of one basket until it is stopped.
type priceWatch struct {
	prices  chan int64
	stock   chan int64
	closed  chan struct{}
	running bool
	cents   atomic.Int64
	inStock atomic.Int64
}

// watchBasket starts a watch, or returns an idle one when too many run already.
func watchBasket() *priceWatch {
	if watches.Add(1) > maxWatches {
		watches.Add(-1)
		return &priceWatch{}
	}
	watch := &priceWatch{prices: make(chan int64), stock: make(chan int64), closed: make(chan struct{}), running: true}
	go watchPrice(watch)
	go watchStock(watch)
	return watch
}

// stop ends both goroutines of a watch.
func (watch *priceWatch) stop() {
	if !watch.running {
		return
	}
	watches.Add(-1)
	close(watch.prices)
	close(watch.closed)
}

func watchPrice(watch *priceWatch) {
	for cents := range watch.prices {
		watch.cents.Store(cents)
	}
}

func watchStock(watch *priceWatch) {
	for {
		select {
		case count := <-watch.stock:
			watch.inStock.Store(count)
		case <-watch.closed:
			return
		}
	}
}
