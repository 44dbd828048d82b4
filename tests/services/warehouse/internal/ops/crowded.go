package ops

import (
	"time"

	"acme.example/warehouse/internal/jobs"
)

// crowded is many people who all get what they came for.
var crowded = []situation{
	{"busy-hour", "Many more visitors than usual", "", crowdOf("shoppers", "/",
		func(s Size) (int, int) { return 128, pick(s, 60, 150, 300) })},
	{"kept-connections", "Many visitors keep their connection for later", "", crowdOf("idlers", "/health/ready",
		func(s Size) (int, int) { return pick(s, 200, 800, 2500), 1 })},
	{"long-polls", "Many wait for a change that does not come", "", crowdOf("pollers", "/changes?sku=none&s=25",
		func(s Size) (int, int) { return pick(s, 100, 400, 1500), 1 })},
	{"partner-quota", "A partner asks for more than was agreed and is told so", "", crowdOf("shoppers", "/partner/stock",
		func(s Size) (int, int) { return 64, pick(s, 55, 90, 150) })},
	{"slow-pullers", "Exports are read slowly, but they are read", "", crowdOf("strollers", "/export?days=20",
		func(s Size) (int, int) { return pick(s, 10, 30, 80), 1 })},
	{"live-wallboards", "Wallboards read their feed", "", liveWallboards},
	{"closing-probes", "Probes open a connection for every question", "", crowdOf("oneshots", "/health/ready",
		func(s Size) (int, int) { return 64, pick(s, 20, 60, 150) })},
	{"full-ledger", "All connections to the ledger are in use most of the time, each for a moment", "", crowdOf("pollers",
		"/turnover?ms=10", func(s Size) (int, int) { return pick(s, 12, 16, 22), 1 })},
}

func liveWallboards(h *Hall, size Size) (func(), error) {
	tell := jobs.Every(100*time.Millisecond, 1, h.Stock.Tell(padding[:512]))
	end, err := h.visited("idlers", "/feed", pick(size, 20, 60, 200), 1)
	return thenEnd(end, err, tell)
}
