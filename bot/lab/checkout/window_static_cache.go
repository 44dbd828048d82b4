package main

import (
	"net/http"
	"runtime/debug"
	"sync/atomic"
)

func init() {
	register(&staticCache{described: described{"static-cache", "Keeps all its pictures in memory, and no more than that", healthy}})
}

var pictures = [...]int{small: 1_000, medium: 3_000, large: 8_000}

const pictureBytes = 64 << 10

type staticCache struct {
	described
	pictures atomic.Pointer[[][]byte]
	served   atomic.Int64
}

func (c *staticCache) start(s size) {
	all := loadPictures(pictures[s])
	c.pictures.Store(&all)
}

func (c *staticCache) free() {
	c.pictures.Store(nil)
	go debug.FreeOSMemory()
}

func (c *staticCache) during(w http.ResponseWriter, _ *http.Request, _ size) bool {
	if all := c.pictures.Load(); all != nil {
		one := (*all)[int(c.served.Add(1))%len(*all)]
		w.Header().Set("X-Picture", string('a'+one[0]%26))
	}
	return false
}

//go:noinline
func loadPictures(count int) [][]byte {
	all := make([][]byte, count)
	for n := range all {
		all[n] = make([]byte, pictureBytes)
		for at := 0; at < pictureBytes; at += 4096 {
			all[n][at] = byte(n)
		}
	}
	return all
}
