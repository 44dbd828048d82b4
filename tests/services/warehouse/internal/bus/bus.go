// Package bus carries events from those who make them to those who watch.
package bus

import "sync"

// Bus hands every event to every subscription; a watcher that lags misses events.
type Bus[E any] struct {
	mu       sync.RWMutex
	watchers map[*Subscription[E]]struct{}
}

// Subscription is one watcher's place on the bus.
type Subscription[E any] struct {
	C   chan E
	bus *Bus[E]
}

// New gives a bus without watchers.
func New[E any]() *Bus[E] {
	return &Bus[E]{watchers: map[*Subscription[E]]struct{}{}}
}

// Subscribe gives a place that must be closed.
func (b *Bus[E]) Subscribe(room int) *Subscription[E] {
	s := &Subscription[E]{C: make(chan E, room), bus: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[s] = struct{}{}
	return s
}

// Publish hands out an event without waiting for anybody.
func (b *Bus[E]) Publish(event E) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.watchers {
		select {
		case s.C <- event:
		default:
		}
	}
}

// CloseAll ends every subscription: its channel is closed.
func (b *Bus[E]) CloseAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.watchers {
		close(s.C)
	}
	clear(b.watchers)
}

// Close gives the place back.
func (s *Subscription[E]) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	delete(s.bus.watchers, s)
}
