package main

func init() {
	register(&idleConnections{described: described{"idle-connections", "Keeps the connections of many customers who do nothing", healthy}})
}

var idleCustomers = [...]int{small: 200, medium: 1_000, large: 3_000}

type idleConnections struct {
	described
	idle crowd
}

func (i *idleConnections) start(s size) {
	i.idle.Number, i.idle.Path, i.idle.Manner = idleCustomers[s], "/", idles
	i.idle.invited()
}

func (i *idleConnections) free() { i.idle.sendHome() }
