package main

import (
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func init() {
	register(&reload{described: described{"reload", "Reads its catalogue anew every few seconds", healthy}})
}

var catalogueItems = [...]int{small: 10_000, medium: 30_000, large: 60_000}

const reloadEvery = 3 * time.Second

type reload struct {
	described
	catalogue atomic.Pointer[map[string]catalogueItem]
	stop      chan struct{}
	done      sync.WaitGroup
}

type catalogueItem struct {
	Name  string `json:"name"`
	Cents int    `json:"cents"`
}

func (l *reload) start(s size) {
	l.stop = make(chan struct{})
	l.done.Go(func() {
		for {
			l.read(catalogueItems[s])
			select {
			case <-l.stop:
				return
			case <-time.After(reloadEvery):
			}
		}
	})
}

func (l *reload) free() {
	close(l.stop)
	l.done.Wait()
	l.catalogue.Store(nil)
}

func (l *reload) read(items int) {
	fresh := make(map[string]catalogueItem, items)
	for n := range items {
		line := `{"name":"item ` + strconv.Itoa(n) + `","cents":` + strconv.Itoa(100+n%900) + `}`
		var one catalogueItem
		if json.Unmarshal([]byte(line), &one) == nil {
			fresh[one.Name] = one
		}
	}
	l.catalogue.Store(&fresh)
}
