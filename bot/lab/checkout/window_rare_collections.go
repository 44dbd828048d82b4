package main

import (
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

func init() {
	register(&rareCollections{described: described{"rare-collections", "Collects much of the little that it computes", healthy}})
}

// indexNodes live for as long as the window is on; one in a hundred is replaced each time.
var indexNodes = [...]int{small: 200_000, medium: 500_000, large: 1_000_000}

const replaceEvery = 100 * time.Millisecond

// rareCollections has a heap of many small objects and some garbage: the collector takes most of the CPU that this
// process uses, which is little of a core.
type rareCollections struct {
	described
	stop chan struct{}
	done sync.WaitGroup
}

type indexNode struct {
	word   string
	weight int
}

func (c *rareCollections) start(s size) {
	index := make([]*indexNode, indexNodes[s])
	growIndex(index)
	c.stop = make(chan struct{})
	c.done.Go(func() { replaceNodes(index, c.stop) })
}

func (c *rareCollections) free() {
	close(c.stop)
	c.done.Wait()
	debug.FreeOSMemory()
}

func replaceNodes(index []*indexNode, stop <-chan struct{}) {
	for from := 0; ; from = (from + len(index)/100) % len(index) {
		growIndex(index[from:min(from+len(index)/100, len(index))])
		select {
		case <-stop:
			return
		case <-time.After(replaceEvery):
		}
	}
}

//go:noinline
func growIndex(part []*indexNode) {
	for n := range part {
		part[n] = &indexNode{word: strconv.Itoa(1_000_000 + n), weight: n}
	}
}
