package main

import (
	"net/http"
	"strings"
)

func init() {
	register(&cpuHotspot{described{"cpu-hotspot", "Compares every customer with every other", "cpu-hotspot"}})
}

// comparedCustomers are compared in pairs by each request: the work grows with their square.
var comparedCustomers = [...]int{small: 2_800, medium: 3_400, large: 4_400}

// cpuHotspot computes in every request what need not be computed at all.
type cpuHotspot struct{ described }

func (*cpuHotspot) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	countDoubles(comparedCustomers[s])
	return false
}

const surnames = "Abernathy Appleton Ashworth Atkinson Babington Bainbridge Bancroft Barrington Bellingham Berkeley"

//go:noinline
func countDoubles(customers int) int {
	doubles := 0
	for one := range customers {
		for other := range one {
			if strings.EqualFold(surnames[one%64:one%64+12], surnames[other%61:other%61+12]) {
				doubles++
			}
		}
	}
	return doubles
}
