package main

import "time"

func init() {
	register(&busy{described: described{"busy", "Serves many more customers than usual", healthy}})
}

var manyCustomers = [...]int{small: 10, medium: 25, large: 50} // each asks up to ten times a second

type busy struct {
	described
	many crowd
}

func (b *busy) start(s size) {
	b.many.Number, b.many.Path, b.many.Manner, b.many.Pause = manyCustomers[s], "/", asks, 100*time.Millisecond
	b.many.invited()
}

func (b *busy) free() { b.many.sendHome() }
