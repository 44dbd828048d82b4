package main

import (
	"net/http"
	"sync"
	"time"
)

func init() {
	register(&fanOut{described: described{"fan-out", "Asks many shops at once for every customer", healthy}})
}

var shops = [...]int{small: 20, medium: 100, large: 400}

type fanOut struct{ described }

func (*fanOut) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	var answers sync.WaitGroup
	for range shops[s] {
		answers.Go(askShop)
	}
	answers.Wait()
	return false
}

func askShop() { time.Sleep(30 * time.Millisecond) }
