package depot

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// entry is one parcel of the search index, with its neighbours.
type entry struct {
	name   string
	street *string
	next   *entry
}

// index finds parcels by name.
type index struct {
	byName map[string]*entry
	first  []*entry
}

func buildIndex(n int) *index {
	built := &index{byName: make(map[string]*entry, n), first: make([]*entry, 64)}
	for i := range n {
		street := fmt.Sprintf("street %d", i%5000)
		one := &entry{name: fmt.Sprintf("P%08d", i), street: &street, next: built.first[i%64]}
		built.first[i%64] = one
		built.byName[one.name] = one
	}
	return built
}

type hit struct {
	entry *entry
	text  string
}

// search ranks some thousand entries and answers with the best.
func (x *index) search() []byte {
	one := x.first[rand.IntN(len(x.first))]
	hits := make([]*hit, 0, 16)
	for range 5000 {
		if one == nil {
			break
		}
		hits = append(hits, &hit{one, one.name + " " + *one.street + " " + strings.Repeat("~", 100)})
		one = one.next
	}
	if len(hits) == 0 {
		return nil
	}
	return []byte(hits[len(hits)/2].text)
}

func makeStreets(n int) []string {
	streets := make([]string, n)
	for i := range streets {
		streets[i] = fmt.Sprintf("%d %s street, north of the %d mills", i, strings.Repeat("long ", i%5), i%77)
	}
	return streets
}

// closest gives the street that is most like what was typed.
func closest(typed string, streets []string) (best string) {
	least := len(typed) + 100
	for _, street := range streets {
		if far := distance(typed, street); far < least {
			least, best = far, street
		}
	}
	return best
}

func distance(a, b string) int {
	above := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+cost)
		}
		above, row = row, above
	}
	return above[len(b)]
}

// seen remembers scans, to find those that come twice.
type seen struct {
	mu    sync.Mutex
	scans map[string][]byte
	bytes int64
}

// seenMost bounds what is kept, whatever the rollout says.
const seenMost = 1 << 30

func newSeen() *seen { return &seen{scans: map[string][]byte{}} }

func (s *seen) remember(scan []byte, kept int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes > seenMost {
		return
	}
	photo := make([]byte, kept)
	copy(photo, scan)
	s.scans[fmt.Sprintf("%x-%d", scan[:8], len(s.scans))] = photo
	s.bytes += kept
}

func (s *seen) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans, s.bytes = map[string][]byte{}, 0
}

// moved is one line of the history.
type moved struct{ who, from, to string }

// history is all moves of all parcels, for the auditors.
type history struct{ moves []*moved }

// note adds what happened since the last time.
func (h *history) note(n int) {
	for i := range n {
		at := len(h.moves)
		if at > 8_000_000 {
			return
		}
		h.moves = append(h.moves, &moved{fmt.Sprintf("courier %d", at%977), fmt.Sprintf("shelf %d", i%16), fmt.Sprintf("gate %d", at)})
	}
}
