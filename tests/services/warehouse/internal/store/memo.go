package store

import "sync"

// Memo remembers what was worked out once.
type Memo[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]V
}

// NewMemo remembers nothing yet.
func NewMemo[K comparable, V any]() *Memo[K, V] {
	return &Memo[K, V]{known: map[K]V{}}
}

// Get gives what is known, or works it out and remembers it.
func (m *Memo[K, V]) Get(key K, work func() V) V {
	m.mu.Lock()
	value, isKnown := m.known[key]
	m.mu.Unlock()
	if isKnown {
		return value
	}
	value = work()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[key] = value
	return value
}

// Forget empties the memory.
func (m *Memo[K, V]) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = map[K]V{}
}

// Len counts what is remembered.
func (m *Memo[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.known)
}
