package lantern

import (
	"context"
	"sync"
)

// Group runs functions beside each other; the first error ends the others' context.
type Group struct {
	wg     sync.WaitGroup
	once   sync.Once
	cancel context.CancelFunc
	err    error
}

// NewGroup gives a group and the context of its functions.
func NewGroup(ctx context.Context) (*Group, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	return &Group{cancel: cancel}, ctx
}

// Go runs a function in the group.
func (g *Group) Go(run func() error) {
	g.wg.Go(func() {
		if err := run(); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel()
			})
		}
	})
}

// Wait waits for all of them and gives the first error.
func (g *Group) Wait() error {
	g.wg.Wait()
	g.cancel()
	return g.err
}

type job[J, R any] struct {
	ctx    context.Context
	what   J
	result chan<- R
}

// Queue hands jobs to a fixed number of workers.
type Queue[J, R any] struct {
	jobs chan job[J, R]
}

// NewQueue starts the workers.
func NewQueue[J, R any](workers, room int, do func(context.Context, J) R) *Queue[J, R] {
	q := &Queue[J, R]{make(chan job[J, R], room)}
	for range workers {
		go q.work(do)
	}
	return q
}

func (q *Queue[J, R]) work(do func(context.Context, J) R) {
	for one := range q.jobs {
		if one.ctx.Err() == nil {
			one.result <- do(one.ctx, one.what)
		}
	}
}

// Ask has a job done and gives its result.
func (q *Queue[J, R]) Ask(ctx context.Context, what J) (result R, err error) {
	answer := make(chan R, 1)
	select {
	case q.jobs <- job[J, R]{ctx, what, answer}:
	case <-ctx.Done():
		return result, ctx.Err()
	}
	select {
	case result = <-answer:
		return result, nil
	case <-ctx.Done():
		return result, ctx.Err()
	}
}

// Cache keeps what a loader gives.
type Cache[K comparable, V any] struct {
	mu   sync.RWMutex
	kept map[K]V
	load func(context.Context, K) (V, error)
}

// NewCache gives an empty cache.
func NewCache[K comparable, V any](load func(context.Context, K) (V, error)) *Cache[K, V] {
	return &Cache[K, V]{kept: map[K]V{}, load: load}
}

// Get gives what is kept under a key, loaded by the first who asks.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	c.mu.RLock()
	value, ok := c.kept[key]
	c.mu.RUnlock()
	if ok {
		return value, nil
	}
	return c.Refresh(ctx, key)
}

// Refresh loads a key again; nobody sees the old value meanwhile.
func (c *Cache[K, V]) Refresh(ctx context.Context, key K) (V, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, err := c.load(ctx, key)
	if err == nil {
		c.kept[key] = value
	}
	return value, err
}
