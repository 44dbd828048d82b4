package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Catalogue finds articles by their words.
type Catalogue struct {
	mu    sync.RWMutex
	items []Item
	words map[string][]int
}

// NewCatalogue indexes articles.
func NewCatalogue(items []Item) *Catalogue {
	c := &Catalogue{items: items}
	slices.SortFunc(c.items, func(a, b Item) int { return strings.Compare(a.SKU, b.SKU) })
	c.words = indexed(c.items)
	return c
}

func indexed(items []Item) map[string][]int {
	words := map[string][]int{}
	for place, item := range items {
		for word := range strings.FieldsSeq(item.Title) {
			words[word] = append(words[word], place)
		}
	}
	return words
}

// Top gives the first articles of a zone.
func (c *Catalogue) Top(zone, count int) []Item {
	c.mu.RLock()
	defer c.mu.RUnlock()
	top := make([]Item, 0, count)
	for i := zone; i < len(c.items) && len(top) < count; i += Zones {
		top = append(top, c.items[i])
	}
	return top
}

// Find gives the articles that have a word.
func (c *Catalogue) Find(word string, most int) []Item {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var found []Item
	for _, place := range c.words[word] {
		if len(found) == most {
			break
		}
		found = append(found, c.items[place])
	}
	return found
}

// Reprice changes one price.
func (c *Catalogue) Reprice(place int, price float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items[place%len(c.items)].Price = price
}

// Each visits every article in pages, consistently: nothing changes while it runs.
func (c *Catalogue) Each(page int, visit func([]Item) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for some := range slices.Chunk(c.items, page) {
		if err := visit(some); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	return nil
}

// Similar gives the articles whose title is nearest to a misspelt one.
func (c *Catalogue) Similar(title string, most int) []Item {
	c.mu.RLock()
	items := c.items
	c.mu.RUnlock()
	type near struct{ place, distance int }
	all := make([]near, 0, len(items))
	for place := range items {
		all = append(all, near{place, distance(title, items[place].Title)})
	}
	slices.SortFunc(all, func(a, b near) int { return a.distance - b.distance })
	found := make([]Item, 0, most)
	for _, one := range all[:min(most, len(all))] {
		found = append(found, items[one.place])
	}
	return found
}

// distance counts the edits that make one text of another (Levenshtein).
func distance(a, b string) int {
	before, now := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range before {
		before[j] = j
	}
	for i := range len(a) {
		now[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			now[j+1] = min(now[j]+1, before[j+1]+1, before[j]+change)
		}
		before, now = now, before
	}
	return before[len(b)]
}
